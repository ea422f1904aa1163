"""Runs first in the frozen app: what Cove starts (a browser, a file manager) must find its own libraries.

The loader has read LD_LIBRARY_PATH already, so this process is not touched; our own roles set it themselves.
"""

import os

original = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
if original is None:
    os.environ.pop("LD_LIBRARY_PATH", None)
else:
    os.environ["LD_LIBRARY_PATH"] = original

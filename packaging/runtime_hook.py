"""Runs first in the frozen app: processes that Cove starts get their own libraries, not ours.

The loader has read LD_LIBRARY_PATH already, so this process is not touched. A program of the system must not
see it; one of our own roles sets it itself, unless it takes itself for a part of this process, which it tells
by the other variables.
"""

import os

for name in [name for name in os.environ if name.startswith("_PYI_")]:
    del os.environ[name]
original = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
if original is None:
    os.environ.pop("LD_LIBRARY_PATH", None)
else:
    os.environ["LD_LIBRARY_PATH"] = original

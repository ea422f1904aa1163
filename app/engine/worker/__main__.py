"""Entry of the engine child: `python -m app.engine.worker`, with the wire on standard input and output.

The wire is moved to private descriptors first: native code prints to standard output as it likes, and
whatever it prints must land in the log.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
from typing import BinaryIO

from app.engine.worker.confinement import confine_child

log = logging.getLogger(__name__)


def main() -> int:
    incoming, outgoing = take_over_pipes()
    faulthandler.enable()
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    logging.getLogger("llama").setLevel(logging.WARNING)
    # Here and not at the top: what it imports may print.
    from app.engine.worker.child import Child, greeting

    try:
        hello = greeting(incoming)
        if hello is not None:
            Child(incoming, outgoing, hello, confine_child(hello)).run()
    except Exception:
        log.exception("the engine child ended")
        return 1
    return 0


def take_over_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Returns private duplicates of descriptors 0 and 1, which then lead to nothing and to the log."""
    incoming, outgoing = os.dup(0), os.dup(1)
    if sys.platform == "win32":
        import msvcrt  # exists there only

        for descriptor in (incoming, outgoing):
            msvcrt.setmode(descriptor, os.O_BINARY)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return os.fdopen(incoming, "rb"), os.fdopen(outgoing, "wb")


if __name__ == "__main__":
    sys.exit(main())

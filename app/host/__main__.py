"""The host's process: `python -m app.host`, or `cove --role host` when frozen."""

from __future__ import annotations

import os
import sys


def main(argv: list[str] | None = None) -> int:
    """Runs a host to its end. 0: done, or another host holds the home; 1: the home cannot be used."""
    arguments = sys.argv[1:] if argv is None else argv
    if "--detach" in arguments and hasattr(os, "fork") and os.fork() != 0:
        # Before anything is imported: whoever started us waits for this exit, and the fork is nobody's child.
        os._exit(0)
    from app.host.run import run_host

    return run_host([argument for argument in arguments if argument != "--detach"])


if __name__ == "__main__":
    sys.exit(main())

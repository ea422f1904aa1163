"""The host's process: `python -m app.host`, or `cove --role host` when frozen."""

from __future__ import annotations

import sys

from app.spawn import detach


def main(argv: list[str] | None = None) -> int:
    """Runs a host to its end. 0: done, or another host holds the home; 1: the home cannot be used."""
    arguments = sys.argv[1:] if argv is None else argv
    if "--detach" in arguments:
        detach()
    # After the fork, and so that whoever waits for it does not wait for these imports.
    from app.host.run import run_host

    return run_host([argument for argument in arguments if argument != "--detach"])


if __name__ == "__main__":
    sys.exit(main())

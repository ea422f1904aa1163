"""The command line's entry: reads the arguments, runs one verb, words what went wrong in one line.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

import app
from app.cli import doctor, export, host, plan, ps, pull, rm, run, search, show, stop
from app.cli import list as list_verb
from app.cli import quit as quit_verb
from app.cli.console import Console
from app.cli.texts import sentence
from app.cli.verb import FAILED, INTERRUPTED, VerbError, Work
from app.domain.notice import Notice, NoticeCode
from app.errors import CoveError
from app.log import setup_log
from app.paths import Paths, resolve

log = logging.getLogger(__name__)

VERBS = (run, pull, list_verb, search, show, plan, rm, ps, stop, quit_verb, export, host, doctor)


def main(argv: list[str]) -> int:
    """Runs `argv` (without the program's name) and returns the exit code."""
    try:
        options = parse(argv)
    except SystemExit as end:  # argparse has said what is wrong, or helped
        return int(end.code or 0)
    paths = resolve(getattr(options, "home", None))
    undo_log = _log(paths)
    try:
        return _run(options, Work(Console(), paths))
    finally:
        undo_log()


def parse(argv: list[str]) -> argparse.Namespace:
    """Reads the command line. Raises SystemExit, with all said, when it is wrong or asks for help."""
    parser = make_parser()
    options, rest = parser.parse_known_args(argv)
    # WORKAROUND(https://github.com/python/cpython/issues/59317): an optional positional after an option is
    # not seen by argparse, as in `run MODEL --json PROMPT`.
    late = getattr(options, "late", None)
    is_after_dashes = rest[:1] == ["--"]
    words = rest[is_after_dashes:]
    if words and late and getattr(options, late) is None and (is_after_dashes or words[0][:1] != "-"):
        setattr(options, late, words[0])
        rest = words[1:]
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return options


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cove",
        description="Chat with open models on your own machine. Without a verb, the window opens.",
        epilog="MODEL is an id from `cove list`, owner/repo:quant, or the path of a GGUF file.",
    )
    parser.add_argument("--version", action="version", version=f"cove {app.__version__}")
    parser.add_argument("--home", metavar="DIR", help="where all data is (or COVE_HOME)")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in VERBS:
        verb.add(verbs)
    return parser


def _run(options: Any, work: Work) -> int:
    try:
        return int(options.run(options, work))
    except VerbError as error:
        work.console.remark(f"cove: {error}")
        return error.exit_code
    except CoveError as error:
        work.console.remark(f"cove: {sentence(error.notice)}")
        return FAILED
    except KeyboardInterrupt:
        work.console.clear_status()
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough. Nothing more can be written, also not at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        log.exception("A verb failed")
        notice = Notice(code=NoticeCode.BUG, facts={"detail": f"{type(error).__name__}: {error}"})
        work.console.remark(f"cove: {sentence(notice)}")
        return FAILED


def _log(paths: Paths) -> Callable[[], None]:
    """Logs beside the host's log, if there is one; looking around must not make a home."""
    if paths.logs.is_dir():
        return setup_log("cli", paths.logs)
    handler = logging.NullHandler()
    logging.getLogger().addHandler(handler)
    return lambda: logging.getLogger().removeHandler(handler)

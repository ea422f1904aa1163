"""Lock, listen, open, serve, leave: the order in which a host lives."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
from pathlib import Path
from types import FrameType

from app.core import Core
from app.host.engines import engine_maker, machine_prober, planner, template_checker
from app.host.host import Host
from app.host.lifetime import Lifetime
from app.host.listener import HostListener
from app.host.lock import HostLock
from app.log import setup_log
from app.paths import Paths, resolve

log = logging.getLogger(__name__)


def run_host(arguments: list[str]) -> int:
    """Returns the exit code: 0 also when another host holds the home already."""
    options = _parse(arguments)
    paths = resolve(options.home)
    try:
        paths.make()
        os.chdir(paths.home)
        setup_log("host", paths.logs, to_stderr=options.foreground)
        lock = HostLock(paths.lock)
        if not lock.take():
            log.info("Another host holds this home")
            return 0
    except OSError as error:
        log.error("The home cannot be used: %s", error)
        return 1
    try:
        _serve(paths, lock, options)
    except OSError as error:
        log.error("The control socket cannot be opened: %s", error)
        return 1
    finally:
        lock.release()
    return 0


def _serve(paths: Paths, lock: HostLock, options: argparse.Namespace) -> None:
    kind = options.engine
    core = Core(
        paths,
        engine_maker(kind, paths),
        machine_prober(kind, paths),
        template_checker(kind, paths),
        planner=planner(kind, paths),
    )
    host = Host(core)
    _leave_on_signals(host)
    with contextlib.ExitStack() as ending:
        # In this order at the end: nobody new, then the turns' last words, then goodbye.
        ending.callback(host.close)
        ending.callback(core.close)
        # Listening comes first: whoever connects now waits for the opening, and not for another try.
        listener = HostListener(paths, host.admit)
        ending.callback(listener.close)
        core.start()
        log.info("Host of %s is up", paths.home)
        Lifetime(host, core, lock, options.tether).wait()
    log.info("Host has left")


def _leave_on_signals(host: Host) -> None:
    def leave(number: int, frame: FrameType | None) -> None:
        host.leaving.set()

    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), leave)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="cove host")
    parser.add_argument("--home")
    parser.add_argument("--foreground", action="store_true", help="log to the terminal as well")
    parser.add_argument(
        "--engine", choices=("llama", "scripted"), default=os.environ.get("COVE_ENGINE", "llama")
    )
    parser.add_argument("--tether", type=Path, default=_path(os.environ.get("COVE_TETHER")))
    return parser.parse_args(arguments)


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None

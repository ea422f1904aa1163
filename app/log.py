"""Where every process of Cove writes what it did: one file a role, rotated by size, and crashes too.

A line is: time, level, process, thread, the command or turn it belongs to, logger, message. Nothing a person
or a model wrote is ever logged; log ids and counts.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType

MAX_BYTES = 2_000_000
KEPT_FILES = 3
log = logging.getLogger(__name__)

_FORMAT = "%(when)s %(levelname)s %(process)d %(threadName)s%(context)s %(name)s: %(message)s"
# Their lines at INFO hold whole addresses, and those of downloads hold signatures.
_TOO_TALKATIVE = ("httpx", "httpx2", "httpcore", "httpcore2", "huggingface_hub", "urllib3")
_context: ContextVar[dict[str, str]] = ContextVar("log_context")


@contextmanager
def log_context(**names: str) -> Iterator[None]:
    """Marks every line that this thread logs inside the block, for example with turn=<id>."""
    token = _context.set({**_context.get({}), **names})
    try:
        yield
    finally:
        _context.reset(token)


def setup_log(
    role: str, folder: Path, *, to_stderr: bool = False, level: int = logging.INFO
) -> Callable[[], None]:
    """Sends this process's log to `<role>.log` in `folder`, unhandled errors and native crashes with it.

    A folder that cannot be written to does not keep the process from running: the log goes to stderr then.
    Returns the function that undoes all of it.
    """
    handlers: list[logging.Handler] = []
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handlers.append(RoleFile(folder / f"{role}.log"))
    except OSError:
        to_stderr = True
    if to_stderr and sys.stderr is not None:  # None without a console
        handlers.append(logging.StreamHandler(sys.stderr))
    return _install(handlers, level)


class RoleFile(logging.Handler):
    """A log file that several processes of one role may share: each line is one append.

    The descriptor stays the same for life, also when the file behind it is rotated, so a crash handler may
    hold on to it.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._descriptor = _open_to_append(path)
        self._rotate_if_full()
        faulthandler.enable(self._descriptor)

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record) + "\n"
        with suppress(OSError):  # a full disk must not end what is being logged
            os.write(self._descriptor, line.encode(errors="replace"))
            self._rotate_if_full()

    def close(self) -> None:
        with self.lock or threading.RLock():
            if self._descriptor >= 0:
                faulthandler.disable()
                os.close(self._descriptor)
                self._descriptor = -1
        super().close()

    def _rotate_if_full(self) -> None:
        ours = os.fstat(self._descriptor)
        if ours.st_size < MAX_BYTES:
            return
        with suppress(OSError):  # another process was first, or the system refuses while the file is open
            if os.path.samestat(ours, self._path.stat()):
                for number in range(KEPT_FILES - 1, 0, -1):
                    with suppress(FileNotFoundError):
                        self._numbered(number).replace(self._numbered(number + 1))
                self._path.replace(self._numbered(1))
            fresh = _open_to_append(self._path)
            os.dup2(fresh, self._descriptor, inheritable=False)
            os.close(fresh)

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


class _Formatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__(_FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        moment = time.localtime(record.created)
        clock, zone = time.strftime("%Y-%m-%dT%H:%M:%S", moment), time.strftime("%z", moment)
        record.when = f"{clock}.{int(record.msecs):03d}{zone}"
        record.context = "".join(f" {name}={value}" for name, value in _context.get({}).items())
        return super().format(record)


def _install(handlers: list[logging.Handler], level: int) -> Callable[[], None]:
    root = logging.getLogger()
    before = (root.level, sys.excepthook, threading.excepthook)
    for handler in handlers:
        handler.setFormatter(_Formatter())
        root.addHandler(handler)
    root.setLevel(level)
    for name in _TOO_TALKATIVE:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    sys.excepthook = _log_unhandled
    threading.excepthook = _log_unhandled_in_thread

    def undo() -> None:
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()
        root.setLevel(before[0])
        sys.excepthook, threading.excepthook = before[1], before[2]

    return undo


def _open_to_append(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def _log_unhandled(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
    else:
        log.critical("Unhandled error", exc_info=(kind, error, traceback))


def _log_unhandled_in_thread(arguments: threading.ExceptHookArgs) -> None:
    kind, error = arguments.exc_type, arguments.exc_value
    if error is not None and not issubclass(kind, SystemExit):
        log.critical("Unhandled error in a thread", exc_info=(kind, error, arguments.exc_traceback))

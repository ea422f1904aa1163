"""Asks the template helper to render a chat, and survives whatever the template does to it.

The helper is started when first needed, kept between renders, killed when it exceeds a limit and then
started again. Knows nothing of tokens.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from enum import StrEnum

import msgspec

from app.domain.notice import Action, NoticeCode
from app.domain.value import Value
from app.engine.base import PromptMessage
from app.engine.wire import WireError, pack, read_frame
from app.errors import KnownError

log = logging.getLogger(__name__)

READY = b"ready"
NOT_STARTED = "the template helper did not start"
START_SECONDS = 30.0
# Where the helper limits its own processor time (2 s), the wall clock is only for a machine so busy that
# the helper hardly runs; elsewhere it is the limit.
RENDER_SECONDS = 2.0 if sys.platform == "win32" else 6.0
_LOOK_SECONDS = 0.05


class Limit(StrEnum):
    TIME = "time"
    MEMORY = "memory"
    OUTPUT = "output"
    DEPTH = "depth"


class RenderJob(Value):
    """One chat to render. `thinking` and `effort` are what templates of reasoning models are
    told; an effort of "" is left to them."""

    template: str
    messages: tuple[PromptMessage, ...]
    bos: str = ""
    eos: str = ""
    thinking: bool = True
    effort: str = ""


class Rendered(Value, tag=True):
    """`generation_prompt` is the end of `prompt` that asks for an answer."""

    prompt: str
    generation_prompt: str


class RenderFailed(Value, tag=True):
    """The template gave up (`detail`) or exceeded a limit."""

    detail: str = ""
    limit: Limit | None = None


class RenderCancelledError(Exception):
    """Nobody waits for the prompt any more."""


_reply = msgspec.json.Decoder(Rendered | RenderFailed)


class TemplateRenderer:
    """Renders chats through a helper process of its own. Used by one thread."""

    def __init__(self, helper_argv: tuple[str, ...]) -> None:
        self._argv = helper_argv
        self._helper: _Helper | None = None

    def start(self) -> None:
        """Starts the helper ahead of need. Does not wait for it, and says nothing yet if it cannot."""
        if self._helper is None and self._argv:
            try:
                self._helper = _Helper(self._argv)
            except OSError:
                log.info("the template helper cannot be started", exc_info=True)

    def render(self, job: RenderJob, is_cancelled: Callable[[], bool] = lambda: False) -> Rendered:
        """Raises `KnownError` TEMPLATE_FAILED or TEMPLATE_TOO_COSTLY, or `RenderCancelledError`; the next
        render works in any case."""
        self.start()
        if self._helper is None:
            raise _failed(NOT_STARTED)
        with contextlib.ExitStack() as unanswered:
            unanswered.callback(self.close)
            reply = self._helper.ask(job, is_cancelled)
            unanswered.pop_all()
        if isinstance(reply, Rendered):
            return reply
        if reply.limit is None:
            raise _failed(reply.detail)
        self.close()  # a process that ran out of something is not asked again
        raise KnownError.of(
            NoticeCode.TEMPLATE_TOO_COSTLY, Action.SET_TEMPLATE, Action.CHOOSE_MODEL, limit=reply.limit.value
        )

    def close(self) -> None:
        """Ends the helper. A later render starts another one."""
        helper, self._helper = self._helper, None
        if helper is not None:
            helper.close()


class _Helper:
    """One helper process and the thread that reads its replies."""

    def __init__(self, argv: tuple[str, ...]) -> None:
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._replies: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._is_ready = False
        self._thread = threading.Thread(target=self._read_all, name="template-reader", daemon=True)
        self._thread.start()

    def ask(self, job: RenderJob, is_cancelled: Callable[[], bool]) -> Rendered | RenderFailed:
        if not self._is_ready:
            if self._wait(START_SECONDS, is_cancelled) != READY:
                raise _failed(NOT_STARTED)
            self._is_ready = True
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # then there is no reply either
            self._process.stdin.write(pack(msgspec.json.encode(job)))
            self._process.stdin.flush()
        body = self._wait(RENDER_SECONDS, is_cancelled)
        return self._reason_of_silence() if body is None else _reply.decode(body)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._thread.join()
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _wait(self, seconds: float, is_cancelled: Callable[[], bool]) -> bytes | None:
        """Returns the next frame; None when time is over or the helper has ended (its own limit on
        processor time ends it)."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if is_cancelled():
                raise RenderCancelledError
            try:
                return self._replies.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                continue
        return None

    def _reason_of_silence(self) -> RenderFailed:
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self._process.wait(_LOOK_SECONDS)
            if code != -getattr(signal, "SIGXCPU", 0):
                return RenderFailed(limit=Limit.DEPTH, detail=f"exit code {code}")
        return RenderFailed(limit=Limit.TIME)

    def _read_all(self) -> None:
        assert self._process.stdout is not None
        try:
            while (body := read_frame(self._process.stdout)) is not None:
                self._replies.put(body)
        except (WireError, OSError, ValueError):
            log.info("the template helper's reply was cut")
        self._replies.put(None)


def _failed(detail: str) -> KnownError:
    return KnownError.of(NoticeCode.TEMPLATE_FAILED, Action.SET_TEMPLATE, Action.CHOOSE_MODEL, detail=detail)

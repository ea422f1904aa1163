"""The engine child: a reader, a writer, a heartbeat, and the engine loop on the main thread.

Lives as long as its pipe. It must never outlive the host, whatever native code is doing at that moment.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from typing import BinaryIO

from app.domain.engine import Confinement
from app.domain.notice import Action, Notice, NoticeCode
from app.engine.base import Failed
from app.engine.wire import (
    PROTOCOL,
    Cancel,
    CancelLoad,
    Count,
    Generate,
    Heartbeat,
    Hello,
    HelloReply,
    Load,
    LoadFailed,
    Shutdown,
    ToChild,
    WireError,
    decode_to_child,
    read_frame,
)
from app.engine.worker.bindings import VERSION, Library
from app.engine.worker.control import Control
from app.engine.worker.engineloop import EngineLoop, Inbox
from app.engine.worker.outbox import Outbox
from app.engine.worker.stepclock import StepClock
from app.engine.worker.template import TemplateRenderer

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 0.5
GRACE_SECONDS = 0.5  # for freeing things in order, once the pipe has closed


def greeting(incoming: BinaryIO) -> Hello | None:
    """Returns the host's first frame; None if there is none, or it is something else."""
    body = read_frame(incoming)
    frame = decode_to_child(body) if body is not None else None
    return frame if isinstance(frame, Hello) else None


class Child:
    """Speaks the wire over two streams until the incoming one ends. Makes threads, so that the process must
    be confined by then."""

    def __init__(
        self, incoming: BinaryIO, outgoing: BinaryIO, hello: Hello, confinement: Confinement
    ) -> None:
        self._incoming = incoming
        self._hello = hello
        self._confinement = confinement
        # A child that cannot speak is of no use to anybody.
        self._outbox = Outbox(outgoing, on_fault=lambda: os._exit(1))
        self._inbox: Inbox = queue.SimpleQueue()
        self._control = Control()
        self._clock = StepClock()
        self._is_over = threading.Event()

    def run(self) -> None:
        """Returns when the host is gone or said so. Raises what is a bug."""
        threading.Thread(target=self._read_all, name="wire-reader", daemon=True).start()
        try:
            library, fault = _opened_library()
            if fault is None and self._hello.protocol != PROTOCOL:
                fault = f"protocol {PROTOCOL}, the host speaks {self._hello.protocol}"
            self._outbox.put(_reply(library, fault, self._confinement))
            heartbeat = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
            heartbeat.start()
            if library is None or fault is not None:
                self._refuse_all(fault or "")
            else:
                self._serve(library)
        finally:
            self._is_over.set()
            self._outbox.close()

    def _serve(self, library: Library) -> None:
        renderer = TemplateRenderer(self._hello.helper_argv)
        library.log.is_expected = self._control.is_aborting
        EngineLoop(library, renderer, self._control, self._clock, self._inbox, self._outbox.put).run()
        library.close()

    def _refuse_all(self, found: str) -> None:
        """The host should not even ask a child that is not what it expects."""
        notice = Notice(
            code=NoticeCode.ENGINE_MISMATCH,
            facts={"expected": VERSION, "found": found},
            actions=(Action.UPDATE,),
        )
        while (frame := self._inbox.get()) is not None:
            if isinstance(frame, Load):
                self._outbox.put(LoadFailed(notice=notice))
            elif isinstance(frame, Generate | Count):
                self._outbox.put(Failed(id=frame.request.id, notice=notice))

    def _beat(self) -> None:
        while not self._is_over.wait(HEARTBEAT_SECONDS):
            if self._outbox.is_empty():  # a host that does not read need not find thousands of them
                tokens, milliseconds = self._clock.running()
                self._outbox.put(Heartbeat(steps=self._clock.steps, step_tokens=tokens, step_ms=milliseconds))

    def _read_all(self) -> None:
        """The reader thread. Its end is the end of the process, at the latest after a short grace."""
        code = 0
        try:
            while (body := read_frame(self._incoming)) is not None:
                if not self._receive(decode_to_child(body)):
                    break
        except (WireError, OSError):
            log.exception("the host sent something that is no frame")
            code = os.EX_PROTOCOL if hasattr(os, "EX_PROTOCOL") else 76
        self._control.close()
        self._inbox.put(None)
        if code or not self._is_over.wait(GRACE_SECONDS):
            os._exit(code)  # native code cannot be interrupted otherwise

    def _receive(self, frame: ToChild) -> bool:
        """Does what cannot wait for the engine thread and queues the rest. False at a shutdown."""
        if isinstance(frame, Shutdown):
            return False
        if isinstance(frame, CancelLoad):
            self._control.cancel_load()
            return True
        if isinstance(frame, Load):
            self._control.expect_load()
        elif isinstance(frame, Generate | Count) and not self._control.accept(frame.request.id):
            log.warning("request %s is here already", frame.request.id)
            return True
        elif isinstance(frame, Cancel):
            self._control.cancel(frame.id)
        self._inbox.put(frame)
        return True


def _opened_library() -> tuple[Library | None, str | None]:
    try:
        library = Library()
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        log.exception("llama.cpp could not be opened")
        return None, str(error)
    return library, library.mismatch


def _reply(library: Library | None, fault: str | None, confinement: Confinement) -> HelloReply:
    return HelloReply(
        protocol=PROTOCOL,
        pid=os.getpid(),
        engine=f"llama-cpp-python {library.version}" if library else "",
        build=library.build if library else "",
        devices=library.devices() if library else (),
        mismatch=fault,
        why_no_gpu=library.why_no_gpu() if library else None,
        confinement=confinement,
    )

"""An engine over a supervised child process: what the rest of Cove loads models with.

One thread drives the supervisor and makes every callback; callers only leave a note in its inbox. So events
of one request come in order, and no lock is held while a listener runs.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping

from app.domain.engine import EngineStatus, LoadPlan
from app.engine.base import GenerateRequest, OnRequestEvent, OnStatus
from app.engine.deaths import Ladder
from app.engine.process import ChildProcess, ExitFacts, Launch, launch_engine
from app.engine.silence import Limits
from app.engine.supervisor import Supervisor
from app.engine.wire import Hello
from app.paths import Paths
from app.spawn import Role, engine_environment, role_argv

log = logging.getLogger(__name__)

LOG_NAME = "engine.log"


class SupervisedEngine:
    """Implements `base.Engine`. `environment` is added to the child's; `ladder` gives the next safer plan."""

    def __init__(
        self,
        plan: LoadPlan,
        on_status: OnStatus | None = None,
        *,
        paths: Paths,
        ladder: Ladder = lambda _: None,
        limits: Limits = Limits(),  # noqa: B008 (a frozen value)
        environment: Mapping[str, str] | None = None,
        launch: Launch = launch_engine,
    ) -> None:
        self._paths = paths
        self._limits = limits
        self._environment = dict(environment or {})
        self._launch = launch
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._supervisor = Supervisor(
            plan,
            start_child=self._start_child,
            on_status=on_status or (lambda _: None),
            ladder=ladder,
            limits=limits,
            hello=Hello(helper_argv=tuple(role_argv(Role.TEMPLATE)), driver_cache=str(paths.driver_cache)),
        )

    @property
    def status(self) -> EngineStatus:
        return self._supervisor.status

    def load(self) -> None:
        self._post(self._supervisor.load)

    def generate(self, request: GenerateRequest, on_event: OnRequestEvent) -> None:
        self._post(lambda: self._supervisor.generate(request, on_event))

    def count(self, request: GenerateRequest, on_event: OnRequestEvent) -> None:
        self._post(lambda: self._supervisor.count(request, on_event))

    def cancel(self, request_id: str) -> None:
        self._post(lambda: self._supervisor.cancel(request_id))

    def answer_now(self, request_id: str) -> None:
        self._post(lambda: self._supervisor.answer_now(request_id))

    def cancel_load(self) -> None:
        self._post(self._supervisor.cancel_load)

    def close(self) -> None:
        thread = self._post(self._supervisor.close)
        if thread is not threading.current_thread():  # a callback cannot wait for its own thread
            thread.join()

    def _post(self, step: Callable[[], None]) -> threading.Thread:
        """Leaves a step for the thread, which begins with the first and ends when all is over."""
        with self._lock:
            self._inbox.put(step)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="engine-supervisor", daemon=True)
                self._thread.start()
            return self._thread

    def _start_child(self) -> ChildProcess:
        process = self._launch(self._paths.home, engine_environment(self._environment))
        return ChildProcess(
            process,
            log_path=self._paths.logs / LOG_NAME,
            on_frame=lambda child, frame: self._inbox.put(lambda: self._supervisor.frame_came(child, frame)),
            on_exit=lambda child, facts: self._inbox.put(lambda: self._child_exited(child, facts)),
        )

    # On the thread

    def _run(self) -> None:
        next_tick = time.monotonic()
        while not self._is_done():
            try:
                step = self._inbox.get(timeout=self._patience(next_tick))
            except queue.Empty:
                step = None
            if step is not None:
                _logged(step)
            if time.monotonic() >= next_tick:
                _logged(self._supervisor.tick)
                next_tick = time.monotonic() + self._limits.tick_s

    def _is_done(self) -> bool:
        if not self._supervisor.is_over:
            return False
        with self._lock:
            if not self._inbox.empty():
                return False
            self._thread = None
            return True

    def _patience(self, next_tick: float) -> float | None:
        if not self._supervisor.needs_tick:
            return None
        return max(next_tick - time.monotonic(), 0.0)

    def _child_exited(self, child: ChildProcess, facts: ExitFacts) -> None:
        child.join()  # its reaper left this note with its last breath
        self._supervisor.child_exited(child, facts)


def _logged(step: Callable[[], None]) -> None:
    try:
        step()
    except Exception:
        log.exception("The engine's supervisor could not finish a step")

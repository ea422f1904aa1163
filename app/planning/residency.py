"""Which models are loaded. One at a time for now; what is idle for the keep-alive's length is closed.

Nothing here but `close` blocks the caller: closing an engine, looking at the machine and building the next
engine happen on one thread, in order, so that a model is only loaded when its predecessor has left memory.
Methods are called by the core's thread; status changes come on the engines' threads.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import msgspec

from app.domain.engine import EngineState, EngineStatus, LoadPlan
from app.domain.generation import Sampling
from app.domain.model import Model, ModelOptions
from app.domain.notice import Action, Fact, Notice, NoticeCode
from app.domain.placement import Placement
from app.domain.value import to_json
from app.engine.base import Engine, OnStatus
from app.errors import BugError, CoveError, KnownError
from app.planning.plan import Machine, this_machine
from app.planning.planner import Planner
from app.planning.resident import Resident

log = logging.getLogger(__name__)

MakeEngine = Callable[[LoadPlan, OnStatus], Engine]
KEPT_EXITS = 20


class Residency:
    """Owns every engine. `make_engine` builds one for a plan (supervised or scripted); `on_status` hears each
    change of each engine; `machine` is asked before each plan. Call `sweep` about once a second."""

    def __init__(
        self,
        make_engine: MakeEngine,
        on_status: OnStatus,
        *,
        machine: Callable[[], Machine] = this_machine,
        planner: Planner | None = None,
        keep_alive_s: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keep_alive_s = keep_alive_s
        self._make_engine = make_engine
        self._on_status = on_status
        self._machine = machine
        self._planner = planner or Planner()
        self._clock = clock
        self._residents: dict[str, Resident] = {}
        self._failures: dict[str, Notice | None] = {}  # what each engine's last status said
        self._exits: deque[str] = deque(maxlen=KEPT_EXITS)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="residency")

    @property
    def is_busy(self) -> bool:
        """Tells whether any engine answers or loads."""
        return any(resident.is_busy for resident in self._residents.values())

    @property
    def holds_models(self) -> bool:
        """Tells whether any engine holds a model or is about to; the host stays for its keep-alive."""
        return any(r.is_busy or r.status.state == EngineState.READY for r in self._residents.values())

    def engine_for(self, model: Model, options: ModelOptions | None = None) -> Engine:
        """Returns the engine that answers for a model, making room for it if need be.

        Raises MODEL_IN_USE while another model is answering. An engine that is answering is returned as it
        is, even if the options have changed since it was loaded.
        """
        wished = model.options if options is None else options
        resident = self._residents.get(model.id)
        if resident is not None and (resident.is_answering or _is_same(resident, model, wished)):
            resident.last_used = self._clock()
            return resident
        self._make_room()
        return self._settle(model, wished)

    def ready_engine(self, model: Model) -> Engine | None:
        """Returns the engine that has a model in memory; None, and nothing changed, when there is none."""
        resident = self._residents.get(model.id)
        is_ready = resident is not None and resident.status.state == EngineState.READY
        return resident if is_ready else None

    def load(self, model: Model, options: ModelOptions | None = None) -> None:
        """Begins loading. Raises MODEL_IN_USE while another model (or this one, otherwise loaded) answers."""
        wished = model.options if options is None else options
        resident = self._residents.get(model.id)
        if resident is not None and resident.is_answering and not _is_same(resident, model, wished):
            raise _in_use(resident)
        self.engine_for(model, wished).load()

    def cancel_load(self, model_id: str) -> None:
        if model_id in self._residents:
            self._residents[model_id].cancel_load()

    def unload(self, model_id: str | None = None) -> None:
        """Ends one engine or all, answering or not; their requests end as cancelled."""
        for known in [model_id] if model_id is not None else list(self._residents):
            resident = self._residents.pop(known, None)
            if resident is not None:
                self._submit(resident.close)

    def placement(
        self, model: Model, options: ModelOptions, then: Callable[[Placement | Notice], None]
    ) -> None:
        """Finds out how a model would be placed now, and says so on the residency's own thread."""

        def find() -> None:
            try:
                outcome: Placement | Notice = self._planner.placement(model, options, self._machine())
            except CoveError as error:
                outcome = error.notice
            except Exception as error:
                log.exception("No plan could be made for %s", model.id)
                outcome = BugError(repr(error)).notice
            then(outcome)

        self._submit(find)

    def statuses(self) -> tuple[EngineStatus, ...]:
        statuses = (resident.status for resident in self._residents.values())
        return tuple(status for status in statuses if status.state != EngineState.IDLE)

    def last_exits(self) -> tuple[str, ...]:
        """Returns how engines died or failed to load, oldest first: time, model, code, facts."""
        return tuple(self._exits)

    def sweep(self) -> None:
        """Closes engines that have been idle for the length of the keep-alive."""
        now = self._clock()
        for model_id, resident in list(self._residents.items()):
            if resident.is_busy:
                resident.last_used = now
            elif now - resident.last_used >= self.keep_alive_s:
                self.unload(model_id)

    def close(self) -> None:
        """Ends every engine; returns when nothing is left."""
        self.unload()
        self._worker.shutdown(wait=True)

    def _make_room(self) -> None:
        for resident in self._residents.values():
            if resident.is_answering:
                raise _in_use(resident)
        self.unload()

    def _settle(self, model: Model, options: ModelOptions) -> Resident:
        resident = Resident(model, options, self._build, self._hear)
        resident.last_used = self._clock()
        self._residents[model.id] = resident
        self._submit(lambda: self._open(resident))
        return resident

    def _hear(self, status: EngineStatus) -> None:
        failure = status.notice if status.state == EngineState.FAILED else None
        if failure is not None and failure is not self._failures.get(status.model_id):
            when = datetime.now(UTC).isoformat(timespec="seconds")
            facts = to_json(failure.facts).decode()
            self._exits.append(f"{when} {status.model_id} {failure.code.value} {facts}")
        self._failures[status.model_id] = failure
        self._on_status(status)

    # On the residency's own thread

    def _build(self, model: Model, options: ModelOptions, on_status: OnStatus) -> Engine:
        return self._make_engine(self._planner.plan(model, options, self._machine()), on_status)

    def _open(self, resident: Resident) -> None:
        try:
            resident.open()
        except CoveError as error:
            resident.fail(error.notice)
        except OSError as error:
            facts: dict[str, Fact] = {"model": resident.model.id, "detail": str(error)}
            resident.fail(Notice(code=NoticeCode.MODEL_LOAD_FAILED, facts=facts, actions=(Action.RETRY,)))
        except Exception as error:
            log.exception("No engine could be made for %s", resident.model.id)
            resident.fail(BugError(repr(error)).notice)

    def _submit(self, task: Callable[[], None]) -> None:
        self._worker.submit(_logged, task)


def _logged(task: Callable[[], None]) -> None:
    try:
        task()
    except Exception:
        log.exception("Residency could not finish a step")


def _is_same(resident: Resident, model: Model, options: ModelOptions) -> bool:
    # The template goes with each request, so a change of it needs no other child.
    return (
        not resident.is_broken
        and resident.model.path == model.path
        and resident.model.size_bytes == model.size_bytes
        and _of_loading(resident.options) == _of_loading(options)
    )


def _of_loading(options: ModelOptions) -> ModelOptions:
    """Leaves out what goes with each request."""
    return msgspec.structs.replace(options, sampling=Sampling(), chat_template=None)


def _in_use(resident: Resident) -> KnownError:
    return KnownError.of(NoticeCode.MODEL_IN_USE, Action.RETRY, model=resident.model.id)

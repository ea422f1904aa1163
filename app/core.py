"""Core: builds and owns everything behind the protocol. The only place that wires.

One thread, `loop`, runs every command and publishes every event; what works on other threads (engines,
transfers) posts its results there. Knows no sockets and no clients.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from app.chat.service import ChatService
from app.chat.turn import TurnTools
from app.domain.context import ContextPolicy
from app.domain.generation import Sampling
from app.domain.ids import new_id, now_ms
from app.domain.model import Model, ModelOptions
from app.domain.notice import Action, Fact, Notice, NoticeCode
from app.domain.samplers import suited
from app.downloads.queue import Downloads
from app.engine.base import Engine, GenerateRequest, OnRequestEvent
from app.errors import BugError, KnownError
from app.events import (
    Bus,
    EngineChanged,
    Event,
    MessageChanged,
    ModelAdded,
    ModelRemoved,
    NoticeRaised,
    SettingChanged,
    TransferChanged,
    TransferRemoved,
)
from app.finding.finder import Finder
from app.loop import Loop
from app.models.hub import ModelHub
from app.models.library import Library
from app.network.door import Door
from app.network.ledger import Ledger
from app.paths import Paths, starter_model
from app.planning.counting import Counting
from app.planning.plan import Machine, plan_for, this_machine
from app.planning.planner import Planner
from app.planning.residency import MakeEngine, Residency
from app.planning.vetting import CheckTemplate, Vetting
from app.settings.settings import Settings
from app.store.posted import PostedTable
from app.store.store import Store

log = logging.getLogger(__name__)

TICK_S = 1.0


class Core:
    """`start`, then post to `loop`; `close` ends turns (kept), engines and transfers (resumable)."""

    def __init__(
        self,
        paths: Paths,
        make_engine: MakeEngine,
        machine: Callable[[], Machine] = this_machine,
        check_template: CheckTemplate = lambda _: None,
        planner: Planner | None = None,
    ) -> None:
        """`check_template` may stay as it is where no engine renders any."""
        self.paths = paths
        self.loop = Loop()
        self.bus = Bus()
        self.epoch = new_id()
        self.started_ms = now_ms()
        self.failure: Notice | None = None  # why nothing could be opened
        self._make_engine = make_engine
        self._check_template = check_template
        self.is_closing = False
        self._machine = machine
        self._planner = planner
        # Here and not at the start: whatever a fast client posts until then comes after the opening.
        self.loop.post(self._open)

    def start(self) -> None:
        """Returns at once; the opening is the first work of the loop."""
        self.loop.start()

    def close(self) -> None:
        """Returns when nothing runs any more. May be repeated; not from the loop."""
        if self.is_closing:
            return
        self.is_closing = True
        if self.loop.is_running and self.loop.run(self._is_open):
            self.loop.run(self.chats.close)
            # Not on the loop: what these end still posts its last notes there, and they are to be kept.
            self.residency.close()
            self.counting.close()
            self.downloads.close()
            self.finder.close()
            self.door.close()
            self.loop.post(self.store.close)
        self.loop.close()

    @property
    def is_working(self) -> bool:
        """Whether leaving now would cut something off: a turn, a load, a transfer."""
        if self.failure is not None:
            return False
        return self.chats.is_busy or self.downloads.is_busy or self.residency.is_busy

    @property
    def is_needed(self) -> bool:
        """Whether a host without clients stays: it works, or keeps a model loaded for a while."""
        return self.is_working or (self.failure is None and self.residency.holds_models)

    @property
    def linger_s(self) -> float:
        """How long a host that nobody needs stays."""
        return 0.0 if self.failure is not None else float(self.settings.get("host.linger_s"))

    # Commands that touch more than one part

    def load(self, model_id: str, options: ModelOptions | None) -> None:
        model = self.library.find(model_id)
        self.residency.load(model, options or model.options)

    def cancel_load(self, model_id: str) -> None:
        self.residency.cancel_load(model_id)

    def unload(self, model_id: str | None) -> None:
        self.residency.unload(model_id)

    def remove_model(self, model_id: str) -> None:
        """Unloads and removes. Raises KnownError (MODEL_IN_USE) while it answers."""
        if any(
            status.model_id == model_id and status.active_requests for status in self.residency.statuses()
        ):
            raise KnownError.of(NoticeCode.MODEL_IN_USE, model=model_id)
        self.residency.unload(model_id)
        self.library.remove(model_id)

    def change_setting(self, key: str, value: Fact) -> None:
        """Raises KnownError (SETTING_INVALID)."""
        self.settings.set(key, value)
        self.bus.publish(SettingChanged(key=key, value=self.settings.as_dict()[key]))

    # Opening and closing

    def _open(self) -> None:
        try:
            self._build()
        except KnownError as error:
            log.error("The home cannot be opened: %s", error)
            self.failure = error.notice
        except Exception as error:
            log.exception("The home cannot be opened")
            self.failure = BugError(f"{type(error).__name__}: {error}").notice

    def _build(self) -> None:
        self.settings = Settings.load(self.paths.settings)
        self.store = Store.open(self.paths.database)
        self.ledger = Ledger()
        self.door = Door(self.ledger, lambda: bool(self.settings.get("network.offline")))
        self.library = Library(
            PostedTable(self.loop, self.store.library),
            self.paths,
            starter=starter_model(),
            on_added=lambda model: self._publish_later(ModelAdded(model=model)),
            on_removed=lambda model_id: self._publish_later(ModelRemoved(model_id=model_id)),
        )
        self.library.open()
        self.downloads = Downloads(
            PostedTable(self.loop, self.store.transfers),
            ModelHub(self.door),
            self.library,
            self.paths,
            on_change=lambda transfer: self._publish_later(TransferChanged(transfer=transfer)),
            on_removed=lambda transfer_id: self._publish_later(TransferRemoved(transfer_id=transfer_id)),
            max_rate=lambda: int(self.settings.get("network.max_bytes_per_second")),
        )
        self.finder = Finder(ModelHub(self.door), self._machine)
        make_engine = Vetting(self.library, self._make_engine, self._check_template)
        self.residency = Residency(
            make_engine,
            lambda status: self._publish_later(EngineChanged(status=status)),
            machine=self._machine,
            planner=self._planner,
            keep_alive_s=float(self.settings.get("models.keep_alive_s")),
        )
        self.counting = Counting(
            self.residency,
            make_engine,
            lambda model: plan_for(model, model.options, this_machine()),
        )
        save_s = float(self.settings.get("chat.save_partial_ms")) / 1000
        tools = TurnTools(self.loop, self.bus, self.store.messages, save_s)
        self.chats = ChatService(self.store, self.bus, ModelChoice(self), tools)
        self._recover()
        self.loop.call_later(TICK_S, self._tick)

    def _recover(self) -> None:
        """What the last host left unfinished is marked, and said."""
        for message in self.store.messages.recover():
            self.bus.publish(MessageChanged(message=message))
        self.downloads.resume_unfinished()
        for notice in (*self.store.notices, *self.settings.notices):
            self.bus.publish(NoticeRaised(notice=notice))

    def _tick(self) -> None:
        """Engines that nobody has used for their keep-alive are closed."""
        self.residency.sweep()
        self.counting.sweep()
        self.loop.call_later(TICK_S, self._tick)

    def _is_open(self) -> bool:
        return self.failure is None and hasattr(self, "chats")

    def _publish_later(self, event: Event) -> None:
        self.loop.post(lambda: self.bus.publish(event))


class ModelChoice:
    """Which model answers, and the engine that serves it; `chat.service.Engines` for the chat service."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def choose(self, wanted: str | None) -> Model:
        core = self._core
        wanted = wanted or str(core.settings.get("models.default"))
        if wanted:
            return core.library.get(wanted) or core.library.find(wanted)
        loaded = {status.model_id for status in core.residency.statuses()}
        models = core.library.models()
        chosen = next((model for model in models if model.id in loaded), None) or next(iter(models), None)
        if chosen is None:
            raise KnownError.of(NoticeCode.NO_MODEL, Action.CHOOSE_MODEL)
        return chosen

    def sampling(self, model: Model) -> Sampling:
        return suited(model, self._core.settings.as_dict())

    def context_policy(self) -> ContextPolicy:
        return ContextPolicy(self._core.settings.text("chat.context_policy"))

    def for_model(self, model: Model) -> Engine:
        return self._core.residency.engine_for(model, model.options)

    def loaded_tokens(self, model: Model) -> int:
        engine = self._core.residency.ready_engine(model)
        loaded = engine.status.loaded if engine is not None else None
        return loaded.context_tokens if loaded is not None else 0

    def count(self, model: Model, request: GenerateRequest, on_event: OnRequestEvent) -> None:
        self._core.counting.count(model, request, on_event)

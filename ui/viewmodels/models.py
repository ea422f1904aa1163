"""The models that are here, which of them answers, and what its engine is doing."""

from __future__ import annotations

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from app.client.protocol import (
    CancelLoad,
    ChangeChat,
    Command,
    FindModel,
    LoadModel,
    ModelReply,
    Refused,
    Reply,
    Snapshot,
    UnloadModel,
)
from app.domain.engine import EngineState, EngineStatus
from app.domain.model import Model
from app.events import EngineChanged, Event, ModelAdded, ModelRemoved
from ui.bridge import Bridge
from ui.viewmodels.session import Session
from ui.viewmodels.transcript import Transcript

AnyIndex = QModelIndex | QPersistentModelIndex
MODEL_ROLE = Qt.ItemDataRole.UserRole
STATUS_ROLE = Qt.ItemDataRole.UserRole + 1

DEFAULT_SETTING = "models.default"
LOADING = (EngineState.STARTING, EngineState.LOADING)
_TOP = QModelIndex()


class Models(QAbstractListModel):
    """`MODEL_ROLE` is the Model, `STATUS_ROLE` its EngineStatus or None, the display role its name."""

    changed = Signal()  # the list, the choice or an engine
    load_failed = Signal(str, object)  # model id, Notice; only of what was asked for here
    refused = Signal(object)  # Notice

    def __init__(
        self, bridge: Bridge, session: Session, transcript: Transcript, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._session = session
        self._transcript = transcript
        self._models: list[Model] = []
        self._is_known = False
        self._statuses: dict[str, EngineStatus] = {}
        self._chosen: str | None = None  # for the chat that has not begun, until one is opened
        self._asked: str | None = None  # the model whose loading was asked for here
        bridge.snapshot_taken.connect(self._on_snapshot)
        bridge.happened.connect(self._on_event)
        transcript.opened.connect(self._on_opened)
        transcript.changed.connect(self.changed)
        session.setting_changed.connect(self._on_setting)

    @property
    def is_known(self) -> bool:
        """Whether the host has told which models there are."""
        return self._is_known

    @property
    def selected(self) -> Model | None:
        """The model that answers next: the one chosen, the chat's, the default, a loaded one, or the best."""
        chat = self._transcript.chat
        wanted = (
            self._chosen,
            chat.model_id if chat is not None else None,
            str(self._session.setting(DEFAULT_SETTING, "")),
            *(status.model_id for status in self._statuses.values() if status.state is EngineState.READY),
        )
        found = next((model for model in map(self.model, wanted) if model is not None), None)
        return found or min(self._models, key=_reluctance, default=None)

    @property
    def selected_status(self) -> EngineStatus | None:
        selected = self.selected
        return self._statuses.get(selected.id) if selected is not None else None

    @property
    def can_eject(self) -> bool:
        status = self.selected_status
        return status is not None and status.state is EngineState.READY

    @property
    def has_only_starter(self) -> bool:
        """Whether there is nothing yet but what came with Cove."""
        return bool(self._models) and all(model.is_starter for model in self._models)

    @property
    def loading(self) -> EngineStatus | None:
        """The engine that is being loaded, if any."""
        return next((status for status in self._statuses.values() if status.state in LOADING), None)

    def model(self, model_id: str | None) -> Model | None:
        return next((model for model in self._models if model.id == model_id), None)

    def status(self, model_id: str) -> EngineStatus | None:
        """What a model's engine does; None when it has none."""
        return self._statuses.get(model_id)

    def choose(self, model_id: str) -> None:
        """Lets a model answer from here on, in new chats too, and loads it."""
        self._chosen = model_id
        if self._transcript.chat_id is not None:
            self._ask(ChangeChat(chat_id=self._transcript.chat_id, model_id=model_id))
        self._session.change_setting(DEFAULT_SETTING, model_id)
        self.load(model_id)
        self.changed.emit()

    def open_file(self, path: str) -> None:
        """Lets a GGUF file that is somewhere on this machine answer from here on."""
        self._ask(FindModel(reference=path))

    def load(self, model_id: str) -> None:
        self._asked = model_id
        self._ask(LoadModel(model_id=model_id))

    def cancel_load(self) -> None:
        if self.loading is not None:
            self._asked = None
            self._ask(CancelLoad(model_id=self.loading.model_id))

    def eject(self, model_id: str) -> None:
        self._ask(UnloadModel(model_id=model_id))

    # Qt's side

    def rowCount(self, parent: AnyIndex = _TOP) -> int:
        return 0 if parent.isValid() else len(self._models)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._models):
            return None
        model = self._models[index.row()]
        if role == MODEL_ROLE:
            return model
        if role == STATUS_ROLE:
            return self._statuses.get(model.id)
        return model.name if role == Qt.ItemDataRole.DisplayRole else None

    # The host's side

    def _ask(self, command: Command) -> None:
        self._bridge.ask(command, self._on_reply)

    def _on_reply(self, reply: Reply) -> None:
        if isinstance(reply, Refused):
            self.refused.emit(reply.notice)
        elif isinstance(reply, ModelReply):
            self.choose(reply.model.id)

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        self._is_known = True
        self._statuses = {status.model_id: status for status in snapshot.engines}
        self._set_models(list(snapshot.models))

    def _on_event(self, event: Event) -> None:
        if isinstance(event, EngineChanged):
            self._take_status(event.status)
        elif isinstance(event, ModelAdded):
            others = [model for model in self._models if model.id != event.model.id]
            self._set_models([*others, event.model])
        elif isinstance(event, ModelRemoved):
            self._set_models([model for model in self._models if model.id != event.model_id])

    def _on_opened(self) -> None:
        self._chosen = None
        self.changed.emit()

    def _on_setting(self, key: str, value: object) -> None:
        if key == DEFAULT_SETTING:
            self.changed.emit()

    def _set_models(self, models: list[Model]) -> None:
        """A handful of rows: replacing them all is simplest."""
        self.beginResetModel()
        self._models = models
        self.endResetModel()
        self.changed.emit()

    def _take_status(self, status: EngineStatus) -> None:
        if status.state is EngineState.IDLE:
            self._statuses.pop(status.model_id, None)
        else:
            self._statuses[status.model_id] = status
        if self._models:
            self.dataChanged.emit(self.index(0), self.index(len(self._models) - 1))
        self.changed.emit()
        if status.model_id == self._asked and status.state not in LOADING:
            self._asked = None
            if status.state is EngineState.FAILED and status.notice is not None:
                self.load_failed.emit(status.model_id, status.notice)


def _reluctance(model: Model) -> tuple[bool, bool, bool, int]:
    """Orders models by how little they suggest themselves to somebody who has not chosen."""
    return (model.is_missing, not model.has_template, model.is_starter, -model.added_ms)

"""A window of its own over a host in memory, to be brought into a state and looked at."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from app.domain.chat import MessageStatus
from app.domain.engine import EngineState, LoadedModel
from app.domain.generation import Phase, Timings
from app.domain.ids import now_ms
from app.events import TurnMoved
from tests.ui.fake_client import LARGER, STARTER, FakeHost
from ui.bridge import Bridge
from ui.theme import Theme
from ui.viewmodels.kept import Kept
from ui.viewmodels.workspace import Workspace
from ui.views.main_window import MainWindow

DAY_MS = 86_400_000
LOADED = LoadedModel(context_tokens=8192, layers=28, gpu_layers=28)
TIMINGS = Timings(cache_n=1904, prompt_n=27, prompt_ms=84, predicted_n=212, predicted_ms=5133)
CHATS = (
    ("Why the sky is blue", 0),
    ("Tại sao bầu trời màu xanh?", 0),
    ("Refactor the parser", 0),
    ("Trip to Đà Nẵng", 1),
    ("Quarterly summary", 1),
    ("北京三日游", 4),
    ("Unit tests for the download queue that resumes after a kill", 5),
    ("Integrals by parts", 20),
)


class Stage:
    """A window of its own over a host of its own."""

    def __init__(self, qt: QApplication, home: Path, theme: Theme) -> None:
        self.qt = qt
        self.host = FakeHost()
        self.host.models = [STARTER, LARGER]
        self.host.settings["models.default"] = LARGER.id
        self.host.settings["appearance.theme"] = theme.choice
        self.host._now_ms = now_ms()
        self._add_chats()
        self.theme = theme
        self.bridge = Bridge(self.host.open)
        self.kept = Kept(home / "window.ini")
        self.workspace = Workspace(self.bridge, self.kept)
        self.window = MainWindow(self.workspace, self.theme)
        self.window.show()
        self.popups: list[QWidget] = []

    def settle(self) -> None:
        self.bridge.start()
        while self.bridge._inbox._items:
            self.bridge._deliver()
        for _ in range(8):
            self.qt.processEvents()

    def say(self, text: str) -> None:
        self.settle()
        self.workspace.composer.put_text(text)
        self.workspace.composer.send()
        self.settle()

    def load(self) -> None:
        self.host.set_engine(LARGER.id, EngineState.READY, loaded=LOADED)

    def move(self, phase: Phase, done: int = 0, total: int = 0) -> None:
        answer = self.host.streaming()
        self.host.say(
            TurnMoved(chat_id=answer.chat_id, message_id=answer.id, phase=phase, done=done, total=total)
        )

    def end(self, status: MessageStatus = MessageStatus.COMPLETE, **changes: object) -> None:
        changes.setdefault("timings", TIMINGS)
        self.host.end(status, **changes)
        self.settle()

    def grab(self) -> QPixmap:
        """The window with its pop-ups over it."""
        self.settle()
        picture = self.window.grab()
        painter = QPainter(picture)
        for popup in self.popups:
            place = self.window.mapFromGlobal(popup.mapToGlobal(QPoint(0, 0)))
            painter.drawPixmap(place, popup.grab())
        painter.end()
        return picture

    def close(self) -> None:
        for popup in self.popups:
            popup.close()
        self.workspace.notices._patience.stop()
        self.bridge.close()
        self.window.close()
        self.window.deleteLater()
        self.qt.processEvents()

    def _add_chats(self) -> None:
        now = now_ms()
        for number, (title, days) in enumerate(CHATS):
            chat_id = f"chat{number}"
            self.host.add_chat(chat_id, "Hi", "Hello", title=title, updated_ms=now - days * DAY_MS - number)

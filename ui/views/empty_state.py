"""A chat that has not begun: which model will answer, a line about it, and three things to try."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from ui.texts import model_line, model_title
from ui.viewmodels.models import Models
from ui.viewmodels.session import Link, Session
from ui.widgets.buttons import push_button
from ui.widgets.labels import label

_WIDTH_PX = 420


class EmptyState(QWidget):
    suggested = Signal(str)

    def __init__(self, models: Models, session: Session) -> None:
        super().__init__()
        self._models = models
        self._session = session
        self._title = label(kind="title", wraps=True)
        self._line = label(kind="muted", wraps=True)
        for each in (self._title, self._line):
            each.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._suggestions = [self._suggestion(text) for text in self._texts()]
        self._heading = label(self.tr("Things to try"), "heading")
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addWidget(self._title)
        column.addWidget(self._line)
        column.addSpacing(20)
        column.addWidget(self._heading)
        for button in self._suggestions:
            column.addWidget(button)
        inner = QWidget()
        inner.setMaximumWidth(_WIDTH_PX)
        inner.setLayout(column)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(inner, 1000)
        row.addStretch(1)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addLayout(row)
        outer.addStretch(3)
        models.changed.connect(self._show)
        session.changed.connect(self._show)
        self._show()

    @property
    def title_text(self) -> str:
        return self._title.text()

    @property
    def line_text(self) -> str:
        return self._line.text()

    @property
    def suggestions(self) -> list[QPushButton]:
        return self._suggestions

    def _texts(self) -> list[str]:
        return [
            self.tr("Explain why the sky is blue, in three sentences"),
            self.tr("Write a friendly email that moves a meeting to Thursday"),
            self.tr("What is the capital of France, and what is it known for?"),
        ]

    def _suggestion(self, text: str) -> QPushButton:
        button = push_button(text, "suggestion")
        button.clicked.connect(lambda: self.suggested.emit(text))
        return button

    def _show(self) -> None:
        model = self._models.selected
        if model is not None:
            title, line = model_title(model), model_line(model)
        elif self._session.has_begun:
            title = self.tr("No model yet")
            line = self.tr("In a terminal, “cove pull OWNER/REPO:QUANT” gets one; it then shows up here.")
        elif self._session.link is Link.REFUSED:
            title, line = self.tr("Not connected"), ""
        else:
            title, line = self.tr("Starting"), self.tr("Your chats will be here in a moment.")
        self._title.setText(title)
        self._line.setText(line)
        for each in (self._heading, *self._suggestions):
            each.setVisible(model is not None)

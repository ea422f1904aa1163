"""The form that gets a model by its name on the Hub; what goes wrong is said beside the field."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from ui.texts import notice_words
from ui.viewmodels.getting import Getting
from ui.widgets.buttons import push_button
from ui.widgets.labels import label


class GetForm(QWidget):
    closed = Signal()  # given up, or the download has begun
    resized = Signal()  # other words take other room

    def __init__(self, getting: Getting) -> None:
        super().__init__()
        self._getting = getting
        self.field = QLineEdit()
        self.field.setPlaceholderText(self.tr("OWNER/REPO or OWNER/REPO:QUANT"))
        self.field.setAccessibleName(self.tr("Name of the model on the Hugging Face Hub"))
        self.words = label(kind="muted", wraps=True)
        self.back = push_button(self.tr("Back"), "link")
        self.download = push_button(self.tr("Download"), "primary")
        buttons = QHBoxLayout()
        buttons.addWidget(self.back)
        buttons.addStretch(1)
        buttons.addWidget(self.download)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(8)
        column.addWidget(label(self.tr("Get a model from the Hugging Face Hub"), wraps=True))
        column.addWidget(self.field)
        column.addWidget(self.words)
        column.addLayout(buttons)
        self.field.textChanged.connect(self._on_typed)
        self.field.returnPressed.connect(self._get)
        self.download.clicked.connect(self._get)
        self.back.clicked.connect(self.closed)
        getting.changed.connect(self._show)
        getting.begun.connect(self._on_begun)
        self._show()

    def begin(self, *, has_list: bool = False) -> None:
        """Begins anew; `has_list` says that there is something to go back to."""
        self.back.setText(self.tr("Back") if has_list else self.tr("Close"))
        self.field.selectAll()
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)

    def _get(self) -> None:
        self._getting.get(self.field.text())

    def _on_typed(self) -> None:
        self._getting.forget()
        self._show()

    def _on_begun(self) -> None:
        self.field.clear()
        self.closed.emit()

    def _show(self) -> None:
        getting = self._getting
        self.field.setReadOnly(getting.is_asking)
        self.download.setEnabled(bool(self.field.text().strip()) and not getting.is_asking)
        self.words.setText(self._text())
        self.words.setProperty("kind", "muted" if not self._is_wrong() else "wrong")
        self.words.style().unpolish(self.words)
        self.words.style().polish(self.words)
        self.updateGeometry()  # or what it is in would measure the words of before
        self.resized.emit()

    def _is_wrong(self) -> bool:
        return self._getting.is_malformed or self._getting.notice is not None

    def _text(self) -> str:
        if self._getting.is_asking:
            return self.tr(
                "Asking the Hub which files there are… This may be closed, the download begins anyway."
            )
        if self._getting.notice is not None:
            return notice_words(self._getting.notice).whole
        if self._getting.is_malformed:
            return self.tr(
                "That is no name of a model. It has an owner and a name, as in Qwen/Qwen3-4B-GGUF."
            )
        return self.tr("Without a quant, Cove takes a middle one. Nothing is loaded before it is all here.")

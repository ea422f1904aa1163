"""The drawer on the right: what is set for the chat, and what its last answers took."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPlainTextEdit,
    QProgressBar,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ui.texts import context_text, speed_text
from ui.theme import Theme
from ui.viewmodels.inspector import SAMPLERS, Inspector
from ui.widgets.buttons import icon_button
from ui.widgets.figure_edit import FigureEdit
from ui.widgets.labels import label
from ui.widgets.sparkline import Sparkline

INSPECTOR_PX = 264
_PROMPT_PX = 104
_FIGURE_PX = 88
_GAP_PX = 18  # between sections
_STEPS = 1000
_MOST_SEED = 2**32 - 1
_MOST_TOKENS = 1_000_000


class PromptEdit(QPlainTextEdit):
    left = Signal()  # the focus went elsewhere

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("prompt")
        self.setTabChangesFocus(True)
        self.setFixedHeight(_PROMPT_PX)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()


class InspectorView(QFrame):
    hide_wanted = Signal()

    def __init__(self, inspector: Inspector, theme: Theme) -> None:
        super().__init__()
        self._inspector = inspector
        self._theme = theme
        self.setObjectName("inspector")
        self.figures: dict[str, FigureEdit] = {}
        self.resets: dict[str, QToolButton] = {}
        self._build()
        inspector.changed.connect(self._show)
        self._show()

    # Building

    def _build(self) -> None:
        body = QWidget()
        body.setObjectName("drawer")
        column = QVBoxLayout(body)
        column.setContentsMargins(16, 4, 14, 16)
        column.setSpacing(6)
        self._build_prompt(column)
        column.addSpacing(_GAP_PX - 6)
        self._build_samplers(column)
        column.addSpacing(_GAP_PX - 6)
        self._build_meters(column)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setObjectName("drawer")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(body)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 12, 0, 0)
        outer.setSpacing(4)
        outer.addLayout(self._build_head())
        outer.addWidget(scroll, 1)

    def _build_head(self) -> QHBoxLayout:
        hide = icon_button(self._theme, "inspector", self.tr("Hide chat settings"))
        hide.clicked.connect(self.hide_wanted)
        row = QHBoxLayout()
        row.setContentsMargins(16, 0, 12, 0)
        row.addWidget(label(self.tr("This chat")), 1)
        row.addWidget(hide)
        return row

    def _build_prompt(self, column: QVBoxLayout) -> None:
        self.prompt = PromptEdit()
        self.prompt.setAccessibleName(self.tr("System prompt"))
        self.prompt.textChanged.connect(self._on_prompt)
        self.prompt.left.connect(self._inspector.flush)
        self.prompt_line = label(kind="caption", wraps=True)
        column.addWidget(label(self.tr("System prompt"), "heading"))
        column.addWidget(self.prompt)
        column.addWidget(self.prompt_line)

    def _build_samplers(self, column: QVBoxLayout) -> None:
        column.addWidget(label(self.tr("Sampling"), "heading"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(0, 1)
        for row, name in enumerate(SAMPLERS):
            text, help_text = self._words(name)
            figure = self._figure(name)
            figure.setAccessibleName(text)
            figure.setAccessibleDescription(help_text)
            figure.valueChanged.connect(lambda _, name=name: self._on_figure(name))
            reset = icon_button(self._theme, "undo", self.tr("Reset: {name}").format(name=text))
            policy = reset.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            reset.setSizePolicy(policy)
            reset.clicked.connect(lambda _=False, name=name: self._on_reset(name))
            words = label(text, wraps=True)
            for each in (words, figure):
                each.setToolTip(help_text)
            words.setBuddy(figure)
            grid.addWidget(words, row, 0)
            grid.addWidget(figure, row, 1)
            grid.addWidget(reset, row, 2)
            self.figures[name], self.resets[name] = figure, reset
        width = max(_FIGURE_PX, *(figure.words_width for figure in self.figures.values()))
        for figure in self.figures.values():
            figure.setFixedWidth(width)
        column.addLayout(grid)

    def _build_meters(self, column: QVBoxLayout) -> None:
        self.gauge = QProgressBar()
        self.gauge.setRange(0, _STEPS)
        self.gauge.setTextVisible(False)
        self.gauge.setAccessibleName(self.tr("Context used"))
        self.context_line = label(kind="caption", wraps=True)
        self.sparkline = Sparkline(self._theme)
        self.sparkline.setAccessibleName(self.tr("Speed of the last answers"))
        self.speed_line = label(kind="caption", wraps=True)
        column.addWidget(label(self.tr("Context"), "heading"))
        column.addWidget(self.gauge)
        column.addWidget(self.context_line)
        column.addSpacing(_GAP_PX - 6)
        column.addWidget(label(self.tr("Speed"), "heading"))
        column.addWidget(self.sparkline)
        column.addWidget(self.speed_line)

    def _figure(self, name: str) -> FigureEdit:
        if name == "temperature":
            return FigureEdit(0, 5, 0.05, decimals=2)
        if name == "top_k":
            return FigureEdit(0, 1000, 1)
        if name == "seed":
            return FigureEdit(-1, _MOST_SEED, 1, absent=self.tr("random"))
        if name == "max_tokens":
            return FigureEdit(0, _MOST_TOKENS, 64, absent=self.tr("no limit"))
        return FigureEdit(0, 1, 0.01, decimals=2)

    def _words(self, name: str) -> tuple[str, str]:
        return {
            "temperature": (
                self.tr("Temperature"),
                self.tr("Higher is more varied; 0 is always the likeliest."),
            ),
            "top_k": (self.tr("Top-k"), self.tr("Only the k likeliest tokens are drawn from; 0 is all.")),
            "top_p": (
                self.tr("Top-p"),
                self.tr("Only the likeliest tokens that make up this share; 1 is all."),
            ),
            "min_p": (
                self.tr("Min-p"),
                self.tr("Leaves out tokens below this part of the likeliest; 0 is none."),
            ),
            "seed": (self.tr("Seed"), self.tr("The same seed gives the same answer to the same question.")),
            "max_tokens": (self.tr("Max tokens"), self.tr("An answer is cut at this length.")),
        }[name]

    # State

    def _show(self) -> None:
        inspector = self._inspector
        if self.prompt.toPlainText() != inspector.system_prompt:
            self.prompt.blockSignals(True)
            self.prompt.setPlainText(inspector.system_prompt)
            self.prompt.blockSignals(False)
        self.prompt.setPlaceholderText(inspector.model_prompt)
        self.prompt_line.setText(self._prompt_text())
        sampling = inspector.sampling
        self.prompt.setEnabled(inspector.can_change)
        for name, figure in self.figures.items():
            figure.set_figure(getattr(sampling, name))
            figure.setEnabled(inspector.can_change)
            self.resets[name].setVisible(inspector.is_chosen(name))
        self._show_meters()

    def _show_meters(self) -> None:
        used, total = self._inspector.context_used, self._inspector.context_total
        self.gauge.setVisible(total > 0)
        self.gauge.setValue(min(_STEPS, round(_STEPS * used / total)) if total else 0)
        if used or total:
            self.context_line.setText(context_text(used, total))
        else:
            self.context_line.setText(self.tr("Counted with the first answer"))
        speeds = self._inspector.speeds
        self.sparkline.set_figures(speeds)
        self.sparkline.setVisible(len(speeds) > 1)
        self.speed_line.setText(self._speed_text(speeds))

    def _prompt_text(self) -> str:
        if self._inspector.system_prompt:
            return self.tr("Goes before every answer of this chat.")
        if self._inspector.model_prompt:
            return self.tr("Empty: the model’s own applies.")
        return self.tr("Empty: none is sent.")

    def _speed_text(self, speeds: list[float]) -> str:
        if not speeds:
            return self.tr("Measured with the first answer")
        if len(speeds) == 1:
            return speed_text(speeds[-1])
        said = self.tr("{speed}, the last of %Ln answer(s)", "", len(speeds))
        return said.format(speed=speed_text(speeds[-1]))

    # Deeds

    def _on_prompt(self) -> None:
        self._inspector.set_system_prompt(self.prompt.toPlainText())

    def _on_figure(self, name: str) -> None:
        self._inspector.set_sampler(name, self.figures[name].figure)

    def _on_reset(self, name: str) -> None:
        self.figures[name].setFocus(Qt.FocusReason.OtherFocusReason)  # the button is about to go
        self._inspector.reset_sampler(name)

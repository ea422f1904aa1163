"""The open chat as it is read: a column of messages that follows its end while the reader is there.

Only messages near the reader are built: the last ones first, earlier ones as the reader goes up.
"""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.domain.chat import Message, Role
from app.domain.generation import Phase
from ui.texts import phase_text
from ui.theme import COLUMN_PX, Theme
from ui.viewmodels.models import Models
from ui.viewmodels.transcript import Transcript
from ui.views.message_view import MessageView, view_of
from ui.widgets.buttons import icon_button
from ui.widgets.text_pane import BORDER_PX, TextPane

STEP = 24  # messages that are built at a time
MOST = 96  # messages that stay built while the reader is at the end
_NEAR_TOP_PX = 600
_AT_END_PX = 8
_GAP_PX = 20
_MARGIN_PX = 24
_BAR_PX = 12  # the scroll bar's, of the style sheet
_SCROLL_PX = 48
_REST_MS = 50


class TranscriptView(QScrollArea):
    copy_wanted = Signal(str)
    regenerate_wanted = Signal(str)
    continue_wanted = Signal(str)
    edit_wanted = Signal(str)
    answer_wanted = Signal()  # now

    def __init__(self, transcript: Transcript, models: Models, theme: Theme) -> None:
        super().__init__()
        self._transcript = transcript
        self._models = models
        self._theme = theme
        self._zoom = 1.0
        self._views: list[MessageView] = []
        self._first = 0  # index in the transcript of the first view
        self._is_following = True
        self._pinned_px: int | None = None  # distance to the end that is kept while earlier ones come in
        self._rest = QTimer(self)  # the layout has come to rest when it runs out
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self._on_rest)
        self._build()
        self._join()

    @property
    def is_following(self) -> bool:
        return self._is_following

    @property
    def views(self) -> list[MessageView]:
        return self._views

    def jump_to_end(self) -> None:
        self._is_following = True
        self._pinned_px = None
        self._to_end()

    def page(self, pages: int) -> None:
        """Scrolls by so many pages."""
        bar = self.verticalScrollBar()
        bar.setValue(bar.value() + pages * (bar.pageStep() - _SCROLL_PX))

    def focus_message(self, steps: int) -> bool:
        """Gives the focus to the message so many after the one that has it; False past the last one.

        While none has it one comes to the last one, unless going down.
        """
        focused = self.window().focusWidget() or self
        here = next((place for place, view in enumerate(self._views) if view.isAncestorOf(focused)), None)
        if here == 0 and steps < 0:
            before = len(self._views)
            self._show_earlier()
            here = len(self._views) - before
        place = len(self._views) - 1 if here is None else max(here + steps, 0)
        if not 0 <= place < len(self._views) or (here is None and steps > 0):
            return False
        self._views[place].take_focus()
        return True

    def set_zoom(self, zoom: float) -> None:
        """Scales text and column; 1.0 is the usual size."""
        self._zoom = zoom
        self._column.setMaximumWidth(self._column_px())
        self._on_reset()

    def _build(self) -> None:
        self.setObjectName("canvas")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(self.tr("Conversation"))
        self.verticalScrollBar().setSingleStep(_SCROLL_PX)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        body = QWidget()
        body.setObjectName("transcript")
        self._column = QWidget()
        self._column.setMaximumWidth(self._column_px())
        self._messages = QVBoxLayout(self._column)
        self._messages.setContentsMargins(0, 8, 0, _MARGIN_PX)
        self._messages.setSpacing(_GAP_PX)
        self._messages.addStretch(1)
        row = QHBoxLayout(body)
        row.setContentsMargins(_MARGIN_PX + _BAR_PX, 0, _MARGIN_PX, 0)
        row.addStretch(1)
        row.addWidget(self._column, 1000)
        row.addStretch(1)
        self.setWidget(body)
        self._jump = icon_button(self._theme, "arrow-down", self.tr("Go to the end"), "text", "jump")
        self._jump.setParent(self)
        self._jump.hide()
        self._jump.clicked.connect(self.jump_to_end)

    def _join(self) -> None:
        bar = self.verticalScrollBar()
        bar.rangeChanged.connect(self._on_range)
        bar.valueChanged.connect(self._on_value)
        transcript = self._transcript
        transcript.opened.connect(self._on_reset)
        transcript.reset.connect(self._on_reset)
        transcript.appended.connect(self._on_appended)
        transcript.older_added.connect(self._on_older)
        transcript.grew.connect(self._on_grew)
        transcript.replaced.connect(self._on_replaced)
        transcript.truncated.connect(self._on_truncated)
        transcript.changed.connect(self._show_phase)
        self._models.changed.connect(self._show_phase)

    # The transcript changed

    def _on_reset(self) -> None:
        self._clear(0)
        messages = self._transcript.messages
        self._first = max(0, len(messages) - STEP)
        for message in messages[self._first :]:
            self._insert(len(self._views), message)
        self._show_phase()
        self.jump_to_end()
        self._rest.start()

    def _on_appended(self, start: int) -> None:
        for message in self._transcript.messages[max(start, self._first) :]:
            self._insert(len(self._views), message)
            if message.role is Role.USER:
                self._is_following = True  # it was just sent, so it is what the reader looks for
        self._show_phase()
        self._drop_far_ones()

    def _on_older(self, count: int) -> None:
        self._first += count
        self._show_earlier()

    def _on_grew(self, index: int, content: str, reasoning: str) -> None:
        view = self._view(index)
        if view is not None:
            view.grow(self._transcript.messages[index], content, reasoning)

    def _on_replaced(self, index: int) -> None:
        view = self._view(index)
        if view is not None:
            message = self._transcript.messages[index]
            view.show_message(message, self._model_name(message))
            self._show_phase()

    def _on_truncated(self, index: int) -> None:
        self._clear(max(0, index - self._first))
        self._first = min(self._first, index)

    def _show_phase(self) -> None:
        streaming = self._transcript.streaming
        if streaming is None or not self._views:
            return
        move, loading = self._transcript.move, self._models.loading
        if loading is not None and loading.model_id == streaming.model_id:
            text = phase_text(Phase.LOADING, progress=loading.progress)
        elif move is not None:
            text = phase_text(move.phase, move.done, move.total)
        else:
            text = phase_text(None)
        self._views[-1].set_phase(text)

    # Building

    def _insert(self, place: int, message: Message) -> None:
        view = view_of(message, self._theme, self._zoom)
        view.show_message(message, self._model_name(message))
        view.fit_to(self._column.width())
        view.copy_wanted.connect(self.copy_wanted)
        view.regenerate_wanted.connect(self.regenerate_wanted)
        view.continue_wanted.connect(self.continue_wanted)
        view.edit_wanted.connect(self.edit_wanted)
        view.answer_wanted.connect(self.answer_wanted)
        view.caret_moved.connect(self._show_caret)
        self._views.insert(place, view)
        self._messages.insertWidget(place, view)
        view.show()

    def _clear(self, start: int) -> None:
        for view in self._views[start:]:
            self._remove(view)
        del self._views[start:]

    def _remove(self, view: MessageView) -> None:
        self._messages.removeWidget(view)
        view.hide()
        view.deleteLater()

    def _show_earlier(self) -> None:
        """Builds the messages above the first one, without moving what the reader looks at."""
        if self._first == 0:
            self._transcript.read_older()
            return
        bar = self.verticalScrollBar()
        self._pinned_px = bar.maximum() - bar.value()
        start = max(0, self._first - STEP)
        for place, message in enumerate(self._transcript.messages[start : self._first]):
            self._insert(place, message)
        self._first = start
        # Now, not when Qt comes to it: until then the reader would see another place.
        QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        self._pinned_px = None
        self._rest.start()

    def _drop_far_ones(self) -> None:
        if len(self._views) > MOST and self._is_following:
            surplus = len(self._views) - MOST // 2
            for view in self._views[:surplus]:
                self._remove(view)
            del self._views[:surplus]
            self._first += surplus

    def _view(self, index: int) -> MessageView | None:
        place = index - self._first
        return self._views[place] if 0 <= place < len(self._views) else None

    def _model_name(self, message: Message) -> str:
        model = self._models.model(message.model_id)
        return model.name if model is not None else (message.model_id or "")

    def _column_px(self) -> int:
        return int(COLUMN_PX * self._zoom) + 2 * BORDER_PX

    # Scrolling

    def _on_range(self, _minimum: int, maximum: int) -> None:
        if self._pinned_px is not None:
            self.verticalScrollBar().setValue(maximum - self._pinned_px)
        elif self._is_following:
            self._to_end()
        self.verticalScrollBar().setEnabled(maximum > 0)  # it keeps its place, so that nothing moves aside
        self._show_jump()

    def _on_value(self, value: int) -> None:
        if self._pinned_px is None:
            self._is_following = value >= self.verticalScrollBar().maximum() - _AT_END_PX
            if value < _NEAR_TOP_PX and not self._is_following:
                self._show_earlier()
        self._show_jump()

    def _to_end(self) -> None:
        bar = self.verticalScrollBar()
        bar.setValue(bar.maximum())

    def _on_rest(self) -> None:
        if self.verticalScrollBar().maximum() == 0 and self._views:
            self._show_earlier()  # there is room for more, and without a scroll bar nobody could ask

    def _show_jump(self) -> None:
        self._jump.setVisible(not self._is_following)

    def _show_caret(self, pane: TextPane) -> None:
        rect = pane.cursorRect()
        corner = pane.viewport().mapTo(self.widget(), rect.topLeft())
        rect = QRect(corner, rect.size())
        self.ensureVisible(rect.center().x(), rect.center().y(), 0, rect.height() * 2)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        size = self._jump.sizeHint()
        place = QPoint((self.width() - size.width()) // 2, self.height() - size.height() - 12)
        self._jump.setGeometry(QRect(place, size))

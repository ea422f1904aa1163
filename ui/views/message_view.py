"""One message of the transcript: a person's in a bubble, a model's on the page with what belongs to it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, Qt, QUrl, Signal
from PySide6.QtGui import QContextMenuEvent, QDesktopServices, QEnterEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from app.domain.chat import Message, MessageStatus, Role
from app.domain.generation import StopReason
from ui.markdown.view import MarkdownView
from ui.texts import answer_text, left_out_text, remark_text, thought_text
from ui.theme import Theme, transcript_font
from ui.widgets.buttons import icon_button, quiet_button
from ui.widgets.fold import Fold
from ui.widgets.labels import ElidedLabel, Sign, label
from ui.widgets.tabbing import give_focus, tab_stops
from ui.widgets.text_pane import BORDER_PX, TextPane

BUBBLE_SHARE = 0.82  # of the column
_BUBBLE_X, _BUBBLE_Y = 14, 9  # with the pane's own border: 16 and 11
# Longer messages (a pasted log) are laid out only when the reader asks for it.
SHORTENED_CHARACTERS = 6000
_CAN_GO_ON = (MessageStatus.STOPPED, MessageStatus.INTERRUPTED, MessageStatus.FAILED)


class MessageView(QWidget):
    """Base of both kinds. `width` is the column's; `zoom` scales the text."""

    copy_wanted = Signal(str)
    regenerate_wanted = Signal(str)  # the answer's id
    continue_wanted = Signal(str)
    edit_wanted = Signal(str)  # the id of a person's message
    answer_wanted = Signal()  # now, without more thoughts
    caret_moved = Signal(object)  # the pane

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._message_id = ""

    def show_message(self, message: Message, model_name: str) -> None:
        """Shows a message that was set anew."""
        raise NotImplementedError

    def grow(self, message: Message, content: str, reasoning: str) -> None:
        """Shows what was added to a message."""
        raise NotImplementedError

    def set_phase(self, text: str) -> None:
        """Says what an answer in the making is doing."""

    def fit_to(self, width: int) -> None:
        """Prepares for a width, before the layout gives it."""

    def take_focus(self) -> None:
        """Gives the focus to the text, or to the first button of a message without any."""
        stops = tab_stops(self)
        pane = next((stop for stop in stops if isinstance(stop, TextPane)), None)
        if stops:
            give_focus(pane or stops[0])

    def make_menu(self, place: QPoint) -> QMenu:
        """What can be done with the message, and with what stands at `place`."""
        raise NotImplementedError

    def _add(self, menu: QMenu, icon: str, words: str, deed: Callable[[], None]) -> None:
        menu.addAction(self._theme.icon(icon), words).triggered.connect(lambda: deed())

    # Qt's side

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.make_menu(event.pos())
        menu.exec(event.globalPos())
        menu.deleteLater()


class PersonView(MessageView):
    """What a person said: right, in a bubble as wide as its text."""

    def __init__(self, theme: Theme, zoom: float) -> None:
        super().__init__(theme)
        self.pane = TextPane()
        self.pane.setFont(transcript_font(zoom))
        self.pane.caret_moved.connect(lambda: self.caret_moved.emit(self.pane))
        self.edit_button = quiet_button(theme, "pencil", self.tr("Edit and send again"))
        self.edit_button.clicked.connect(lambda: self.edit_wanted.emit(self._message_id))
        self._text = ""
        self._bubble = QFrame()
        self._bubble.setObjectName("bubble")
        self._more = QToolButton()
        self._more.setProperty("kind", "fold")
        self._more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._more.clicked.connect(self._show_all)
        inside = QVBoxLayout(self._bubble)
        inside.setContentsMargins(_BUBBLE_X, _BUBBLE_Y, _BUBBLE_X, _BUBBLE_Y)
        inside.setSpacing(4)
        inside.addWidget(self.pane)
        inside.addWidget(self._more)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addStretch(1)
        beside = QVBoxLayout()
        beside.setContentsMargins(0, _BUBBLE_Y - 2, 0, 0)  # in the middle of the first line
        beside.addWidget(self.edit_button)
        beside.addStretch(1)
        row.addLayout(beside)
        row.addWidget(self._bubble)
        self.pane.setAccessibleName(self.tr("You said"))

    def show_message(self, message: Message, model_name: str) -> None:
        self._text, self._message_id = message.content, message.id
        is_long = len(message.content) > SHORTENED_CHARACTERS
        self.pane.set_text(message.content[:SHORTENED_CHARACTERS] + "…" if is_long else message.content)
        self._more.setText(self.tr("Show all of it"))
        self._more.setVisible(is_long)
        self._hug()

    def fit_to(self, width: int) -> None:
        self._hug(width)

    def make_menu(self, place: QPoint) -> QMenu:
        menu = QMenu(self)
        chosen = self.pane.textCursor().selection().toPlainText()
        words = self.tr("Copy selection") if chosen else self.tr("Copy message")
        self._add(menu, "copy", words, lambda: self.copy_wanted.emit(chosen or self._text))
        edit = self.tr("Edit and send again")
        self._add(menu, "pencil", edit, lambda: self.edit_wanted.emit(self._message_id))
        return menu

    def _show_all(self) -> None:
        self.pane.set_text(self._text)
        self._more.hide()
        self._hug()

    def _hug(self, width: int | None = None) -> None:
        most = int((width or self.width()) * BUBBLE_SHARE) - 2 * _BUBBLE_X
        if most > 0:
            self.pane.setFixedWidth(self.pane.text_width(most))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._hug()

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.edit_button.set_awake(is_awake=True)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.edit_button.set_awake(is_awake=False)


class AnswerView(MessageView):
    """What a model said: its thoughts in a fold, the text, what is to be remarked, and a line of figures."""

    def __init__(self, theme: Theme, zoom: float) -> None:
        super().__init__(theme)
        self.pane = self._page(MarkdownView(theme, transcript_font(zoom)))
        self._message: Message | None = None
        self._phase = ""  # what it is doing while it is made
        self._thought: MarkdownView | None = None  # made with the first thought
        self._fold: Fold | None = None
        self._answer_now = QToolButton(self)  # beside the fold, while the model thinks
        self._answer_now.hide()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self.left_out = label(kind="caption", wraps=True)
        self.left_out.setContentsMargins(BORDER_PX, 0, 0, 0)
        self.left_out.hide()
        self._column.addWidget(self.left_out)
        self._column.addWidget(self.pane)
        self._remark = self._build_remark()
        self._column.addWidget(self._remark)
        self._status = ElidedLabel(kind="caption")
        self._copy = self._button("copy", self.tr("Copy answer"))
        self._again = self._button("retry", self.tr("Answer again"))
        self._continue = self._button("continue", self.tr("Continue answer"))
        self._copy.clicked.connect(lambda: self.copy_wanted.emit(self._message.content))
        self._again.clicked.connect(lambda: self.regenerate_wanted.emit(self._message_id))
        self._continue.clicked.connect(lambda: self.continue_wanted.emit(self._message_id))
        self._column.addLayout(self._build_line())

    @property
    def status_text(self) -> str:
        return self._status.whole_text()

    def show_message(self, message: Message, model_name: str) -> None:
        before, self._message, self._message_id = self._message, message, message.id
        _bring_to(self.pane, before.content if before else "", message.content)
        if message.reasoning or self._thought is not None:
            _bring_to(self._thoughts(), before.reasoning if before else "", message.reasoning)
        self.pane.setAccessibleName(self.tr("Answer by {model}").format(model=model_name))
        self._show_state(model_name)

    def grow(self, message: Message, content: str, reasoning: str) -> None:
        self._message = message
        if reasoning:
            self._thoughts().append(reasoning)
        if content:
            self.pane.append(content)
        self._show_thinking(message)
        self.pane.setVisible(bool(message.content))
        self._show_phase()

    def set_phase(self, text: str) -> None:
        self._phase = text
        self._show_phase()

    def _show_phase(self) -> None:
        message = self._message
        if message is not None and message.status is MessageStatus.STREAMING:
            is_thinking = bool(message.reasoning) and not message.content  # which the fold says
            self._status.set_whole_text("" if is_thinking else self._phase)

    def fit_to(self, width: int) -> None:
        self.pane.fit_to(width)

    def make_menu(self, place: QPoint) -> QMenu:
        menu = QMenu(self)
        assert self._message is not None
        chosen, thoughts = self.pane.selected_text() or self._chosen_thought(), self._message.reasoning
        link = self.pane.link_at(self.pane.mapFrom(self, place))
        if chosen:
            self._add(menu, "copy", self.tr("Copy selection"), lambda: self.copy_wanted.emit(chosen))
        if link:
            self._add(menu, "copy", self.tr("Copy link"), lambda: self.copy_wanted.emit(link))
        for button in (self._copy, self._again, self._continue):
            if not button.isHidden():
                action = menu.addAction(button.icon(), button.toolTip())
                action.triggered.connect(button.click)
        if thoughts:
            self._add(menu, "copy", self.tr("Copy thoughts"), lambda: self.copy_wanted.emit(thoughts))
        return menu

    def _chosen_thought(self) -> str:
        return self._thought.selected_text() if self._thought is not None else ""

    def _show_state(self, model_name: str) -> None:
        message = self._message
        assert message is not None
        is_streaming = message.status is MessageStatus.STREAMING
        self._show_thinking(message)
        self.pane.setVisible(bool(message.content))
        left_out = left_out_text(message)
        self.left_out.setText(left_out)
        self.left_out.setVisible(bool(left_out))
        remark = remark_text(message)
        self._remark_text.setText(remark)
        self._remark.setVisible(bool(remark))
        if not is_streaming:
            self.pane.finish()
            self._status.set_whole_text(answer_text(message, model_name))
        self._copy.setVisible(not is_streaming and bool(message.content))
        self._again.setVisible(not is_streaming)
        was_cut = message.stop_reason in (StopReason.LENGTH, StopReason.CONTEXT_FULL)
        has_text = bool(message.content or message.reasoning)  # without any it can only be made again
        can_go_on = message.status in _CAN_GO_ON or (was_cut and not is_streaming)
        self._continue.setVisible(can_go_on and has_text)

    def _show_thinking(self, message: Message) -> None:
        if self._fold is None:
            return
        self._fold.setVisible(bool(message.reasoning))
        self._fold.set_title(thought_text(message))
        is_thinking = message.status is MessageStatus.STREAMING and not message.content
        if self._answer_now.isHidden() == is_thinking:
            self._answer_now.setVisible(is_thinking)
            self._answer_now.setEnabled(True)

    def _ask_to_answer(self) -> None:
        self._answer_now.setEnabled(False)  # it takes a step or two
        self.answer_wanted.emit()

    def _thoughts(self) -> MarkdownView:
        """The page of the model's reasoning; most answers never need one."""
        if self._thought is None:
            frame = QFrame()
            frame.setObjectName("thought")
            inside = QVBoxLayout(frame)
            inside.setContentsMargins(12, 0, 0, 0)
            page = MarkdownView(self._theme, self.pane.font(), is_muted=True, is_lazy=True)
            self._thought = self._page(page)
            self._thought.setAccessibleName(self.tr("Thoughts"))
            inside.addWidget(self._thought)
            self._fold = Fold(self._theme, frame)
            self._answer_now.setText(self.tr("Answer now"))
            self._answer_now.setToolTip(self.tr("End the thoughts and begin the answer"))
            self._answer_now.setProperty("kind", "deed")
            self._answer_now.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._answer_now.clicked.connect(self._ask_to_answer)
            self._fold.set_beside(self._answer_now)
            self._column.insertWidget(1, self._fold)  # below what was left out
        return self._thought

    def _page(self, page: MarkdownView) -> MarkdownView:
        page.caret_moved.connect(self.caret_moved)
        page.link_wanted.connect(lambda link: QDesktopServices.openUrl(QUrl(link)))
        return page

    def _build_remark(self) -> QWidget:
        box = QWidget()
        row = QHBoxLayout(box)
        row.setContentsMargins(BORDER_PX, 0, 0, 0)
        row.setSpacing(8)
        sign = Sign()
        self._theme.dress(sign, "warning", "warn")
        self._sign = sign
        self._remark_text = label(wraps=True)
        row.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._remark_text, 1)
        return box

    def _build_line(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(BORDER_PX, 0, 0, 0)
        row.setSpacing(2)
        row.addWidget(self._status)
        row.addSpacing(8)
        for button in (self._copy, self._again, self._continue):
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _button(self, icon: str, name: str) -> QToolButton:
        button = icon_button(self._theme, icon, name)
        button.hide()
        return button


def view_of(message: Message, theme: Theme, zoom: float) -> MessageView:
    return PersonView(theme, zoom) if message.role is Role.USER else AnswerView(theme, zoom)


def _bring_to(page: MarkdownView, before: str, after: str) -> None:
    """Makes a page show a text; when that only goes on after what is there, nothing shown is touched."""
    if before and after.startswith(before):
        if len(after) > len(before):
            page.append(after[len(before) :])
    elif after != before:
        page.set_text(after)

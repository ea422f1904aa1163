"""Every scene, built once: in a language of longer words no text is left untranslated and none is cut off,
and each control that can be reached has a name and a role. The same words in Vietnamese have room too.
"""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QTreeView,
    QWidget,
)

from tests.ui.fake_client import LARGER, STARTER
from tests.ui.offers import OFFERS
from tests.ui.pseudo import PseudoTranslator, lengthened
from tests.ui.scenes import SCENES, Stage
from tests.ui.test_accessibility import controls, fault
from ui.widgets.buttons import WrappingButton
from ui.widgets.labels import ElidedLabel

# What is no text of ours: names of models, chats, repositories and languages, and what people write.
NAMES = (
    *(LARGER.name, LARGER.quant, STARTER.name, STARTER.quant),
    *(offer.model.name for offer in OFFERS),
    *("Cove", "Qwen3-8B-GGUF", "gemma-3-4b-it-GGUF", "English", "Tiếng Việt"),
    *("python", "You are a helpful assistant."),
)
KEYS = re.compile(r"\b(Ctrl|Shift|Alt|Esc|Enter|Return|Del|Backspace|PgUp|PgDown|End|Tab|Up|Down|F\d+)\b")
UNITS = re.compile(r"\b(bytes|[kMG]B)\b")  # Qt's own
LETTERS = re.compile(r"[^\W\d_]{2,}")
ROOM_PX = 1  # Qt rounds
CARET_PX = 2  # what Qt leaves free on either side of what is typed


pytestmark = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing)")


@pytest.fixture
def pseudo(qapp):
    translator = PseudoTranslator(qapp)
    qapp.installTranslator(translator)
    yield
    qapp.removeTranslator(translator)
    translator.deleteLater()


@pytest.fixture
def vietnamese(language):
    language.choose("vi")
    yield
    language.choose("en")


@pytest.fixture
def open_scene(qapp, home, theme):
    stages = []

    def open_scene(name):
        stage = Stage(qapp, home, theme)
        stages.append(stage)
        SCENES[name](stage)
        stage.settle()
        return stage

    yield open_scene
    for stage in stages:
        stage.workspace.transcript._settle.stop()
        stage.workspace.inspector._timer.stop()
        stage.close()


def widgets(stage):
    for top in (stage.window, *stage.popups):
        if not isinstance(top, QMenu):
            yield from (widget for widget in top.findChildren(QWidget) if widget.isVisible())


def texts(widget):
    """What a widget says to the eye and, where it says nothing, to the ear."""
    if isinstance(widget, ElidedLabel):
        yield widget.whole_text()
    elif isinstance(widget, QLabel | QAbstractButton):
        yield widget.text()
    elif isinstance(widget, QPlainTextEdit | QLineEdit):
        yield widget.placeholderText()
    elif isinstance(widget, QAbstractSpinBox):
        yield widget.specialValueText()
    yield widget.toolTip()
    yield widget.accessibleName()
    yield widget.accessibleDescription()


def menu_texts(menu):
    for action in menu.actions():
        yield action.text().partition("\t")[0]
        if action.menu() is not None:
            yield from menu_texts(action.menu())


def is_untranslated(text):
    """Whether words are left once everything in brackets and every name is taken away."""
    before = None
    while before != text:
        before, text = text, re.sub(r"«[^«»]*»", "", text)
    for name in NAMES:
        text = text.replace(name, "")
    return bool(LETTERS.search(KEYS.sub("", UNITS.sub("", text))))


def needed(widget, text):
    """The room that a text takes in a widget as wide as this one."""
    wraps = isinstance(widget, QLabel) and widget.wordWrap()
    flags = Qt.TextFlag.TextWordWrap if wraps else Qt.TextFlag.TextSingleLine
    room = QRect(0, 0, widget.contentsRect().width(), 10_000)
    return widget.fontMetrics().boundingRect(room, flags, text)


def is_cut(widget):
    """Whether a label or button is too small for its text."""
    if isinstance(widget, ElidedLabel):
        return widget.text() != widget.whole_text() and widget.toolTip() != widget.whole_text()
    is_icon = Qt.ToolButtonStyle.ToolButtonIconOnly
    if not widget.text() or (isinstance(widget, QToolButton) and widget.toolButtonStyle() is is_icon):
        return False
    if isinstance(widget, WrappingButton):
        return widget.height() < widget.heightForWidth(widget.width())
    if isinstance(widget, QPushButton):
        return widget.width() < widget.sizeHint().width()  # with its icon and its edges
    room, wanted = widget.contentsRect(), needed(widget, widget.text())
    return wanted.width() > room.width() + ROOM_PX or wanted.height() > room.height() + 2 * ROOM_PX


def cut(shown):
    labels = [widget for widget in shown if isinstance(widget, QLabel | QAbstractButton)]
    fields = [widget.lineEdit() for widget in shown if isinstance(widget, QAbstractSpinBox)]
    said = [(type(label).__name__, label.text()) for label in labels if is_cut(label)]
    return said + [
        ("field", field.text()) for field in fields if needed(field, field.text()).width() > room_in(field)
    ]


def room_in(field):
    margins = field.textMargins()
    return field.contentsRect().width() - margins.left() - margins.right() - 2 * CARET_PX


@pytest.mark.parametrize("name", SCENES)
def test_texts_are_translated_and_have_room_and_controls_have_names(open_scene, pseudo, name):
    stage = open_scene(name)
    shown = list(widgets(stage))
    said = {(type(widget).__name__, text) for widget in shown for text in texts(widget) if text}
    said |= {("QMenu", text) for menu in stage.popups if isinstance(menu, QMenu) for text in menu_texts(menu)}
    assert [each for each in sorted(said) if is_untranslated(each[1])] == []
    assert cut(shown) == []
    found = list(controls(stage))
    assert len(found) >= 2
    assert [said for said in map(fault, found) if said] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_vietnamese_has_room(open_scene, vietnamese, name):
    assert cut(list(widgets(open_scene(name)))) == []


def test_the_file_dialog_that_qt_brings_is_translated(pseudo, show, home):
    """Seen where the desktop has none of its own."""
    home.mkdir()
    (home / "model.gguf").write_bytes(b"")
    dialog = QFileDialog(None, "", str(home))
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    show(dialog)
    said = {text for widget in dialog.findChildren(QWidget) for text in texts(widget)}
    model = dialog.findChild(QTreeView).model()
    said |= {model.headerData(place, Qt.Orientation.Horizontal) for place in range(model.columnCount())}
    said |= set(menu_texts(dialog.findChild(QTreeView)))
    assert len(said) > 20
    assert [text for text in sorted(said) if is_untranslated(text)] == []


def test_what_was_not_translated_is_found():
    assert is_untranslated("Send")
    assert is_untranslated(f"Loaded · {lengthened('Loaded')}")
    assert not is_untranslated(f"{lengthened('Send')} · 42 · {STARTER.name}")
    assert lengthened("{done} of %Ln") == "«{done} óf %Ln ~~»"


def test_a_cut_label_is_found(show):
    label = QLabel(lengthened("Some words"))
    label.setFixedWidth(20)
    assert is_cut(show(label))
    label.setFixedWidth(400)
    assert not is_cut(label)

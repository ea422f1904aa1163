"""The small parts: what they show, and that they stay out of the way."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QLabel

from ui.widgets.fold import Fold
from ui.widgets.labels import ElidedLabel, Sign
from ui.widgets.text_pane import TextPane


@pytest.fixture
def pane(show):
    pane = TextPane()
    pane.resize(300, 50)
    return show(pane)


def test_a_pane_is_as_tall_as_its_text(qapp, pane):
    heights = []
    for text in ("", "one", "one\ntwo\nthree", "word " * 200):
        pane.set_text(text)
        qapp.processEvents()
        heights.append(pane.height())
        assert pane.verticalScrollBar().maximum() == 0
    assert heights[0] == heights[1] < heights[2] < heights[3]
    pane.resize(600, pane.height())
    qapp.processEvents()
    assert pane.height() < heights[3]


def test_a_pane_leaves_the_wheel_to_what_is_around_it(qapp, pane):
    event = QWheelEvent(
        QPointF(5, 5),
        QPointF(5, 5),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    pane.wheelEvent(event)
    assert not event.isAccepted()


def test_a_pane_shows_a_ring_only_for_the_keyboard(pane):
    pane.setFocus(Qt.FocusReason.MouseFocusReason)
    assert not pane.property("ring")
    pane.clearFocus()
    pane.setFocus(Qt.FocusReason.TabFocusReason)
    assert pane.property("ring")
    pane.clearFocus()
    assert not pane.property("ring")


def test_an_elided_label_has_the_rest_in_its_tool_tip(qapp, show):
    label = ElidedLabel("A rather long line of words")
    show(label)
    label.setFixedWidth(60)
    qapp.processEvents()
    assert label.text().endswith("…")
    assert label.toolTip() == label.whole_text() == "A rather long line of words"
    label.setFixedWidth(600)
    qapp.processEvents()
    assert label.text() == "A rather long line of words"
    assert label.toolTip() == ""


def test_a_line_without_even_half_its_room_is_said_shorter(qapp, show):
    label = ElidedLabel()
    label.set_whole_text("Loaded · 28 of 28 layers on the graphics card", "Loaded")
    show(label)
    label.setFixedWidth(70)
    qapp.processEvents()
    assert (label.text(), label.toolTip()) == ("Loaded", label.whole_text())
    label.setFixedWidth(200)
    qapp.processEvents()
    assert label.text().endswith("…")
    label.set_whole_text("Loaded")
    assert label.text() == "Loaded"


def test_a_fold_opens_and_closes(theme, show):
    body = QLabel("inside")
    fold = Fold(theme, body)
    show(fold)
    fold.set_title("Thoughts")
    assert (fold.is_open, body.isVisible(), fold.title()) == (False, False, "Thoughts")
    fold.set_open(is_open=True)
    assert body.isVisible()
    fold._button.click()
    assert not body.isVisible()


def test_a_sign_is_an_icon_of_the_theme(theme, show):
    sign = Sign(20)
    theme.dress(sign, "warning", "warn", 20)
    show(sign)
    assert sign.pixmap().width() == 20

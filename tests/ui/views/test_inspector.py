"""The drawer on the right, by keyboard and by mouse."""

from __future__ import annotations

import msgspec
import pytest
from PySide6.QtCore import QLocale, QPoint, QPointF, Qt
from PySide6.QtGui import QKeySequence, QWheelEvent
from PySide6.QtWidgets import QApplication

from app.client.protocol import ChangeChat
from app.domain.engine import EngineState, LoadedModel
from app.domain.generation import Sampling, Timings
from tests.ui.fake_client import STARTER
from ui.viewmodels.kept import Kept
from ui.views.main_window import MainWindow


@pytest.fixture
def english():
    before = QLocale()
    QLocale.setDefault(QLocale("en_US"))
    yield
    QLocale.setDefault(before)


@pytest.fixture
def drawer(window, workspace, host, qtbot, deliver):
    """Open, over the chat "one"."""
    host.models = [
        msgspec.structs.replace(STARTER, sampling=Sampling(temperature=0.2), system_prompt="Be helpful.")
    ]
    host.add_chat("one", "Hi", "Hello")
    deliver()
    workspace.open_chat("one")
    deliver()
    window.activateWindow()
    qtbot.waitUntil(window.composer.edit.hasFocus)
    qtbot.keySequence(window, QKeySequence("Ctrl+I"))
    qtbot.waitUntil(window.inspector.isVisible)
    yield window.inspector
    workspace.inspector._timer.stop()


def test_the_shortcut_opens_it_to_write_and_closes_it_again(qtbot, window, drawer):
    assert drawer.prompt.hasFocus()
    assert not window.frame.show_settings.isVisible()
    qtbot.keySequence(window, QKeySequence("Ctrl+I"))
    assert not drawer.isVisible()
    assert window.frame.show_settings.isVisible()
    assert window.composer.edit.hasFocus()


def test_the_prompt_is_saved_when_the_focus_leaves(qtbot, host, drawer):
    assert drawer.prompt.placeholderText() == "Be helpful."
    assert drawer.prompt_line.text() == "Empty: the model’s own applies."
    qtbot.keyClicks(drawer.prompt, "Be brief")
    assert drawer.prompt_line.text() == "Goes before every answer of this chat."
    qtbot.keyClick(drawer.prompt, Qt.Key.Key_Tab)
    assert host.asked(ChangeChat) == [ChangeChat(chat_id="one", system_prompt="Be brief")]


def test_an_echo_leaves_the_caret_where_it_is(qtbot, host, workspace, drawer, deliver):
    qtbot.keyClicks(drawer.prompt, "Be brief")
    for _ in range(3):
        qtbot.keyClick(drawer.prompt, Qt.Key.Key_Left)
    workspace.inspector.flush()
    deliver()
    assert drawer.prompt.textCursor().position() == 5


def test_figures_are_typed_and_reset_by_keyboard(qtbot, host, workspace, drawer, deliver):
    figure = drawer.figures["temperature"]
    assert figure.text() == "0.20"
    assert not drawer.resets["temperature"].isVisible()
    figure.setFocus()
    figure.selectAll()
    qtbot.keyClicks(figure, "1.3")
    qtbot.keyClick(figure, Qt.Key.Key_Return)
    workspace.inspector.flush()
    deliver()
    assert host.chats["one"].sampling == Sampling(temperature=1.3)
    assert drawer.resets["temperature"].isVisible()
    drawer.resets["temperature"].setFocus()
    qtbot.keyClick(drawer.resets["temperature"], Qt.Key.Key_Space)
    assert figure.text() == "0.20"
    assert figure.hasFocus()
    workspace.inspector.flush()
    assert host.chats["one"].sampling == Sampling()


def test_seed_and_length_have_words_for_none(drawer):
    assert drawer.figures["seed"].text() == "random"
    assert drawer.figures["seed"].figure is None
    assert drawer.figures["max_tokens"].text() == "no limit"
    drawer.figures["seed"].setValue(7)
    assert drawer.figures["seed"].figure == 7
    assert isinstance(drawer.figures["seed"].figure, int)


def test_the_wheel_scrolls_past_a_figure(drawer):
    figure = drawer.figures["top_k"]
    event = QWheelEvent(
        QPointF(5, 5),
        QPointF(figure.mapToGlobal(QPoint(5, 5))),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(figure, event)
    assert figure.value() == 40
    figure.setFocus()
    QApplication.sendEvent(figure, event)
    assert figure.value() == 41


def test_context_and_speed_are_said_in_figures(english, host, workspace, drawer, deliver):
    assert drawer.context_line.text() == "Counted with the first answer"
    assert drawer.speed_line.text() == "Measured with the first answer"
    for expected in ("41.3 tokens/s", "41.3 tokens/s, the last of 2 answers"):
        workspace.composer.set_text("Again")
        workspace.composer.send()
        deliver()
        host.end(timings=Timings(cache_n=1904, prompt_n=27, prompt_ms=84, predicted_n=212, predicted_ms=5133))
        deliver()
        assert drawer.context_line.text() == "2,143 tokens"
        assert not drawer.gauge.isVisible()
        assert drawer.speed_line.text() == expected
    host.set_engine(
        STARTER.id, EngineState.READY, loaded=LoadedModel(context_tokens=8192, layers=30, gpu_layers=0)
    )
    deliver()
    assert drawer.context_line.text() == "2,143 of 8,192 tokens"
    assert drawer.gauge.value() == 262
    points = drawer.sparkline.points()
    assert len(points) == 2
    assert points[0].y() == points[1].y()


def test_a_narrow_window_has_room_for_one_drawer(qtbot, window, drawer):
    window.resize(700, 600)
    window.frame.show_sidebar(is_shown=True)
    assert not drawer.isVisible()
    window.frame.show_inspector(is_shown=True)
    assert not window.sidebar.isVisible()


def test_it_is_there_again_in_the_next_run(window, workspace, drawer, theme, home, show):
    window.close()
    workspace.kept = Kept(home / "window.ini")
    again = MainWindow(workspace, theme)
    show(again)
    assert again.inspector.isVisible()


def test_figures_have_room_in_their_boxes(drawer):
    for figure in drawer.figures.values():
        text = figure.fontMetrics().horizontalAdvance(figure.lineEdit().text())
        assert figure.lineEdit().width() > text

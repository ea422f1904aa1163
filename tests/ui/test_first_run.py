"""From an empty home to a larger model that answers, by keys alone: a spawned host, a Hub on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.client.client import Client
from app.client.connect import HostConnector
from app.models.catalogue import catalogue
from app.paths import resolve
from tests.fakes.gguf_file import gguf_bytes
from tests.fakes.hosts import SocketHost, identity
from tests.fakes.hub_server import HubServer
from ui.application import Application

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing)")


@pytest.fixture
def hub():
    """Every model of the catalogue, in small."""
    with HubServer() as server:
        for model in catalogue().models:
            files = {f"{model.name}-{quant}.gguf": gguf_bytes(200_000) for quant in model.sizes}
            server.add_repo(model.repo, files)
        yield server


@pytest.fixture
def window(qapp, home: Path, theme, hub: HubServer):
    host = SocketHost(home)
    made: list[Client] = []

    def open_client(listener):
        connector = HostConnector(host.paths, start=host.start)
        client = Client(connector, identity(), listener=listener, environment=hub.environment).start()
        made.append(client)
        return client

    application = Application(qapp, resolve(home), open_client)
    application.window.show()
    yield application.window
    application.close()
    for timer in application.findChildren(QTimer):
        timer.stop()
    for client in made:
        client.close()
    host.close()
    theme._name = ""
    theme._refresh()


def press(combination: str) -> None:
    (key,) = QKeySequence(combination)
    QTest.keyClick(QGuiApplication.focusWindow(), key.key(), key.keyboardModifiers())


def test_a_recommended_model_is_got_and_answers(window, hub, qtbot):
    def until(holds):
        qtbot.waitUntil(holds, timeout=20_000)

    until(lambda: QGuiApplication.focusWindow() is not None)
    cards = window.empty.offers
    until(cards.isVisible)
    assert "DeepSeek" in cards.cards[0].name.whole_text()
    button, name = cards.cards[0].button, cards.cards[0].name.whole_text()
    for _ in range(40):
        if QApplication.focusWidget() is button:
            break
        press("Tab")
    press("Space")
    until(lambda: not cards.isVisible())  # it is here
    assert hub.sent_bytes() >= 200_000
    assert name in window.empty.title_text
    press("Ctrl+L")
    qtbot.keyClicks(QApplication.focusWidget(), "a question")
    until(lambda: window.composer.button.isEnabled())
    press("Return")
    until(lambda: [view.pane.text() for view in window.transcript.views] == ["a question"] * 2)
    until(lambda: window.composer.button.text() == "Send")
    assert name in window.transcript.views[1].status_text

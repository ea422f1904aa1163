"""What the window's tests share: a host in memory, the bridge to it, the workspace and the window over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication, QWidget

from tests.ui.fake_client import FakeHost
from ui.bridge import Bridge
from ui.markdown import view as view_module
from ui.texts.language import Language
from ui.theme import Theme
from ui.viewmodels.kept import Kept
from ui.viewmodels.workspace import Workspace
from ui.views.main_window import MainWindow

Deliver = Callable[[], None]


@pytest.fixture(autouse=True)
def _nothing_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine any answer may take long to draw; when that makes the next wait has its own test."""
    monkeypatch.setattr(view_module, "_SLOW_S", 1e9)


@pytest.fixture(scope="session", autouse=True)
def language(qapp: QApplication) -> Language:
    """English, whatever the machine speaks."""
    language = Language(qapp)
    language.choose("en")
    return language


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


@pytest.fixture
def bridge(qapp: QApplication, host: FakeHost) -> Iterator[Bridge]:
    bridge = Bridge(host.open)
    yield bridge
    bridge.close()


@pytest.fixture
def deliver(bridge: Bridge) -> Deliver:
    """Delivers what the host has said, and what it says to that, without waiting for a frame."""

    def deliver() -> None:
        bridge.start()
        while bridge._inbox._items:
            bridge._deliver()

    return deliver


@pytest.fixture
def kept(qapp: QApplication, home: Path) -> Iterator[Kept]:
    kept = Kept(home / "window.ini")
    yield kept
    kept.save()


@pytest.fixture
def workspace(bridge: Bridge, kept: Kept) -> Iterator[Workspace]:
    """Not connected yet: the first `deliver` does that."""
    workspace = Workspace(bridge, kept)
    yield workspace
    workspace.notices._patience.stop()
    workspace.transcript._settle.stop()
    workspace.room._timer.stop()


@pytest.fixture(scope="session")
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp)


@pytest.fixture
def show(qapp: QApplication) -> Iterator[Callable[[QWidget], QWidget]]:
    """Shows a widget as a window of its own for the length of the test."""
    shown: list[QWidget] = []

    def show(widget: QWidget) -> QWidget:
        shown.append(widget)
        widget.show()
        qapp.processEvents()
        return widget

    yield show
    for widget in shown:
        widget.close()
        widget.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def window(workspace: Workspace, theme: Theme, show: Callable[[QWidget], QWidget]) -> MainWindow:
    window = MainWindow(workspace, theme)
    show(window)
    return window

"""The window's process: Qt's application, the client, the look, and the order in which they come and go.

The window is on the screen before the host has answered. Nothing heavy is imported here or by what is here.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from types import TracebackType

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QSocketNotifier, Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication

from app.client.client import ClientListener
from app.client.connect import open_client
from app.client.protocol import ClientKind
from app.domain.notice import Notice, NoticeCode
from app.errors import BugError
from app.log import setup_log
from app.paths import Paths
from ui.bridge import Bridge, HostClient, OpenClient
from ui.first_window import FirstWindow, take_leave
from ui.texts.language import Language
from ui.theme import Theme, application_icon
from ui.viewmodels.kept import Kept
from ui.viewmodels.workspace import LANGUAGE_SETTING, LOGS, THEME_SETTING, Workspace
from ui.views.main_window import MainWindow

log = logging.getLogger(__name__)

_PATIENCE_MS = 200
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class Application(QObject):
    """Owns everything of the window's process. `open_client` is what connects to the host of a home."""

    def __init__(self, qt: QApplication, paths: Paths, connect: OpenClient | None = None) -> None:
        super().__init__()
        self.paths = paths
        self._qt = qt
        self._open_client = connect or self._connect
        self.bridge = self._start_bridge()  # first: the host starts while the window is being built
        qt.setWindowIcon(application_icon())
        self.theme = Theme(qt)
        self.language = Language(qt)
        self.kept = Kept(paths.home / "window.ini", self)
        # As it was last: nothing changes before one's eyes when the host tells.
        self.theme.choose(self.kept.text("theme"))
        self.language.choose(self.kept.text("language"))
        self._open_window()

    def close(self) -> None:
        """Ends the window, which is gone at once, then the connection. Turns go on in the host."""
        self.window.close()  # first: it sends what is not saved yet
        self.bridge.close()
        # While Qt still stands: widgets that outlive the application crash it on the way out.
        self.window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def reopen(self) -> None:
        """Opens the window anew, where it was, for what it only reads once: its words."""
        if QApplication.activePopupWidget() or QApplication.activeModalWidget():
            QTimer.singleShot(_PATIENCE_MS, self, self.reopen)  # somebody is in the middle of something
            return
        self._qt.setQuitOnLastWindowClosed(False)
        self.close()
        for old in (self.workspace, self.bridge):
            old.deleteLater()
        self.bridge = self._start_bridge()
        self._open_window()
        self.window.show()
        self._qt.setQuitOnLastWindowClosed(True)

    def come_forward(self, file: str = "", token: str = "") -> None:
        """Shows the window above others, and opens the model's file that was asked for, if one was."""
        window = self.window
        take_leave(token)
        window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
        window.show()
        window.raise_()
        window.activateWindow()
        self.open_file(file)

    def open_file(self, file: str) -> None:
        if file:
            self.workspace.models.open_file(file)

    def raise_unhandled(self, error: BaseException) -> None:
        """Says in the window that something of ours failed."""
        detail = f"{type(error).__name__}: {error}"
        self.workspace.notices.raise_notice(BugError(detail).notice)

    def _start_bridge(self) -> Bridge:
        bridge = Bridge(self._open_client, self)
        bridge.start()
        return bridge

    def _open_window(self) -> None:
        self.workspace = Workspace(self.bridge, self.kept, self)
        self.workspace.session.setting_changed.connect(self._on_setting)
        self.workspace.folder_wanted.connect(self._open_folder)
        self.window = MainWindow(self.workspace, self.theme)

    def _connect(self, listener: ClientListener) -> HostClient:
        return open_client(self.paths, kind=ClientKind.WINDOW, listener=listener)

    def _on_setting(self, key: str, value: object) -> None:
        if key == THEME_SETTING:
            self.theme.choose(str(value))
            self.kept.set_text("theme", str(value))
        elif key == LANGUAGE_SETTING:
            self.kept.set_text("language", str(value))
            if self.language.choose(str(value)):
                QTimer.singleShot(0, self, self.reopen)  # not while the old window is being told

    def _open_folder(self, which: str) -> None:
        folder = self.paths.logs if which == LOGS else self.paths.models
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


def run(paths: Paths, *, is_new: bool = False, file: str = "") -> int:
    """Opens the window and returns when it is closed; one that is there comes forward, unless `is_new`.
    `file` is a model's that is to answer."""
    problem = _make_home(paths)
    undo_log = setup_log("window", paths.logs)
    QApplication.setApplicationName("cove")
    QApplication.setApplicationDisplayName("Cove")
    QApplication.setDesktopFileName("cove")
    qt = QApplication(sys.argv[:1])
    first = FirstWindow(f"{paths.socket}.w", qt)
    if problem is None and not is_new and not first.claim(file):
        undo_log()
        return 0
    application = Application(qt, paths)
    first.forward_wanted.connect(application.come_forward)
    unhook = _hook_errors(application)
    ungrip = _quit_on_signals(qt)
    if problem is not None:
        application.workspace.notices.raise_notice(problem)
    application.window.show()
    application.open_file(file)
    try:
        return qt.exec()
    finally:
        first.close()
        application.close()
        ungrip()
        unhook()
        undo_log()


def _make_home(paths: Paths) -> Notice | None:
    try:
        paths.make()
    except OSError:
        return Notice(code=NoticeCode.HOME_NOT_WRITABLE, facts={"path": str(paths.home)})
    return None


def _hook_errors(application: Application) -> Callable[[], None]:
    """Errors in slots and events come to `sys.excepthook`: they are logged there, and said in the window."""
    before = sys.excepthook
    is_telling = False

    def hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        nonlocal is_telling
        before(kind, error, traceback)
        if is_telling or issubclass(kind, KeyboardInterrupt):
            return
        is_telling = True  # what fails while telling is only logged
        try:
            application.raise_unhandled(error)
        finally:
            is_telling = False

    def unhook() -> None:
        sys.excepthook = before

    sys.excepthook = hook
    return unhook


def _quit_on_signals(qt: QApplication) -> Callable[[], None]:
    """Lets Ctrl+C in the terminal and a session's end close the window as a click does.

    Python runs its handlers only between its own instructions, so the signal has to wake Qt's loop first.
    """
    if os.name != "posix":
        return lambda: None
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    old_wakeup = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    old_handlers = {
        name: signal.signal(getattr(signal, name), lambda number, frame: None) for name in _SIGNALS
    }
    notifier = QSocketNotifier(ours.fileno(), QSocketNotifier.Type.Read, qt)
    notifier.activated.connect(lambda: (ours.recv(64), qt.closeAllWindows()))

    def ungrip() -> None:
        notifier.setEnabled(False)
        signal.set_wakeup_fd(old_wakeup)
        for name, handler in old_handlers.items():
            signal.signal(getattr(signal, name), handler)
        ours.close()
        theirs.close()

    return ungrip

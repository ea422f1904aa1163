"""The window's own process, as `cove` starts it, that also tells what it shows.

Its standard input takes a line at a time and each is answered with one line of JSON: `{"look": true}` asks
what is on the screen, `{"type": "text"}` and `{"press": "Ctrl+N"}` are keys for whatever has the focus (where
there is no screen to type at). The host that it starts may be another than Cove's own:
`python -m tests.fakes.watched_window HOST_MODULE [ARGUMENTS OF cove]`.
"""

from __future__ import annotations

import json
import os
import sys

from PySide6.QtCore import QSocketNotifier, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

import ui.application
from app import spawn
from app.spawn import Role
from ui.__main__ import main
from ui.application import Application


class WatchedApplication(Application):
    """Answers questions from its first moment on."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self._read = b""
        self._notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_asked)

    def _on_asked(self) -> None:
        piece = os.read(sys.stdin.fileno(), 65536)
        if not piece:  # whoever asked is gone
            self._notifier.setEnabled(False)
        *lines, self._read = (self._read + piece).split(b"\n")
        for line in lines:
            answer = self._obey(json.loads(line))
            os.write(sys.stdout.fileno(), json.dumps(answer).encode() + b"\n")

    def _obey(self, order: dict[str, object]) -> dict[str, object]:
        target = QGuiApplication.focusWindow() or self.window.windowHandle()
        if "type" in order:
            QTest.keyClicks(QApplication.focusWidget(), str(order["type"]))
        elif "press" in order:
            (combination,) = QKeySequence(str(order["press"]))
            QTest.keyClick(target, combination.key(), combination.keyboardModifiers())
        return self._sight()

    def _sight(self) -> dict[str, object]:
        """What somebody in front of the screen can tell."""
        window, chats = self.window, self.workspace.chats
        focus = QApplication.focusWidget()
        views = window.transcript.views if window.transcript.isVisible() else []
        banner = window.banner
        return {
            "title": window.windowTitle(),
            "focus": (focus.accessibleName() or str(focus.property("text"))) if focus is not None else "",
            "draft": window.composer.edit.toPlainText(),
            "button": window.composer.button.text(),
            "can_press": window.composer.button.isEnabled(),
            "headline": window.empty.title_text if window.empty.isVisible() else "",
            "model": window.picker.button.text() if window.picker.button.isVisible() else "",
            "chats": [chats.index(row).data(Qt.ItemDataRole.DisplayRole) for row in range(chats.rowCount())],
            "messages": [view.pane.text() for view in views],
            "line": getattr(views[-1], "status_text", "") if views else "",
            "banner": banner.text if banner.isVisible() else "",
            "offers": [button.text() for button in banner.buttons] if banner.isVisible() else [],
        }


if __name__ == "__main__":
    spawn._MODULES[Role.HOST] = sys.argv[1]
    ui.application.Application = WatchedApplication
    sys.exit(main(sys.argv[2:]))

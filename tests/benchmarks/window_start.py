"""Opens the real window once, in this process, and prints what it took as JSON: run in a fresh process, with
the moment at which it was started as argument (the system's own note of it can be off by a second)."""

from __future__ import annotations

import json
import os
import sys
import time

import psutil

LIMIT_MS = 20_000


def main() -> None:
    started = float(sys.argv[1])
    from PySide6.QtCore import QEvent, QObject, QTimer
    from PySide6.QtWidgets import QApplication

    from app.paths import resolve
    from ui.application import Application

    class Watch(QObject):
        """Notes when something was painted first, once `is_due` holds."""

        def __init__(self, is_due=lambda: True) -> None:
            super().__init__()
            self.painted = self.worked_ms = 0.0
            self._is_due = is_due

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint and not self.painted and self._is_due():
                self.painted = time.time()
                self.worked_ms = time.process_time() * 1000
                QTimer.singleShot(200, self._end)
            return False

        def _end(self) -> None:
            if window.painted and chats.painted:
                qt.quit()

    qt = QApplication([])
    application = Application(qt, resolve())
    window, model = Watch(), application.workspace.chats
    chats = Watch(lambda: model.rowCount() > 0)
    application.window.installEventFilter(window)
    application.window.sidebar.list.viewport().installEventFilter(chats)
    application.window.show()
    QTimer.singleShot(LIMIT_MS, qt.quit)
    qt.exec()
    memory = psutil.Process().memory_full_info()
    report = {
        "painted_ms": (window.painted - started) * 1000,
        "chats_ms": (chats.painted - started) * 1000,
        "painted_worked_ms": window.worked_ms,
        "chats_worked_ms": chats.worked_ms,
        "rss": memory.rss,
        "uss": memory.uss,
    }
    print(json.dumps(report), flush=True)
    application.close()
    os._exit(0)  # the order in which Python takes Qt apart is not what is measured


if __name__ == "__main__":
    main()

"""Opens the real window once, in this process, and prints what it took as JSON: run in a fresh process, with
the moment at which it was started as argument (the system's own note of it can be off by a second)."""

from __future__ import annotations

import json
import os
import sys
import time

import psutil


def main() -> None:
    started = float(sys.argv[1])
    from PySide6.QtCore import QEvent, QObject, QTimer
    from PySide6.QtWidgets import QApplication

    from app.paths import resolve
    from ui.application import Application

    class Watch(QObject):
        """Notes when the window was painted first."""

        painted = 0.0

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint and not self.painted:
                self.painted = time.time()
            return False

    qt = QApplication([])
    application = Application(qt, resolve())
    watch = Watch()
    application.window.installEventFilter(watch)
    application.window.show()
    QTimer.singleShot(1500, qt.quit)  # by then the host has answered and the first list is drawn
    qt.exec()
    memory = psutil.Process().memory_full_info()
    report = {"painted_ms": (watch.painted - started) * 1000, "rss": memory.rss, "uss": memory.uss}
    print(json.dumps(report), flush=True)
    application.close()
    os._exit(0)  # the order in which Python takes Qt apart is not what is measured


if __name__ == "__main__":
    main()

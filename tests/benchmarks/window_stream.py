"""Follows an answer in the real window, in this process, and prints what each flush took as JSON.

`python -m tests.benchmarks.window_stream CHAT_ID`, where a host with a scripted engine has that chat. A flush
is all that the window does for what has come since the last one: deliver, lay out, scroll, paint.
"""

from __future__ import annotations

import json
import os
import sys
import time

import psutil
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.paths import resolve
from tests.benchmarks.markdown import SECTION
from ui.application import Application

PAUSE_MS = 5  # 200 tokens a second
TEXT = SECTION * 40
LIMIT_MS = 300_000


class Flushes:
    """Stands in for the bridge's delivery, and times it with the painting that follows."""

    def __init__(self, qt: QApplication, application: Application) -> None:
        self.took_ms: list[float] = []
        self.worked_ms: list[float] = []  # in processor time, which a busy machine does not lengthen
        self._qt = qt
        self._transcript = application.workspace.transcript
        self._deliver = application.bridge._deliver
        self._is_inside = False
        application.bridge._timer.timeout.disconnect()
        application.bridge._timer.timeout.connect(self.flush)
        application.bridge._deliver = self.flush

    def flush(self) -> None:
        was_streaming = self._transcript.streaming
        begun, worked = time.perf_counter(), time.thread_time()
        self._deliver()
        if self._is_inside:
            return
        self._is_inside = True
        self._qt.processEvents()
        self._is_inside = False
        now = self._transcript.streaming
        if was_streaming is not None and now is not None and len(now.content) > len(was_streaming.content):
            self.took_ms.append((time.perf_counter() - begun) * 1000)
            self.worked_ms.append((time.thread_time() - worked) * 1000)


def main() -> None:
    qt = QApplication([])
    application = Application(qt, resolve())
    workspace = application.workspace
    flushes = Flushes(qt, application)
    application.window.show()
    steps = iter(
        [
            lambda: workspace.models.selected is not None,
            lambda: workspace.open_chat(sys.argv[1]) or True,
            lambda: workspace.transcript.is_ready and len(workspace.transcript.messages) > 1,
            lambda: workspace.composer.put_text(f"/slow {PAUSE_MS} {TEXT}") or True,
            lambda: workspace.composer.send() or True,
            lambda: workspace.transcript.streaming is not None,
            lambda: workspace.transcript.streaming is None,
        ]
    )
    step = next(steps)

    def go_on() -> None:
        nonlocal step
        if step():
            step = next(steps, qt.quit)

    ticking = QTimer()
    ticking.timeout.connect(go_on)
    ticking.start(50)
    QTimer.singleShot(LIMIT_MS, qt.quit)
    qt.exec()
    answer = workspace.transcript.last
    assert answer is not None
    assert answer.content.strip() == TEXT.strip()
    memory = psutil.Process().memory_full_info()
    costs = {"took_ms": flushes.took_ms, "worked_ms": flushes.worked_ms}
    report = {**costs, "rss": memory.rss, "uss": memory.uss}
    print(json.dumps(report), flush=True)
    application.close()
    os._exit(0)


if __name__ == "__main__":
    main()

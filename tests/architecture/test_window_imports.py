"""The window starts light: none of what the host, the engine or the terminal needs is loaded with it."""

from __future__ import annotations

import subprocess
import sys

from tests.architecture.sources import ROOT, is_within

HEAVY = (
    *("huggingface_hub", "hf_xet", "httpx", "httpx2", "httpcore", "httpcore2", "requests", "urllib3"),
    *("fastapi", "uvicorn", "asyncio", "sqlite3", "llama_cpp", "numpy", "jinja2", "ziamath", "tqdm", "yaml"),
    *("app.core", "app.host", "app.store", "app.chat", "app.models", "app.downloads", "app.network"),
    *("app.engine", "app.planning", "app.cli"),
    *("PySide6.QtNetwork", "PySide6.QtQml", "PySide6.QtQuick", "PySide6.QtSql", "PySide6.QtOpenGL"),
)

SHOWN = """
import sys
from app.paths import resolve
from ui.application import Application
from PySide6.QtWidgets import QApplication

class Silence:
    state = None
    def request(self, command, on_reply): pass
    def close(self): pass

qt = QApplication([])
application = Application(qt, resolve(), lambda listener: Silence())
application.window.show()
qt.processEvents()
print(*sys.modules)
application.close()
"""


def test_the_window_is_shown_without_anything_heavy():
    run = subprocess.run([sys.executable, "-c", SHOWN], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    loaded = run.stdout.split()
    assert "ui.views.main_window" in loaded
    assert [name for name in loaded if any(is_within(name, heavy) for heavy in HEAVY)] == []


def test_the_entry_alone_loads_neither_qt_nor_the_core():
    code = "import ui.__main__, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    ours = [name for name in run.stdout.split() if is_within(name, "app") or is_within(name, "PySide6")]
    assert ours == []

"""The window starts light: none of what the host, the engine or the terminal needs is loaded with it."""

from __future__ import annotations

from tests.architecture.sources import is_within, loaded_by

HEAVY = (
    *("huggingface_hub", "hf_xet", "httpx", "httpx2", "httpcore", "httpcore2", "requests", "urllib3"),
    *("fastapi", "uvicorn", "asyncio", "sqlite3", "llama_cpp", "numpy", "jinja2", "ziamath", "tqdm", "yaml"),
    "markdown_it",
    *("app.core", "app.host", "app.store", "app.chat", "app.models", "app.downloads", "app.network"),
    *("app.engine", "app.planning", "app.cli"),
    *("PySide6.QtNetwork", "PySide6.QtQml", "PySide6.QtQuick", "PySide6.QtSql", "PySide6.QtOpenGL"),
)

SHOWN = """
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
"""


def test_the_window_is_shown_without_anything_heavy():
    loaded = loaded_by(f"{SHOWN}\nimport sys\nprint(*sys.modules, flush=True)\nimport os\nos._exit(0)")
    assert "ui.views.main_window" in loaded
    assert sorted(name for name in loaded if any(is_within(name, heavy) for heavy in HEAVY)) == []


def test_the_entry_alone_loads_neither_qt_nor_the_core():
    loaded = loaded_by("import ui.__main__")
    assert sorted(name for name in loaded if is_within(name, "app") or is_within(name, "PySide6")) == []


def test_the_command_line_is_light_too():
    heavy = {"PySide6", *HEAVY} - {"app.cli", "app.engine"}  # of the engine it has the wire and the probe
    assert sorted(loaded_by("import app.cli.main") & heavy) == []

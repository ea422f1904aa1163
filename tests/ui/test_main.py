"""`cove` decides by its arguments alone, and imports only what it hands over to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import app
import ui.__main__ as entry

ROOT = Path(__file__).resolve().parent.parent.parent


def _window(calls):
    def open_window(home, *, is_new, file=""):
        calls.append(("window", home, *(["new"] if is_new else []), *([file] if file else [])))
        return 0

    return open_window


@pytest.fixture
def handed(monkeypatch):
    """What each way in was given."""
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(entry, "_open_window", _window(calls))
    monkeypatch.setattr(entry, "_run_cli", lambda arguments: calls.append(("cli", *arguments)) or 3)
    return calls


@pytest.mark.parametrize(
    ("argv", "wanted"),
    [
        ([], ("window", None)),
        (["--home", "/x"], ("window", "/x")),
        (["--home=/x"], ("window", "/x")),
        (["--new-window"], ("window", None, "new")),
        (["--home", "/x", "--new-window"], ("window", "/x", "new")),
        (["/a b/é.GGUF"], ("window", None, "/a b/é.GGUF")),
        (["m.gguf", "--new-window"], ("window", None, "new", str(Path.cwd() / "m.gguf"))),
        (["--home=/x", "/m.gguf"], ("window", "/x", "/m.gguf")),
        ([__file__], ("window", None, __file__)),
        (["/no/such/file"], ("cli", "/no/such/file")),
        (["--x.gguf"], ("cli", "--x.gguf")),
        (["a.gguf", "b.gguf"], ("cli", "a.gguf", "b.gguf")),
        (["--home", "/x", "list"], ("cli", "--home", "/x", "list")),
        (["--home"], ("cli", "--home")),
        (["--help"], ("cli", "--help")),
        (["run", "m", "--role", "host"], ("cli", "run", "m", "--role", "host")),
    ],
)
def test_who_gets_what(handed, argv, wanted):
    assert entry.main(argv) == (3 if wanted[0] == "cli" else 0)
    assert handed == [wanted]


def test_the_roles_of_the_frozen_app(monkeypatch, capsys):
    import app.engine.worker.__main__
    import app.engine.worker.template_helper
    import app.host.__main__

    calls: list[object] = []
    monkeypatch.setattr(app.host.__main__, "main", lambda argv: calls.append(argv) or 0)
    monkeypatch.setattr(app.engine.worker.__main__, "main", lambda: calls.append("engine") or 0)
    monkeypatch.setattr(app.engine.worker.template_helper, "main", lambda: calls.append("template") or 0)
    assert entry.main(["--role", "host", "--home", "/x", "--detach"]) == 0
    assert entry.main(["--role", "engine"]) == 0
    assert entry.main(["--role", "template"]) == 0
    assert calls == [["--home", "/x", "--detach"], "engine", "template"]
    assert entry.main(["--role", "king"]) == 2
    assert entry.main(["--role"]) == 2
    assert "there is no role “king”" in capsys.readouterr().err


def test_its_version(capsys):
    assert entry.main(["--version"]) == 0
    assert capsys.readouterr().out == f"cove {app.__version__}\n"


def test_without_a_screen_it_says_so(monkeypatch, capsys):
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert entry.main([]) == 1
    assert "there is no screen" in capsys.readouterr().err
    monkeypatch.setenv("DISPLAY", ":0")
    assert entry._has_screen()


def test_without_qt_s_libraries_it_says_so(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ui.application", None)
    assert entry.main([]) == 1
    assert "the window cannot be opened" in capsys.readouterr().err


def test_the_command_line_does_not_pay_for_the_window():
    code = (
        "import sys\nfrom ui.__main__ import main\nmain(['--version'])\n"
        "print([name for name in sys.modules if name.startswith(('PySide6', 'app.', 'msgspec', 'argparse'))])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == [f"cove {app.__version__}", "[]"]


def test_the_command_line_gets_the_rest(capsys):
    assert entry.main(["no-such-verb"]) == 2
    assert "no-such-verb" in capsys.readouterr().err

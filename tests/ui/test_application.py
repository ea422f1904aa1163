"""The window's process: how it ends, and what it does with an error nobody foresaw."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtCore import QLocale, QTimer
from PySide6.QtGui import QDesktopServices

import ui.application
from app.client.protocol import FindModel
from app.paths import resolve
from tests.waiting import wait_until
from ui.application import Application, _hook_errors, _make_home
from ui.viewmodels.kept import Kept
from ui.viewmodels.workspace import LOGS, MODELS

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def application(qapp, host, home, theme):
    paths = resolve(home)
    paths.make()
    application = Application(qapp, paths, host.open)
    application.window.show()
    yield application
    application.close()
    application.language.choose("en")
    theme._name = ""
    theme._refresh()


@pytest.fixture
def settle(application, qapp):
    def settle():
        while application.bridge._inbox._items:
            application.bridge._deliver()
        qapp.processEvents()

    return settle


def test_the_theme_is_the_setting_s_and_is_remembered(application, host, settle, home):
    host.settings["appearance.theme"] = "dark"
    host.connect()
    settle()
    assert application.theme.name == "dark"
    application.workspace.save()
    assert Kept(home / "window.ini").text("theme") == "dark"
    host._change_setting(type("Change", (), {"key": "appearance.theme", "value": "system"}))
    settle()
    assert application.theme.choice == "system"


def test_another_language_opens_the_window_anew_where_it_was(application, host, settle, home, qapp):
    host.add_chat("c", "Hi", "Hello", title="Old times")
    host.connect()
    settle()
    application.window.resize(700, 500)
    application.workspace.open_chat("c")
    settle()
    application.workspace.composer.put_text("half a thought")
    before = application.window
    application.workspace.choose_language("vi")
    settle()
    wait_until(lambda: qapp.processEvents() or application.window is not before)
    settle()
    window = application.window
    assert window.isVisible()
    assert window.size().toTuple() == (700, 500)
    assert window.composer.button.text() == "Gửi"
    assert window.composer.edit.toPlainText() == "half a thought"
    assert application.workspace.transcript.chat_id == "c"
    assert application.workspace.language == "vi"
    assert not shiboken6.isValid(before)
    assert Kept(home / "window.ini").text("language") == "vi"
    assert QLocale().decimalPoint() == ","


def test_the_language_of_the_last_run_is_there_from_the_start(qapp, host, home, theme, language):
    paths = resolve(home)
    paths.make()
    kept = Kept(home / "window.ini")
    kept.set_text("language", "vi")
    kept.save()
    application = Application(qapp, paths, host.open)
    try:
        assert application.window.composer.button.text() == "Gửi"
    finally:
        application.close()
        application.language.choose("en")
        theme._name = ""
        theme._refresh()


@pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing)")
def test_a_window_waits_with_another_language_until_its_menu_is_closed(application, host, settle, qapp):
    host.connect()
    settle()
    before = application.window
    menu = before._make_menu()
    menu.popup(before.pos())
    application.reopen()
    assert application.window is before
    menu.close()
    menu.deleteLater()
    wait_until(lambda: qapp.processEvents() or application.window is not before)


def test_folders_are_opened_by_the_system(application, monkeypatch):
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    application.workspace.folder_wanted.emit(LOGS)
    application.workspace.folder_wanted.emit(MODELS)
    assert opened == [str(application.paths.logs), str(application.paths.models)]


def test_a_file_that_another_start_was_given_is_opened_here(application, host, settle, monkeypatch):
    monkeypatch.setattr(application.window, "raise_", lambda: None)  # the offscreen platform has no order
    application.come_forward()
    application.come_forward("/models/mine.gguf")
    settle()
    assert [each.reference for each in host.commands if isinstance(each, FindModel)] == ["/models/mine.gguf"]
    assert application.window.isVisible()


def test_an_error_nobody_foresaw_is_logged_and_said(application, monkeypatch, settle):
    logged: list[object] = []
    monkeypatch.setattr(sys, "excepthook", lambda *facts: logged.append(facts[1]))
    unhook = _hook_errors(application)
    try:
        error = ValueError("odd")
        sys.excepthook(ValueError, error, None)
        assert logged == [error]
        assert "ValueError: odd" in application.window.banner.text
        monkeypatch.setattr(application, "raise_unhandled", lambda error: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            sys.excepthook(ValueError, error, None)
        sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
        assert len(logged) == 3
    finally:
        unhook()
    assert sys.excepthook not in (None, unhook)


def test_a_home_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    notice = _make_home(resolve(tmp_path / "file" / "home"))
    assert notice is not None
    assert str(tmp_path) in str(notice.facts["path"])
    assert _make_home(resolve(tmp_path / "home")) is None


def test_it_runs_until_its_window_is_closed(qapp, home, host, monkeypatch, theme):
    """`run` as `cove` calls it, but with the host in memory and the test's own QApplication."""
    monkeypatch.setattr(ui.application, "QApplication", _Existing(qapp))
    monkeypatch.setattr(ui.application, "open_client", lambda paths, *, kind, listener: host.open(listener))
    QTimer.singleShot(50, lambda: qapp.closeAllWindows())
    assert ui.application.run(resolve(home), file="/models/mine.gguf") == 0
    assert [each.reference for each in host.commands if isinstance(each, FindModel)] == ["/models/mine.gguf"]
    assert host.is_closed
    assert (home / "logs" / "window.log").exists()
    theme._name = ""
    theme._refresh()


class _Existing:
    """Stands in for the class: there can be one QApplication a process."""

    def __init__(self, qapp):
        self._qapp = qapp

    def __call__(self, argv):
        return self._qapp

    def __getattr__(self, name):
        return lambda *arguments: None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_the_window_as_a_click_does(home, number):
    code = (
        "import sys, ui.application as a\nfrom app.paths import resolve\nfrom PySide6.QtCore import QTimer\n"
        "from tests.ui.fake_client import FakeHost\n"
        "a.open_client = lambda paths, *, kind, listener: FakeHost().open(listener)\n"
        "shown = a.MainWindow.showEvent\n"
        "def show(self, event):\n"
        "    self._workspace.composer.set_text('half a thought')\n"
        "    QTimer.singleShot(0, lambda: print('shown', flush=True))\n"
        "a.MainWindow.showEvent = show\n"
        "sys.exit(a.run(resolve(sys.argv[1])))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(home)], cwd=ROOT, stdout=subprocess.PIPE
    ) as window:
        assert window.stdout is not None
        assert window.stdout.readline() == b"shown\n"
        window.send_signal(number)
        assert window.wait(20) == 0
    assert wait_until(lambda: Kept(home / "window.ini").draft(None)) == "half a thought"

"""A second `cove` finds the first window of its home, and only that."""

from __future__ import annotations

import threading

import pytest

from ui.first_window import FirstWindow


@pytest.fixture
def address(tmp_path):
    return str(tmp_path / "w.sock")


def test_the_first_window_comes_forward(qtbot, qapp, address):
    first, second = FirstWindow(address), FirstWindow(address)
    assert not first.call_other()
    assert first.listen()
    with qtbot.waitSignal(first.forward_wanted):
        assert second.call_other()
    assert not FirstWindow(address + "2").call_other()  # of another home
    first.close()
    assert not second.call_other()


def test_a_file_reaches_the_first_window_whatever_its_name(qtbot, qapp, address):
    first = FirstWindow(address)
    assert first.listen()
    for path in ("/models/Đường dẫn 空.gguf", "/" + "long/" * 20_000 + "m.gguf", ""):
        with qtbot.waitSignal(first.forward_wanted) as wanted:
            # From another thread, as another process would: what is long does not fit in at once.
            caller = threading.Thread(target=FirstWindow(address).call_other, args=(path,))
            caller.start()
        caller.join()
        assert wanted.args == [path]
    first.close()


def test_what_a_killed_window_left_is_no_window(qapp, address, tmp_path):
    (tmp_path / "w.sock").write_text("")
    window = FirstWindow(address)
    assert not window.call_other()
    assert window.listen()
    window.close()


def test_without_its_folder_a_window_opens_all_the_same(qapp, tmp_path):
    window = FirstWindow(str(tmp_path / "missing" / "w.sock"))
    assert not window.call_other()
    assert not window.listen()
    window.close()

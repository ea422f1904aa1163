from __future__ import annotations

from app.engine.worker.control import Control


def is_up(control: Control) -> bool:
    return control.abort_flag.raw[0] == 1


def test_cancelling_what_runs_raises_the_flag():
    control = Control()
    assert control.accept("a")
    control.begin("a")
    assert not is_up(control)
    control.cancel("a")
    assert is_up(control)
    assert control.is_aborting()
    assert control.is_cancelled("a")


def test_cancelling_what_waits_does_not_disturb_what_runs():
    control = Control()
    for name in ("a", "b"):
        control.accept(name)
    control.begin("a")
    control.cancel("b")
    assert not is_up(control)
    control.end("a")
    control.begin("b")
    assert is_up(control)


def test_the_next_request_starts_with_the_flag_down():
    control = Control()
    control.accept("a")
    control.begin("a")
    control.cancel("a")
    control.end("a")
    assert not is_up(control)
    control.accept("b")
    control.begin("b")
    assert not is_up(control)


def test_unknown_ids_are_ignored():
    control = Control()
    control.cancel("never")
    assert not control.is_cancelled("never")


def test_an_id_is_used_once_at_a_time():
    control = Control()
    assert control.accept("a")
    assert not control.accept("a")
    control.end("a")
    assert control.accept("a")


def test_a_load_is_cancelled_only_once():
    control = Control()
    control.cancel_load()
    assert control.is_load_cancelled()
    control.expect_load()
    assert not control.is_load_cancelled()


def test_closing_cancels_everything_for_good():
    control = Control()
    control.accept("a")
    control.begin("a")
    control.close()
    assert is_up(control)
    assert control.is_cancelled("a")
    control.expect_load()
    assert control.is_load_cancelled()
    control.end("a")
    assert is_up(control)


def test_the_flag_is_a_string_to_c():
    control = Control()
    assert control.abort_flag.value == b""
    control.close()
    assert control.abort_flag.value == b"\x01"

"""A child for one question."""

from __future__ import annotations

import signal

import pytest

from app.engine import throwaway as throwing
from app.engine.throwaway import Throwaway, throwaway
from app.engine.wire import Hello, HelloReply, Shutdown, WireError
from app.spawn import Role


@pytest.mark.llama
def test_it_is_asked_and_then_gone(tmp_path):
    with throwaway(tmp_path, None, 20) as child:
        child.tell(Hello())
        assert isinstance(child.hear(), HelloReply)
        child.tell(Shutdown())
        with pytest.raises(WireError):
            hear_all(child)


def hear_all(child: Throwaway) -> None:
    while True:
        child.hear()


def test_one_that_hangs_is_ended(tmp_path, monkeypatch):
    def spawn_stopped(role: Role, **options):
        process = throwing_spawn(role, **options)
        process.send_signal(signal.SIGSTOP)
        return process

    throwing_spawn = throwing.spawn
    monkeypatch.setattr(throwing, "spawn", spawn_stopped)
    with throwaway(tmp_path, tmp_path / "log", 0.1) as child, pytest.raises(WireError):
        child.hear()

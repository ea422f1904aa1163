from __future__ import annotations

import signal
from pathlib import Path

import pytest

from app.engine import throwaway as throwing
from app.engine.probe import probe


@pytest.mark.llama
def test_a_real_child_tells_its_library_and_devices(tmp_path: Path) -> None:
    greeting = probe(tmp_path)
    assert greeting is not None
    assert greeting.mismatch is None
    assert "0.3.36" in greeting.engine
    assert [device.kind for device in greeting.devices].count("cpu") == 1


def test_a_child_that_never_greets_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spawn = throwing.spawn

    def spawn_stopped(*arguments, **options):
        child = spawn(*arguments, **options)
        child.send_signal(signal.SIGSTOP)
        return child

    monkeypatch.setattr(throwing, "spawn", spawn_stopped)
    assert probe(tmp_path, tmp_path / "log", limit_s=0.1) is None

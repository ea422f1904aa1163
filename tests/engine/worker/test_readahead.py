from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.engine.worker import readahead
from app.engine.worker.readahead import read_ahead

BLOCK = 1024 * 1024


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"x" * (3 * BLOCK + 5))
    return path


def test_progress_runs_to_the_end(model):
    told: list[float] = []
    read_ahead(model, told.append, lambda: False)
    assert told == sorted(told)
    assert len(told) == 4
    assert told[-1] == 1.0


def test_what_is_not_cached_is_read(model, monkeypatch):
    seen: list[int] = []

    def look(_descriptor: int, offset: int) -> bool:
        seen.append(offset)
        return offset == BLOCK

    monkeypatch.setattr(readahead, "_is_cached", look)
    read_ahead(model, lambda _progress: None, lambda: False)
    assert seen == [0, BLOCK, 2 * BLOCK, 3 * BLOCK]


def test_a_cancelled_read_stops(model):
    told: list[float] = []
    read_ahead(model, told.append, lambda: len(told) == 2)
    assert len(told) == 2


def test_a_model_larger_than_memory_is_not_read_twice(model, monkeypatch):
    monkeypatch.setattr(readahead, "_available_bytes", lambda: BLOCK)
    told: list[float] = []
    read_ahead(model, told.append, lambda: False)
    assert told == []


def test_what_was_just_written_is_cached(model, monkeypatch):
    with model.open("rb") as file:
        assert readahead._is_cached(file.fileno(), 0)
        monkeypatch.setattr(readahead, "_NOWAIT", 0)
        assert not readahead._is_cached(file.fileno(), 0)


def test_a_file_system_that_cannot_tell_is_read(model, monkeypatch):
    def refuse(*_: object) -> int:
        raise OSError(95, "not supported")

    monkeypatch.setattr(os, "preadv", refuse)
    with model.open("rb") as file:
        assert not readahead._is_cached(file.fileno(), 0)


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_ahead(tmp_path / "none", lambda _progress: None, lambda: False)


def test_available_memory_is_known_or_assumed(tmp_path):
    table = tmp_path / "meminfo"
    assert readahead._available_bytes(table) == 8 * 1024**3
    table.write_text("MemTotal: 9 kB\nMemAvailable: 7 kB\n")
    assert readahead._available_bytes(table) == 7 * 1024
    table.write_text("MemTotal: 9 kB\n")
    assert readahead._available_bytes(table) == 8 * 1024**3

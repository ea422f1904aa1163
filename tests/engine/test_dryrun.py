"""What a load would take, asked of a child of its own."""

from __future__ import annotations

import os
import signal

import pytest

from app.domain.engine import BufferKind, LoadPlan
from app.domain.notice import NoticeCode
from app.engine import throwaway as throwing
from app.engine.dryrun import dry_run, write_hollow
from app.errors import KnownError
from app.models.gguf import read_header
from tests.fakes.published import SHAPES, hollow_bytes
from tests.fakes.tiny_models import tiny_model

MIB = 1024 * 1024


def plan(path: object) -> LoadPlan:
    return LoadPlan(model_id="m", model_path=str(path))


@pytest.mark.llama
def test_a_header_with_a_hole_behind_it_says_what_the_file_says(tmp_path):
    path = tiny_model("deepseek2")
    header = read_header(path)
    hollow = tmp_path / "hollow.gguf"
    write_hollow(hollow, path.read_bytes()[: header.data_offset], header.file_bytes)
    assert hollow.stat().st_size == path.stat().st_size
    assert hollow.stat().st_blocks * 512 < path.stat().st_size
    whole = dry_run(plan(path), tmp_path)
    assert whole is not None
    assert dry_run(plan(hollow), tmp_path) == whole


@pytest.mark.llama
def test_a_model_of_40_gb_is_measured_before_it_is_here(tmp_path):
    path = tmp_path / "large.gguf"
    write_hollow(path, *hollow_bytes(SHAPES["r1-llama-70b"]))
    measured = dry_run(plan(path), tmp_path)
    assert measured is not None
    assert measured.kv_bytes == 80 * 4096 * 2 * 8 * 128 * 2
    compute = next(b.size_bytes for b in measured.buffers if b.kind is BufferKind.COMPUTE)
    assert 200 * MIB < compute < 300 * MIB


@pytest.mark.llama
def test_what_would_fail_a_load_is_raised(tmp_path):
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF" + os.urandom(100))
    with pytest.raises(KnownError) as caught:
        dry_run(plan(path), tmp_path)
    assert caught.value.notice.code is NoticeCode.MODEL_CORRUPT


def test_a_child_that_does_not_answer_says_nothing(tmp_path, monkeypatch):
    spawn = throwing.spawn

    def spawn_stopped(*arguments, **options):
        process = spawn(*arguments, **options)
        process.send_signal(signal.SIGSTOP)
        return process

    monkeypatch.setattr(throwing, "spawn", spawn_stopped)
    assert dry_run(plan(tmp_path), tmp_path, limit_s=0.1) is None

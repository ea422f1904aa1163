from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.engine import LoadPlan
from app.domain.notice import Notice, NoticeCode
from app.engine.worker.model import _jinja, load_model
from app.engine.worker.placing import uses_gpu
from app.errors import KnownError
from tests.engine.worker.conftest import plan_of
from tests.realmodels import smollm2

pytestmark = pytest.mark.llama
ARCHITECTURE = b"general.architecture\x08\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00llama"


def refused(library, path: Path, **fields: object) -> Notice:
    with pytest.raises(KnownError) as caught:
        load_model(library, plan_of(path, **fields), lambda _progress: None, lambda: False)
    return caught.value.notice


def made(folder: Path, content: bytes) -> Path:
    path = folder / "made.gguf"
    path.write_bytes(content)
    return path


@pytest.fixture(autouse=True)
def _llama_complains(expect_log):
    for part in ("gguf_init", "error loading model", "failed to load model", "invalid data"):
        expect_log(part, maybe=True)


def test_a_model_is_described(smol):
    assert smol.description == "llama 256M Q4_1"
    assert smol.template.startswith("{% for message in messages %}")
    assert (smol.layers, smol.gpu_layers, smol.window_tokens) == (31, 0, 0)
    assert not smol.is_recurrent


def test_a_sliding_window_is_known(gemma):
    assert gemma.window_tokens == 512
    assert gemma.template == ""


def test_progress_is_told_up_to_the_end(library, monkeypatch):
    monkeypatch.setattr("app.engine.worker.model.PROGRESS_SECONDS", 0.0)
    told: list[float] = []
    load_model(library, plan_of(smollm2()), told.append, lambda: False).close()
    assert told == sorted(told)
    assert 0 < told[0] < 0.1
    assert 0.5 in told  # the file is read, its placing begins
    assert told[-1] == 1.0


def test_a_model_may_be_read_into_memory_of_its_own(library, monkeypatch):
    monkeypatch.setattr("app.engine.worker.model.PROGRESS_SECONDS", 0.0)
    told: list[float] = []
    load_model(library, plan_of(smollm2(), memory_map=False), told.append, lambda: False).close()
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)
    assert not any("CPU_Mapped" in line for line in library.log.lines())


def test_progress_is_not_told_too_often(library):
    told: list[float] = []
    load_model(library, plan_of(smollm2()), told.append, lambda: False).close()
    assert len(told) < 20


def test_a_cancelled_load_ends(library):
    with pytest.raises(KnownError) as caught:
        load_model(library, plan_of(smollm2()), lambda _progress: None, lambda: True)
    assert caught.value.notice.code is NoticeCode.MODEL_LOAD_CANCELLED


def test_a_missing_file(library, tmp_path):
    for path in (tmp_path / "none.gguf", tmp_path):
        notice = refused(library, path)
        assert notice.code is NoticeCode.MODEL_FILE_MISSING
        assert notice.facts == {"path": str(path)}


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"", "failed to read magic"),
        (b"GGUF", "failed to read"),
        (b"<!DOCTYPE html><html>" * 50, "invalid magic characters"),
        (bytes(range(256)) * 400, "invalid magic characters"),
        (b"GGUF\x03\0\0\0" + b"\xff" * 4000, "number of tensors"),
    ],
    ids=["empty", "magic-only", "web-page", "random", "wild-header"],
)
def test_a_file_that_is_no_model(library, tmp_path, content, detail):
    notice = refused(library, made(tmp_path, content))
    assert notice.code is NoticeCode.MODEL_CORRUPT
    assert detail in str(notice.facts["detail"])


@pytest.mark.parametrize("part", [0.5, 0.001], ids=["tensors", "header"])
def test_half_a_model(library, tmp_path, part):
    whole = smollm2().read_bytes()
    notice = refused(library, made(tmp_path, whole[: int(len(whole) * part)]))
    assert notice.code is NoticeCode.MODEL_CORRUPT


def test_an_architecture_of_tomorrow(library, tmp_path):
    head = smollm2().read_bytes()
    assert ARCHITECTURE in head
    notice = refused(library, made(tmp_path, head.replace(ARCHITECTURE, ARCHITECTURE[:-5] + b"llamb", 1)))
    assert notice.code is NoticeCode.MODEL_UNSUPPORTED
    assert notice.facts == {"architecture": "llamb"}


def test_broken_weights_are_found_when_asked_for(library, tmp_path):
    whole = bytearray(smollm2().read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 100_000] = b"\xff" * 100_000
    notice = refused(library, made(tmp_path, bytes(whole)), check_tensors=True)
    assert notice.code is NoticeCode.MODEL_CORRUPT


def test_a_file_that_may_not_be_read(library, tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("app.engine.worker.model.read_ahead", refuse)
    notice = refused(library, made(tmp_path, b"GGUF"))
    assert notice.code is NoticeCode.MODEL_LOAD_FAILED
    assert notice.facts["detail"] == "Permission denied"


def test_a_device_that_is_gone(library):
    notice = refused(library, smollm2(), gpu_layers=-1, devices=("Vulkan7",))
    assert notice.code is NoticeCode.ENGINE_DRIVER_FAILED
    assert notice.facts == {"detail": "no device Vulkan7"}


def test_reference_mode_never_uses_a_gpu():
    plan = LoadPlan(model_id="m", model_path="m", gpu_layers=-1)
    assert uses_gpu(plan)
    assert not uses_gpu(LoadPlan(model_id="m", model_path="m", gpu_layers=-1, reference=True))


def test_a_template_that_is_only_a_name_is_none():
    assert _jinja("mistral-v7-tekken") == ""
    assert _jinja("{{ messages }}") == "{{ messages }}"

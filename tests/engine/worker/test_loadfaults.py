from __future__ import annotations

import pytest

from app.domain.engine import LoadPlan
from app.domain.notice import NoticeCode
from app.engine.worker.loadfaults import detail_of, notice_of_failed_load

PLAN = LoadPlan(model_id="fox", model_path="/m/fox.gguf")
END = "llama_model_load_from_file_impl: failed to load model"


def told(*lines: str):
    return notice_of_failed_load(PLAN, (*lines, END))


@pytest.mark.parametrize(
    "line",
    [
        "gguf_init_from_reader: invalid magic characters: '<!DO', expected 'GGUF'",
        "gguf_init_from_reader: failed to read key-value pairs",
        "llama_model_load: error loading model: tensor 'a' data is not within the file bounds",
        "llama_model_load: error loading model: found tensors with invalid data",
        "llama_model_load: error loading model: missing tensor 'output_norm.weight'",
    ],
)
def test_a_damaged_file(line):
    notice = told(line)
    assert notice.code is NoticeCode.MODEL_CORRUPT
    assert notice.facts["path"] == "/m/fox.gguf"
    assert str(notice.facts["detail"]) in line


def test_an_unknown_architecture_is_named():
    notice = told("llama_model_load: error loading model: unknown model architecture: 'llamb'")
    assert notice.code is NoticeCode.MODEL_UNSUPPORTED
    assert notice.facts == {"architecture": "llamb"}


def test_an_unknown_tokenizer_is_named():
    notice = told("llama_model_load: error loading model: unknown pre-tokenizer type: 'new-bpe'")
    assert notice.code is NoticeCode.MODEL_UNSUPPORTED
    assert notice.facts == {"architecture": "new-bpe"}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (
            "ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 9",
            NoticeCode.ENGINE_OUT_OF_MEMORY,
        ),
        ("llama_model_load: error loading model: std::bad_alloc", NoticeCode.ENGINE_OUT_OF_MEMORY),
        (
            "ggml_vulkan: Device memory allocation of size 99 failed: ErrorOutOfDeviceMemory",
            NoticeCode.ENGINE_OUT_OF_GPU_MEMORY,
        ),
        (
            "llama_model_load: error loading model: unable to allocate Vulkan0 buffer",
            NoticeCode.ENGINE_OUT_OF_GPU_MEMORY,
        ),
        (
            "alloc_tensor_range: failed to allocate CUDA0 buffer of size 9",
            NoticeCode.ENGINE_OUT_OF_GPU_MEMORY,
        ),
    ],
)
def test_too_little_memory(line, code):
    assert told(line).code is code
    assert told(line).facts == {"model": "fox"}


def test_anything_else_is_told_as_it_is():
    notice = told("llama_model_load: error loading model: the moon is wrong")
    assert notice.code is NoticeCode.MODEL_LOAD_FAILED
    assert notice.facts == {"model": "fox", "detail": "the moon is wrong"}


def test_the_detail_is_the_line_that_says_most():
    assert detail_of(["a: cause", "...", END]) == "cause"
    assert detail_of(["a: failed to read header", END]) == "failed to read header"
    assert detail_of([END]) == END
    assert detail_of([]) == ""

"""What killed an engine, told by its exit and its last words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.engine import LoadPlan
from app.domain.notice import Notice, NoticeCode
from app.engine.diagnosis import DETAIL_CHARACTERS, DeathReason, diagnose, died, is_about_memory, oom_kills
from app.engine.process import ExitFacts

PLAN = LoadPlan(model_id="tiny:q4", model_path="/models/tiny.gguf")


def after(stderr: str, signal: str = "SIGABRT", code: int | None = None) -> Notice:
    return diagnose(ExitFacts(code=code, signal=signal, stderr_tail=stderr), PLAN)


@pytest.mark.parametrize(
    "line",
    [
        "ggml_vulkan: Device memory allocation of size 536870912 failed.",
        "terminate called after throwing an instance of 'vk::OutOfDeviceMemoryError'",
        "  what():  vk::Device::allocateMemory: ErrorOutOfDeviceMemory",
        "alloc_tensor_range: failed to allocate Vulkan0 buffer of size 4294967296",
        "ggml_backend_cuda_buffer_type_alloc_buffer: cudaMalloc failed: out of memory",
        "CUDA error: out of memory",
        "ROCm error: out of memory",
        "error: kIOGPUCommandBufferCallbackErrorOutOfMemory",
    ],
)
def test_gpu_memory(line: str):
    assert after(line).code == NoticeCode.ENGINE_OUT_OF_GPU_MEMORY
    assert is_about_memory(after(line))


@pytest.mark.parametrize(
    "line",
    [
        "terminate called after throwing an instance of 'std::bad_alloc'",
        "ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 98765432100",
        "mmap failed: Cannot allocate memory",
        "MemoryError",
        "vk::Device::allocateMemory: ErrorOutOfHostMemory",
    ],
)
def test_memory(line: str):
    assert after(line).code == NoticeCode.ENGINE_OUT_OF_MEMORY
    assert is_about_memory(after(line))


@pytest.mark.parametrize(
    "line",
    [
        "  what():  vk::Queue::submit: ErrorDeviceLost",
        "CUDA error: an illegal memory access was encountered",
        "ggml_cuda_init: failed to initialize CUDA: CUDA driver version is insufficient",
        "vk::createInstance: ErrorIncompatibleDriver",
        "ggml_vulkan: Invalid device index 7 in GGML_VK_VISIBLE_DEVICES.",
    ],
)
def test_driver(line: str):
    assert after(line).code == NoticeCode.ENGINE_DRIVER_FAILED
    assert not is_about_memory(after(line))


def test_a_model_that_is_cut():
    line = "llama_model_load: error: tensor 'blk.9.ffn_up.weight' data is not within the file bounds"
    notice = after(line)
    assert notice.code == NoticeCode.MODEL_CORRUPT
    assert notice.facts["path"] == "/models/tiny.gguf"
    assert "not within" in str(notice.facts["detail"])


def test_a_mapped_file_that_shrank():
    assert after("", "SIGBUS").code == NoticeCode.MODEL_CORRUPT
    unmapped = LoadPlan(model_id="m", model_path="/m", memory_map=False)
    assert diagnose(ExitFacts(signal="SIGBUS"), unmapped).code == NoticeCode.ENGINE_DIED


def test_an_architecture_nobody_knows():
    notice = after("error loading model architecture: unknown model architecture: 'qwen9'", "", 1)
    assert (notice.code, notice.facts["architecture"]) == (NoticeCode.MODEL_UNSUPPORTED, "qwen9")


def test_a_tokenizer_nobody_knows():
    notice = after("error loading model vocabulary: unknown pre-tokenizer type: 'hanja'", "", 1)
    assert (notice.code, notice.facts["architecture"]) == (NoticeCode.MODEL_UNSUPPORTED, "hanja")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (ExitFacts(signal="SIGKILL"), DeathReason.KILLED),
        (ExitFacts(signal="SIGTERM"), DeathReason.KILLED),
        (ExitFacts(signal="SIGSEGV"), DeathReason.CRASHED),
        (
            ExitFacts(signal="SIGILL", stderr_tail="CUDA error: out of memory"),
            DeathReason.ILLEGAL_INSTRUCTION,
        ),
        (
            ExitFacts(
                signal="SIGABRT", stderr_tail="llama-context.cpp:1785: GGML_ASSERT(n_tokens <= n) failed"
            ),
            DeathReason.ASSERTION,
        ),
        (ExitFacts(code=3), DeathReason.EXITED),
        (
            ExitFacts(code=1, stderr_tail="Traceback (most recent call last):\n  ...\nKeyError: 'x'\n"),
            DeathReason.BUG,
        ),
        (
            ExitFacts(signal="SIGKILL", wire_error="frame of 1818324835 bytes announced"),
            DeathReason.BAD_FRAME,
        ),
    ],
)
def test_what_no_rule_explains(facts: ExitFacts, reason: DeathReason):
    notice = diagnose(facts, PLAN)
    assert (notice.code, notice.facts["reason"]) == (NoticeCode.ENGINE_DIED, reason)
    assert notice.facts.get("signal", "") == ("" if facts.wire_error else facts.signal)
    assert notice.facts.get("exit_code") == facts.code


def test_the_last_line_is_kept_as_a_detail():
    assert after("first\nKeyError: 'x'\n\n", "", 1).facts["detail"] == "KeyError: 'x'"


def test_sigkill_is_the_systems_only_with_evidence():
    facts = ExitFacts(signal="SIGKILL")
    assert diagnose(facts, PLAN, was_oom_killed=True).code == NoticeCode.ENGINE_OUT_OF_MEMORY
    assert diagnose(facts, PLAN).code == NoticeCode.ENGINE_DIED


def test_an_allocation_that_was_survived_does_not_explain_a_kill():
    facts = ExitFacts(signal="SIGKILL", stderr_tail="failed to allocate Vulkan0 buffer; using CPU")
    assert diagnose(facts, PLAN).facts["reason"] == DeathReason.KILLED


def test_the_latest_telling_line_counts():
    tail = "failed to allocate Vulkan0 buffer of size 1\nfell back\nvk::Queue::submit: ErrorDeviceLost\n"
    assert after(tail).code == NoticeCode.ENGINE_DRIVER_FAILED


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(), st.sampled_from(["", "SIGKILL", "SIGABRT", "SIGBUS", "signal 99"]), st.booleans())
def test_anything_is_diagnosed(tail: str, signal: str, was_oom_killed: bool):
    notice = diagnose(ExitFacts(signal=signal, stderr_tail=tail), PLAN, was_oom_killed=was_oom_killed)
    assert notice.actions
    assert len(str(notice.facts.get("detail", ""))) <= DETAIL_CHARACTERS


def test_died_names_its_reason():
    assert died(DeathReason.NOT_STARTED, detail="x").facts == {"reason": "not-started", "detail": "x"}


def test_the_system_counts_its_kills():
    assert oom_kills() >= 0

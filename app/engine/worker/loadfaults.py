"""Why a model could not be loaded, read from what llama.cpp said about it.

llama.cpp returns NULL for every reason; only its log tells them apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.domain.engine import LoadPlan
from app.domain.notice import Action, Notice, NoticeCode

_UNSUPPORTED = re.compile(r"unknown (?:model architecture|pre-tokenizer type|tokenizer)[^:']*:? '([^']*)'")
_GPU_MEMORY = re.compile(
    r"(?:allocate|allocation).*(?:Vulkan|CUDA|ROCm|HIP|Metal|SYCL)|OutOfDeviceMemory|"
    r"(?:Vulkan|CUDA|ROCm|HIP|Metal|SYCL).*(?:out of memory|allocat)",
    re.IGNORECASE,
)
_MEMORY = re.compile(r"failed to allocate|unable to allocate|bad_alloc|Cannot allocate memory", re.IGNORECASE)
_CORRUPT = re.compile(
    r"invalid magic|failed to read|not within the file bounds|corrupted|invalid data|gguf_init|"
    r"missing tensor|wrong number of tensors|wrong shape|key not found|duplicate|invalid|is not a multiple",
    re.IGNORECASE,
)
_PREFIX = re.compile(r"^\w+: (?:error loading model: )?")
_EMPTY_WORDS = ("failed to load model", "failed to read header")


def notice_of_failed_load(plan: LoadPlan, lines: Sequence[str]) -> Notice:
    """Returns what a person is told when llama.cpp could not load `plan` and said `lines`."""
    told = "\n".join(lines)
    unsupported = _UNSUPPORTED.search(told)
    if unsupported:
        return Notice(
            code=NoticeCode.MODEL_UNSUPPORTED,
            facts={"architecture": unsupported[1]},
            actions=(Action.CHOOSE_MODEL, Action.UPDATE),
        )
    memory = notice_of_memory(plan, lines)
    if memory is not None:
        return memory
    if any(_CORRUPT.search(line) for line in lines):
        return Notice(
            code=NoticeCode.MODEL_CORRUPT,
            facts={"path": plan.model_path, "detail": detail_of(lines)},
            actions=(Action.PULL_AGAIN, Action.CHOOSE_MODEL),
        )
    return Notice(
        code=NoticeCode.MODEL_LOAD_FAILED,
        facts={"model": plan.model_id, "detail": detail_of(lines)},
        actions=(Action.RETRY, Action.OPEN_LOG),
    )


def notice_of_memory(plan: LoadPlan, lines: Sequence[str]) -> Notice | None:
    """Returns what is told when the lines say that memory ran out, and whose."""
    told = "\n".join(lines)
    if _GPU_MEMORY.search(told):
        return _memory(NoticeCode.ENGINE_OUT_OF_GPU_MEMORY, plan)
    return _memory(NoticeCode.ENGINE_OUT_OF_MEMORY, plan) if _MEMORY.search(told) else None


def detail_of(lines: Sequence[str]) -> str:
    """Returns the line that says most: the last one that is more than "failed to load model"."""
    for empty_words in (_EMPTY_WORDS, _EMPTY_WORDS[:1]):
        for line in reversed(lines):
            if not any(words in line for words in empty_words) and set(line) - {"."}:
                return _PREFIX.sub("", line)[:300]
    return lines[-1][:300] if lines else ""


def _memory(code: NoticeCode, plan: LoadPlan) -> Notice:
    return Notice(code=code, facts={"model": plan.model_id}, actions=(Action.CHOOSE_MODEL, Action.RETRY))

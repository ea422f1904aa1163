"""From how a child ended to what a person is told. Pure; knows the words llama.cpp and its backends print.

The tail of stderr is read for the last telling line; without one the exit code or the signal speaks.
"""

from __future__ import annotations

import re
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from app.domain.engine import LoadPlan
from app.domain.notice import Action, Fact, Notice, NoticeCode
from app.engine.process import ExitFacts

DETAIL_CHARACTERS = 300


class DeathReason(StrEnum):
    """The fact `reason` of ENGINE_DIED."""

    KILLED = "killed"  # by someone else's signal
    CRASHED = "crashed"  # a fault or an abort in native code
    ASSERTION = "assertion"  # llama.cpp found itself in an impossible state
    ILLEGAL_INSTRUCTION = "illegal-instruction"  # built for another processor
    BAD_FRAME = "bad-frame"
    EXITED = "exited"
    BUG = "bug"  # a Python traceback
    NOT_STARTED = "not-started"


_ALLOCATION = r"(?:failed to allocate|unable to allocate|alloc\w* failed|(?:allocation|allocating) .* failed)"
_GPU = r"(?:cuda|vulkan|metal|rocm|hip|sycl|musa|opencl|device memory|vram)"

# In this order: the first rule that matches a line wins, so the more exact stands above the more general.
_RULE_WORDS: dict[NoticeCode, tuple[str, ...]] = {
    NoticeCode.MODEL_UNSUPPORTED: (
        r"unknown model architecture: '(?P<architecture>[^']*)'",
        r"unknown (?:pre-)?tokenizer(?: type)?: '(?P<tokenizer>[^']*)'",
    ),
    NoticeCode.MODEL_CORRUPT: (
        r"not within the file bounds|corrupted or incomplete|has invalid data|tensor '.*' has invalid",
        r"invalid magic|failed to read magic|gguf_init_from_\w+: failed",
    ),
    NoticeCode.ENGINE_OUT_OF_GPU_MEMORY: (
        r"outofdevicememory|erroroutofmemory|commandbuffer.*outofmemory|insufficient memory",
        r"out of device memory|exceeds device memory|cudamalloc failed",
        rf"{_GPU}.*{_ALLOCATION}|{_ALLOCATION}.*{_GPU}|{_GPU}.*out of memory",
    ),
    NoticeCode.ENGINE_DRIVER_FAILED: (
        r"devicelost|device lost|device_lost|gpu hang|xid \d+|incompatibledriver|initializationfailed",
        r"driver version is insufficient|no cuda-capable device|(?:cuda|rocm|hip) error|vk::\w*error",
        r"ggml_vulkan: .*(?:failed|invalid)",
    ),
    NoticeCode.ENGINE_OUT_OF_MEMORY: (
        r"std::bad_alloc|outofhostmemory|cannot allocate memory|memoryerror|out of memory",
        _ALLOCATION,
    ),
}
_RULES = tuple(
    (code, re.compile("|".join(patterns), re.IGNORECASE)) for code, patterns in _RULE_WORDS.items()
)
_CRASHES = frozenset({"SIGSEGV", "SIGABRT", "SIGFPE", "SIGBUS", "SIGTRAP", "SIGSYS"})
_AGAIN = (Action.RETRY, Action.OPEN_LOG)
_ACTIONS = {
    NoticeCode.MODEL_UNSUPPORTED: (Action.UPDATE, Action.CHOOSE_MODEL),
    NoticeCode.MODEL_CORRUPT: (Action.PULL_AGAIN, Action.CHOOSE_MODEL),
    NoticeCode.ENGINE_OUT_OF_GPU_MEMORY: (Action.RETRY, Action.CHOOSE_MODEL),
    NoticeCode.ENGINE_OUT_OF_MEMORY: (Action.RETRY, Action.CHOOSE_MODEL),
    NoticeCode.ENGINE_DRIVER_FAILED: (Action.RETRY, Action.OPEN_LOG),
}


def diagnose(facts: ExitFacts, plan: LoadPlan, *, was_oom_killed: bool = False) -> Notice:
    """Returns what to say about a child that nobody asked to end."""
    if facts.wire_error:
        return died(DeathReason.BAD_FRAME, detail=facts.wire_error)
    if facts.signal == "SIGKILL":  # whatever it printed before was not its end
        return _notice(NoticeCode.ENGINE_OUT_OF_MEMORY, plan) if was_oom_killed else _by_signal(facts)
    if facts.signal == "SIGILL":
        return _by_signal(facts)
    for line in reversed(facts.stderr_tail.splitlines()):
        for code, pattern in _RULES:
            if match := pattern.search(line):
                return _notice(code, plan, line, match.groupdict())
    if facts.signal == "SIGBUS" and plan.memory_map:
        # A page of the mapped file could not be read: the file was cut or its disk is failing.
        return _notice(NoticeCode.MODEL_CORRUPT, plan, facts.signal)
    return _by_signal(facts)


def died(reason: DeathReason, **facts: Fact) -> Notice:
    return Notice(code=NoticeCode.ENGINE_DIED, facts={"reason": reason.value, **facts}, actions=_AGAIN)


def is_about_memory(notice: Notice) -> bool:
    """Tells whether a smaller plan could help."""
    return notice.code in (NoticeCode.ENGINE_OUT_OF_MEMORY, NoticeCode.ENGINE_OUT_OF_GPU_MEMORY)


def oom_kills() -> int:
    """Returns how many processes this system has killed for want of memory; 0 where it does not tell."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def _notice(
    code: NoticeCode, plan: LoadPlan, detail: str = "", found: dict[str, str | None] | None = None
) -> Notice:
    facts: dict[str, Fact] = {"model": plan.model_id, "detail": detail.strip()[:DETAIL_CHARACTERS]}
    if code == NoticeCode.MODEL_CORRUPT:
        facts["path"] = plan.model_path
    if code == NoticeCode.MODEL_UNSUPPORTED:
        facts["architecture"] = next((name for name in (found or {}).values() if name), "")
    return Notice(code=code, facts=facts, actions=_ACTIONS[code])


def _by_signal(facts: ExitFacts) -> Notice:
    last = next((line for line in reversed(facts.stderr_tail.splitlines()) if line.strip()), "")
    ending: dict[str, Fact] = {"detail": last.strip()[:DETAIL_CHARACTERS]}
    if facts.signal:
        ending["signal"] = facts.signal
    if facts.code is not None:
        ending["exit_code"] = facts.code
    return died(_reason(facts), **ending)


def _reason(facts: ExitFacts) -> DeathReason:
    if facts.signal == "SIGILL":
        return DeathReason.ILLEGAL_INSTRUCTION
    if "GGML_ASSERT" in facts.stderr_tail:
        return DeathReason.ASSERTION
    if facts.signal:
        return DeathReason.CRASHED if facts.signal in _CRASHES else DeathReason.KILLED
    return DeathReason.BUG if "Traceback (most recent call last)" in facts.stderr_tail else DeathReason.EXITED

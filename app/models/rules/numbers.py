"""Numbers that llama.cpp asserts instead of checking: a file that breaks one of these ends the process.

Places are of llama.cpp's `llama_model_base::load_hparams`, and of the graphs of single architectures.
"""

from __future__ import annotations

from collections.abc import Iterator

from app.domain.filefault import FileFault
from app.models.gguf import GgufHeader
from app.models.rules.architectures import NEED_EXPERTS, ONE_EXPERT_IS_NONE, SAME_EXPERTS
from app.models.rules.facts import MAX_LAYERS, full, per_layer, said, whole
from app.models.rules.fault import Fault

MAX_EXPERTS = 1024
MAX_GATING = 4  # ways to choose experts: softmax, sigmoid, ...
MIN_CONTEXT_TOKENS = 32  # with 3 llama.cpp wrote over its own heap
ROPE_SCALINGS = ("none", "linear", "yarn", "longrope")
_EPSILONS = (
    "attention.layer_norm_epsilon",
    "attention.layer_norm_rms_epsilon",
    "attention.group_norm_epsilon",
)


def layers(header: GgufHeader) -> Iterator[Fault]:
    """How many there are, and lists that have an entry for each."""
    count = said(header, "block_count")
    if not isinstance(count, int):
        return  # llama.cpp says so itself
    if not 1 <= count <= MAX_LAYERS:
        yield _number(header, "block_count", count, f"1-{MAX_LAYERS}")
        return
    if whole(header, "nextn_predict_layers") > count:
        yield _number(header, "nextn_predict_layers", whole(header, "nextn_predict_layers"), f"0-{count}")
    for key in ("attention.head_count", "attention.head_count_kv", "feed_forward_length"):
        place = header.arrays.get(full(header, key))
        if place is not None and place.count != count:
            yield Fault(
                fault=FileFault.LAYERS,
                name=full(header, key),
                found=str(place.count),
                allowed=str(count),
            )


def context(header: GgufHeader) -> Iterator[Fault]:
    tokens = said(header, "context_length")
    if isinstance(tokens, int) and tokens < MIN_CONTEXT_TOKENS:
        yield _number(header, "context_length", tokens, f"{MIN_CONTEXT_TOKENS}-")


def epsilons(header: GgufHeader) -> Iterator[Fault]:
    """What is added before a division; `not >=` is also true of what is no number."""
    for key in _EPSILONS:
        found = said(header, key)
        if isinstance(found, float) and not found >= 0:
            yield _number(header, key, found, "0-")


def temperature(header: GgufHeader) -> Iterator[Fault]:
    """DeepSeek scales attention by how often a length fits into the position."""
    is_scaled = header.architecture.startswith("deepseek2") and said(header, "attention.temperature_scale")
    if is_scaled and not whole(header, "attention.temperature_length"):
        yield _number(header, "attention.temperature_length", 0, "1-")


def experts(header: GgufHeader) -> Iterator[Fault]:
    count = whole(header, "expert_count")
    used = max(per_layer(header, "expert_used_count"), default=0)
    if header.architecture in ONE_EXPERT_IS_NONE and count <= 1:
        return
    if count > MAX_EXPERTS or (not count and header.architecture in NEED_EXPERTS):
        yield _experts(header, "expert_count", count, f"1-{MAX_EXPERTS}")
    elif count and not 1 <= used <= count:
        yield _experts(header, "expert_used_count", used, f"1-{count}")
    elif len(set(per_layer(header, "expert_used_count"))) > 1 and header.architecture in SAME_EXPERTS:
        yield _experts(header, "expert_used_count", used, "=")
    elif not count and used:
        yield _experts(header, "expert_used_count", used, "0")
    elif not 0 <= whole(header, "expert_gating_func") <= MAX_GATING:
        yield _experts(header, "expert_gating_func", whole(header, "expert_gating_func"), f"0-{MAX_GATING}")
    else:
        yield from _groups(header, count)


def _groups(header: GgufHeader, count: int) -> Iterator[Fault]:
    groups, used = whole(header, "expert_group_count"), whole(header, "expert_group_used_count")
    if groups and groups >= count:
        yield _experts(header, "expert_group_count", groups, f"0-{max(count - 1, 0)}")
    elif groups > 1 and count % groups:
        yield _experts(header, "expert_group_count", groups, f"{count} / n")
    elif groups > 1 and not 1 <= used < groups:
        yield _experts(header, "expert_group_used_count", used, f"1-{groups - 1}")


def rope_scaling(header: GgufHeader) -> Iterator[Fault]:
    name = said(header, "rope.scaling.type")
    if isinstance(name, str) and name.split("\0")[0] not in ROPE_SCALINGS:
        yield Fault(
            fault=FileFault.ROPE_SCALING,
            name=full(header, "rope.scaling.type"),
            found=name[:40],
            allowed=", ".join(ROPE_SCALINGS),
        )


def _number(header: GgufHeader, key: str, found: float, allowed: str) -> Fault:
    return Fault(fault=FileFault.NUMBER, name=full(header, key), found=str(found), allowed=allowed)


def _experts(header: GgufHeader, key: str, found: int, allowed: str) -> Fault:
    return Fault(fault=FileFault.EXPERTS, name=full(header, key), found=str(found), allowed=allowed)

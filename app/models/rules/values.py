"""Values of a type that llama.cpp does not take: some of these end the process, all end the load.

Only keys that it reads of every model are looked at; what one architecture reads is for it to say.
"""

from __future__ import annotations

from collections.abc import Iterator

from app.domain.filefault import FileFault
from app.models.gguf import ARRAY, STRING, GgufHeader
from app.models.rules.facts import full
from app.models.rules.fault import Fault

UINT16, UINT32, INT32, FLOAT32, BOOL = 2, 4, 5, 6, 7
NAMES = {UINT16: "uint16", UINT32: "uint32", INT32: "int32", FLOAT32: "float32", BOOL: "bool"}
NAMES |= {0: "uint8", 1: "int8", 3: "int16", STRING: "string", ARRAY: "array", 10: "uint64", 11: "int64"}
NAMES |= {12: "float64"}

_OWN_NUMBERS = """
    context_length embedding_length embedding_length_out pooling_type block_count nextn_predict_layers
    expert_count expert_group_count expert_group_used_count rope.scaling.original_context_length
    attention.key_length attention.value_length attention.key_length_swa attention.value_length_swa
    rope.dimension_count rope.dimension_count_swa
"""
_OWN_FLOATS = ("rope.freq_base", "rope.scaling.factor", "rope.scale_linear", "rope.scaling.attn_factor")
_OWN_LISTS = (
    "expert_used_count",
    "feed_forward_length",
    "attention.head_count",
    "attention.head_count_kv",
)
OWN: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(_OWN_NUMBERS.split(), (UINT32,)),
    **dict.fromkeys(_OWN_FLOATS, (FLOAT32,)),
    **dict.fromkeys(_OWN_LISTS, (UINT32, ARRAY)),
    "attention.causal": (BOOL,),
    "rope.scaling.finetuned": (BOOL,),
    "rope.scaling.type": (STRING,),
}
_TOKEN_IDS = "bos eos eot eom unknown seperator padding mask fim_pre fim_suf fim_mid fim_pad fim_rep fim_sep"
COMMON: dict[str, tuple[int, ...]] = {
    "general.architecture": (STRING,),
    "general.name": (STRING,),
    "split.no": (UINT16,),  # an assertion, not an error, where a model is in several files
    "split.count": (UINT16,),
    "split.tensors.count": (INT32,),
    "tokenizer.ggml.model": (STRING,),
    "tokenizer.ggml.pre": (STRING,),
    "tokenizer.chat_template": (STRING,),
    "tokenizer.ggml.tokens": (ARRAY,),
    "tokenizer.ggml.scores": (ARRAY,),
    "tokenizer.ggml.token_type": (ARRAY,),
    "tokenizer.ggml.merges": (ARRAY,),
    "tokenizer.ggml.suppress_tokens": (ARRAY,),
    "tokenizer.ggml.precompiled_charsmap": (ARRAY,),
    **{f"tokenizer.ggml.{name}_token_id": (UINT32,) for name in _TOKEN_IDS.split()},
    **{f"tokenizer.ggml.add_{name}": (BOOL,) for name in ("bos_token", "eos_token", "space_prefix")},
}
ITEMS: dict[str, tuple[int, ...]] = {
    "tokenizer.ggml.tokens": (STRING,),
    "tokenizer.ggml.scores": (FLOAT32, INT32),
    "tokenizer.ggml.token_type": (INT32,),
    "tokenizer.ggml.merges": (STRING,),
    "tokenizer.ggml.suppress_tokens": (INT32,),
    "tokenizer.ggml.precompiled_charsmap": (0, 1),
}


def wrong_types(header: GgufHeader) -> Iterator[Fault]:
    expected = {**COMMON, **{full(header, key): kinds for key, kinds in OWN.items()}}
    for key, kind in header.kinds.items():
        allowed = expected.get(key)
        if allowed is not None and kind not in allowed:
            yield _fault(key, kind, allowed)
    for key, allowed in ITEMS.items():
        place = header.arrays.get(key)
        if place is not None and place.kind not in allowed:
            yield _fault(key, place.kind, allowed)


def _fault(key: str, kind: int, allowed: tuple[int, ...]) -> Fault:
    return Fault(
        fault=FileFault.VALUE_TYPE,
        name=key,
        found=NAMES.get(kind, str(kind)),
        allowed=", ".join(NAMES[kind] for kind in allowed),
    )

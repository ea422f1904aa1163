"""Tensors in a type that the operation they are used for does not know: ggml aborts in mid-answer then.

Weights that are added or multiplied element by element are always 32-bit; matrices may be in any type that
can be computed with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.domain.filefault import FileFault
from app.models.gguf import GgufHeader, TensorInfo
from app.models.rules.architectures import CONVOLVE_WITH_BIAS, CONVOLVE_WITH_GATE
from app.models.rules.fault import Fault

_NOT_COMPUTED_WITH = frozenset(("I8", "I16", "I32", "I64", "F64", "Q8_1", "Q8_K"))
# Tables of whole numbers, which some architectures have.
_INDICES = re.compile(r"d2t|t2d|tid2eid|ordering|token_ids")
_ELEMENTWISE = re.compile(
    r"""\.(?:bias|scale|input_scale)$|norm[_0-9a-z]*\.weight$|^rope_f|\.rope_f
    |\b(?:ssm_a|ssm_d|ssm_conv1d\w*|shortconv\.conv|attn_sinks|layer_output_scale|time_mix_lerp_\w+
    |channel_mix_lerp_\w+|time_mix_first|time_mix_decay|hc_\w+_(?:base|scale))(?:\.weight)?$""",
    re.VERBOSE,
)


def types(header: GgufHeader) -> Iterator[Fault]:
    for tensor in header.tensors:
        if _INDICES.search(tensor.name):
            continue
        if _is_elementwise(tensor):
            if tensor.kind != "F32":
                yield _fault(tensor, "F32")
        elif tensor.kind in _NOT_COMPUTED_WITH:
            yield _fault(tensor, "")


def missing(header: GgufHeader) -> Iterator[Fault]:
    """What llama.cpp takes for optional when it loads a recurrent layer and for granted when it computes."""
    partner = _partner(header.architecture)
    names = {tensor.name for tensor in header.tensors}
    for name in sorted(names) if partner else ():
        stem = name.removesuffix("ssm_conv1d.weight")
        if stem != name and stem + partner not in names:
            yield Fault(fault=FileFault.TENSOR_MISSING, name=stem + partner)


def _partner(architecture: str) -> str:
    if architecture in CONVOLVE_WITH_BIAS:
        return "ssm_conv1d.bias"
    return "attn_gate.weight" if architecture in CONVOLVE_WITH_GATE else ""


def _is_elementwise(tensor: TensorInfo) -> bool:
    return len(tensor.shape) < 2 or _ELEMENTWISE.search(tensor.name) is not None


def _fault(tensor: TensorInfo, allowed: str) -> Fault:
    return Fault(fault=FileFault.WEIGHTS, name=tensor.name, found=tensor.kind, allowed=allowed)

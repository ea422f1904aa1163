"""What a model asks of memory, layer by layer, read from its header alone.

Promises: bytes as llama.cpp allocates them, for the kinds of memory it has (plain attention, grouped heads,
latent attention, sliding windows, recurrent states and mixtures of them). A header that says less than its
architecture needs gives a shape all the same; what a dry run then says counts. Knows no devices.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.domain.model import Model
from app.domain.value import Value
from app.models.ggml_types import TENSOR_TYPES
from app.models.gguf import GgufHeader, TensorInfo
from app.planning.attention import has_cache, is_windowed, keeps_state, kv_heads, state_values, window_of

_BLOCK = re.compile(r"blk\.(\d+)\.")
_EXPERTS = re.compile(r"\.ffn_(?:up|down|gate|gate_up)_(?:ch|)exps\.weight$")
_ALIGNMENT = 32  # of a tensor in a buffer
# What CPUs with AVX2 or NEON keep a second, rearranged copy of.
_REPACKED = frozenset({"Q4_0", "Q4_K", "IQ4_NL", "MXFP4"})
_REPACKED_ROWS = 8
GUESSED_KV_BYTES = 4096  # a token and layer: 8 heads of 128 in f16, as most models of 7B and more have
MAX_LAYERS = 4096  # a header may claim any number

KV_TYPES = {kind.name.lower(): kind for kind in TENSOR_TYPES.values()}


class Layer(Value):
    """One block. `weights` includes `experts`; `repacked` is what a CPU copies of either. `key_width` and
    `value_width` are values a cell (0: keeps none), `state_bytes` is for each sequence."""

    weights: int = 0
    experts: int = 0
    repacked: int = 0
    repacked_experts: int = 0
    largest: int = 0
    largest_expert: int = 0
    key_width: int = 0
    value_width: int = 0
    state_bytes: int = 0
    is_windowed: bool = False


class ModelShape(Value):
    """`input_bytes` is the embedding and what goes with it, always on the CPU; `output_bytes` what turns the
    last layer into logits. `tied_bytes` is the embedding when it also does that: on another device it is
    there a second time."""

    layers: tuple[Layer, ...]
    input_bytes: int
    output_bytes: int
    output_repacked: int
    tied_bytes: int
    vocabulary: int
    embedding: int
    feed_forward: int  # values of the widest activation a token has
    query_width: int
    state_width: int  # of a recurrent layer's inner activations
    head_values: int  # that a quantized cache must divide into blocks
    experts: int
    experts_used: int
    trained_tokens: int
    window_tokens: int

    @property
    def expert_bytes(self) -> int:
        return sum(layer.experts for layer in self.layers)

    @property
    def weight_bytes(self) -> int:
        """All there is in the file."""
        return self.input_bytes + self.output_bytes + sum(layer.weights for layer in self.layers)

    @property
    def cached_layers(self) -> int:
        return sum(1 for layer in self.layers if layer.key_width)


def shape_of(headers: Sequence[GgufHeader]) -> ModelShape:
    """Reads the shape of a model from its header, or from those of all its shards (the first has the
    keys)."""
    header = headers[0]
    tensors = [tensor for shard in headers for tensor in shard.tensors]
    blocks, ends = _sorted(tensors, min(header.layers, MAX_LAYERS))
    embedding = next((t for t in ends if t.name == "token_embd.weight"), None)
    outputs = [t for t in ends if t.name.startswith("output")]
    is_tied = embedding is not None and embedding in _multiplied(outputs, embedding)
    return ModelShape(
        layers=tuple(_layer(header, index, block) for index, block in enumerate(blocks)),
        input_bytes=sum(_bytes(t) for t in ends if not t.name.startswith("output")),
        output_bytes=sum(_bytes(t) for t in outputs),
        output_repacked=sum(_bytes(t) for t in _multiplied(outputs, embedding) if _is_repacked(t)),
        tied_bytes=_bytes(embedding) if is_tied and embedding is not None else 0,
        vocabulary=embedding.shape[-1] if embedding is not None else 0,
        embedding=header.number("embedding_length"),
        feed_forward=_widest(header),
        query_width=_first(header, "attention.head_count") * _key_length(header),
        state_width=header.number("ssm.inner_size"),
        head_values=_key_length(header),
        experts=header.number("expert_count"),
        experts_used=header.number("expert_used_count"),
        trained_tokens=header.context_tokens,
        window_tokens=window_of(header),
    )


def guessed_shape(model: Model) -> ModelShape:
    """Returns a likely shape when no header can be read: even layers, with the KV cache of most models of
    7B."""
    count = max(min(model.layers, MAX_LAYERS), 1)
    width = GUESSED_KV_BYTES // 4  # of K and of V, in f16
    each = Layer(weights=model.size_bytes // (count + 1), key_width=width, value_width=width)
    return ModelShape(
        layers=(each,) * count,
        input_bytes=0,
        output_bytes=model.size_bytes // (count + 1),
        output_repacked=0,
        tied_bytes=0,
        vocabulary=131_072,
        embedding=4096,
        feed_forward=14_336,
        query_width=4096,
        state_width=0,
        head_values=128,
        experts=0,
        experts_used=0,
        trained_tokens=max(model.context_tokens, 0),
        window_tokens=0,
    )


def row_bytes(kv_type: str, values: int) -> int:
    """Returns what a row of the KV cache takes in a type ("f16", "q8_0")."""
    kind = KV_TYPES[kv_type]
    return values // kind.block * kind.size


def _sorted(
    tensors: Sequence[TensorInfo], layers: int
) -> tuple[tuple[list[TensorInfo], ...], list[TensorInfo]]:
    blocks: tuple[list[TensorInfo], ...] = tuple([] for _ in range(layers))
    ends: list[TensorInfo] = []
    for tensor in tensors:
        found = _BLOCK.match(tensor.name)
        if found is None:
            ends.append(tensor)
        elif int(found[1]) < layers:
            blocks[int(found[1])].append(tensor)
    return blocks, ends


def _layer(header: GgufHeader, index: int, tensors: list[TensorInfo]) -> Layer:
    experts = [tensor for tensor in tensors if _EXPERTS.search(tensor.name)]
    caches = has_cache(header, index)
    heads = kv_heads(header, index)
    windowed = is_windowed(header, index)
    is_latent = bool(
        header.number("attention.key_length_mla") and header.number("attention.value_length_mla")
    )
    values = 0 if is_latent else _value_length(header, windowed)
    return Layer(
        weights=sum(_bytes(tensor) for tensor in tensors),
        experts=sum(_bytes(tensor) for tensor in experts),
        repacked=sum(_bytes(tensor) for tensor in tensors if _is_repacked(tensor)),
        repacked_experts=sum(_bytes(tensor) for tensor in experts if _is_repacked(tensor)),
        largest=max((_bytes(tensor) for tensor in tensors if not _EXPERTS.search(tensor.name)), default=0),
        largest_expert=max((_bytes(tensor) for tensor in experts), default=0),
        key_width=_key_length(header, windowed) * heads if caches else 0,
        value_width=values * heads if caches else 0,
        state_bytes=4 * state_values(header) if keeps_state(header, index) else 0,
        is_windowed=windowed,
    )


def _multiplied(outputs: list[TensorInfo], embedding: TensorInfo | None) -> list[TensorInfo]:
    """Returns what makes logits: the embedding, when there is nothing else."""
    if embedding is None or any(t.name == "output.weight" for t in outputs):
        return outputs
    return [*outputs, embedding]


def _key_length(header: GgufHeader, windowed: bool = False) -> int:
    special = header.number("attention.key_length_swa") if windowed else 0
    return special or header.number("attention.key_length") or _head_length(header)


def _value_length(header: GgufHeader, windowed: bool = False) -> int:
    special = header.number("attention.value_length_swa") if windowed else 0
    return special or header.number("attention.value_length") or _head_length(header)


def _head_length(header: GgufHeader) -> int:
    heads = _first(header, "attention.head_count")
    return header.number("embedding_length") // heads if heads else 0


def _first(header: GgufHeader, key: str) -> int:
    """Some architectures vary a number by layer; the first layer's stands for the model."""
    found = header.metadata.get(f"{header.architecture}.{key}")
    if isinstance(found, tuple):
        found = next((item for item in found if isinstance(item, int) and item > 0), 0)
    return found if isinstance(found, int) and found > 0 else 0


def _widest(header: GgufHeader) -> int:
    found = header.metadata.get(f"{header.architecture}.feed_forward_length")
    numbers = found if isinstance(found, tuple) else (found,)
    dense = max((n for n in numbers if isinstance(n, int)), default=0)
    each = header.number("expert_feed_forward_length")
    return max(dense, each * header.number("expert_used_count"))


def _bytes(tensor: TensorInfo) -> int:
    return -(-tensor.size_bytes // _ALIGNMENT) * _ALIGNMENT


def _is_repacked(tensor: TensorInfo) -> bool:
    return tensor.kind in _REPACKED and len(tensor.shape) >= 2 and tensor.shape[1] % _REPACKED_ROWS == 0

"""Which layers of an architecture attend, see a window only, or keep a recurrent state; and how large that
is.

The rules are llama.cpp's (`load_arch_hparams` of each model, `llama-hparams.cpp`), for the version this app
is pinned to. Most is said by the header; what is only in llama.cpp's code is a table here.
"""

from __future__ import annotations

from typing import NamedTuple

from app.models.gguf import GgufHeader

RECURRENT = frozenset({"mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"})
# Attend in every so-manieth layer.
_INTERVALS = frozenset({"qwen3next", "qwen35", "qwen35moe", "minimax-01"})
# A layer without KV heads keeps a state.
_HEADLESS = frozenset(
    {"jamba", "plamo2", "granitehybrid", "lfm2", "lfm2moe", "nemotron_h", "nemotron_h_moe", "kimi-linear"}
)
_FEEDS_ONLY = frozenset({"nemotron_h", "nemotron_h_moe"})  # some layers neither attend nor keep a state
_BOTH = frozenset({"falcon-h1"})
_USUAL_INTERVAL = 4
_USUAL_CONVOLUTION = 4
_USUAL_SHIFTS = 2


class Window(NamedTuple):
    """How an architecture mixes windows in: all layers of `pattern` but the last (or the first) have one.
    `tokens` stands in for a header that does not say, `forced` overrules it; 0 is as the header says."""

    pattern: int
    is_first_full: bool = False
    tokens: int = 0
    forced: int = 0


_WINDOWS = {
    "gemma2": Window(2, tokens=4096),
    "gemma3": Window(6),
    "gemma3n": Window(5),
    "gemma4": Window(6),
    "cohere2": Window(4),
    "cohere2moe": Window(4, is_first_full=True),
    "llama4": Window(4, tokens=8192, forced=8192),
    "smallthinker": Window(4, is_first_full=True, forced=4096),
    "olmo2": Window(4),
    "exaone4": Window(4, tokens=4096),
    "exaone-moe": Window(4, tokens=128),
    "plamo3": Window(8),
    "afmoe": Window(4),
    "mellum": Window(4),
    "laguna": Window(4, is_first_full=True),
    "gpt-oss": Window(2),
    "granite-swa": Window(0),
    "mimo2": Window(0),
    "step35": Window(0),
}
_EXAONE_4_WITH_WINDOW = 64  # layers: only the 32B has one
_GEMMA_3N_OWN_CACHE = 20  # layers; those after it read the cache of earlier ones


def window_of(header: GgufHeader) -> int:
    """Returns how many tokens a windowed layer sees; 0 when the architecture has none."""
    window = _WINDOWS.get(header.architecture)
    if window is None or (header.architecture == "exaone4" and header.layers != _EXAONE_4_WITH_WINDOW):
        return 0
    said = header.metadata.get(f"{header.architecture}.attention.sliding_window")
    if said == 0 or (said is None and not window.tokens):
        return 0
    return window.forced or header.number("attention.sliding_window") or window.tokens


def is_windowed(header: GgufHeader, layer: int) -> bool:
    if not window_of(header) or layer >= _trunk(header):
        return False
    window = _WINDOWS[header.architecture]
    said = header.metadata.get(f"{header.architecture}.attention.sliding_window_pattern")
    if isinstance(said, tuple):
        return layer < len(said) and bool(said[layer])
    pattern = said if isinstance(said, int) and not isinstance(said, bool) else window.pattern
    if pattern <= 0:
        return True
    return layer % pattern != 0 if window.is_first_full else layer % pattern < pattern - 1


def keeps_state(header: GgufHeader, layer: int) -> bool:
    architecture = header.architecture
    if architecture in RECURRENT or architecture in _BOTH:
        return True
    if architecture in _INTERVALS:
        return layer < _trunk(header) and _is_between(header, layer)
    if architecture in _HEADLESS:
        return kv_heads(header, layer) == 0 and not _only_feeds(header, layer)
    return False


def has_cache(header: GgufHeader, layer: int) -> bool:
    """Tells whether a layer has KV cells of its own."""
    architecture = header.architecture
    if architecture in RECURRENT or layer >= min(_trunk(header), _own_cache(header)):
        return False
    if architecture in _INTERVALS:
        return not _is_between(header, layer)
    return kv_heads(header, layer) > 0 and not _only_feeds(header, layer)


def state_values(header: GgufHeader) -> int:
    """Returns how many values (of 4 bytes) one layer keeps for one sequence."""
    number, embedding = header.number, header.number("embedding_length")
    if head := number("wkv.head_size"):
        return embedding * ((number("token_shift_count") or _USUAL_SHIFTS) + head)
    if length := number("shortconv.l_cache"):
        return embedding * (length - 1)
    kernel = number("ssm.conv_kernel")
    if head := number("kda.head_dim"):
        heads = number("attention.head_count")
        return heads * head * (3 * ((kernel or _USUAL_CONVOLUTION) - 1) + head)
    inner, states, groups = number("ssm.inner_size"), number("ssm.state_size"), number("ssm.group_count")
    convolution = max(kernel - 1, 0) * (inner + 2 * groups * states)
    return convolution + states * inner


def _trunk(header: GgufHeader) -> int:
    """Layers after these only guess ahead, and are not used in answering."""
    return header.layers - min(header.number("nextn_predict_layers"), header.layers)


def _own_cache(header: GgufHeader) -> int:
    if header.architecture == "gemma3n":
        return _GEMMA_3N_OWN_CACHE
    return header.layers - header.number("attention.shared_kv_layers")


def _is_between(header: GgufHeader, layer: int) -> bool:
    said = header.metadata.get(f"{header.architecture}.attention.recurrent_layers")
    if isinstance(said, tuple):
        return layer < len(said) and bool(said[layer])
    return (layer + 1) % (header.number("full_attention_interval") or _USUAL_INTERVAL) != 0


def kv_heads(header: GgufHeader, layer: int) -> int:
    """Returns a layer's KV heads: as many as it has heads when the header does not say."""
    for key in ("attention.head_count_kv", "attention.head_count"):
        found = header.metadata.get(f"{header.architecture}.{key}")
        if isinstance(found, tuple):
            found = found[layer] if layer < len(found) else 0
        if isinstance(found, int):
            return max(found, 0)
    return 0


def _only_feeds(header: GgufHeader, layer: int) -> bool:
    if header.architecture not in _FEEDS_ONLY:
        return False
    widths = header.metadata.get(f"{header.architecture}.feed_forward_length")
    return isinstance(widths, tuple) and layer < len(widths) and bool(widths[layer])

"""How large the buffers are that llama.cpp computes in: an estimate, until a dry run says it exactly.

What is in them: the mask (a number for each token of a step and each cell), the activations of a step, and a
copy of the largest matrix that lies on the CPU, which a GPU fetches for prompts. The factors were read off
dry runs of models from 0.1 to 70 billion parameters and are right to some percent; they lean to the large
side.
"""

from __future__ import annotations

from app.planning.shape import ModelShape

_FLOAT = 4
_HALF = 2
_STATE_FACTOR = 8  # activations of a recurrent layer, in its inner width


def step_bytes(
    shape: ModelShape, step_tokens: int, cells: int, windowed_cells: int, sequences: int = 1
) -> int:
    """Returns what a device needs that computes whole layers."""
    values = _activations(shape) + max(0, shape.query_width - shape.embedding)
    # A state is there before a step and after it.
    states = 2 * sequences * max((layer.state_bytes for layer in shape.layers), default=0)
    return step_tokens * values * _FLOAT + states + mask_bytes(shape, step_tokens, cells, windowed_cells)


def host_bytes(shape: ModelShape, step_tokens: int, cells: int, windowed_cells: int) -> int:
    """Returns what the CPU needs when GPUs compute all that is large: it still looks up embeddings."""
    return 2 * step_tokens * shape.embedding * _FLOAT + mask_bytes(shape, step_tokens, cells, windowed_cells)


def mask_bytes(shape: ModelShape, step_tokens: int, cells: int, windowed_cells: int) -> int:
    if not shape.cached_layers:
        return 0
    return step_tokens * (cells + (windowed_cells if shape.window_tokens else 0)) * _HALF


def logits_bytes(shape: ModelShape, answers: int) -> int:
    """Returns the size of the buffer that takes logits out, in the host's memory."""
    return answers * shape.vocabulary * _FLOAT


def _activations(shape: ModelShape) -> int:
    embedding = shape.embedding
    dense = 3 * shape.feed_forward + 4 * embedding
    mixed = 2 * shape.experts_used * embedding + shape.feed_forward + 3 * embedding
    state = _STATE_FACTOR * shape.state_width + 2 * embedding if shape.state_width else 0
    return max(dense, mixed if shape.experts else 0, state)

"""LoRA adapters for tiny models: GGUFs with two small random matrices for each matrix they change."""

from __future__ import annotations

from pathlib import Path

import numpy
from gguf import GGUFWriter

from tests.fakes.tiny_models import Shape

RANK = 4


def write_adapter(
    path: Path, shape: Shape, *, architecture: str = "", seed: int = 0, kind: str = "adapter"
) -> Path:
    """Writes an adapter that changes what a model of that shape says, where its thoughts go on."""
    writer = GGUFWriter(path, architecture or shape.architecture)
    writer.add_type(kind)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(RANK))
    draw = numpy.random.default_rng(seed)
    for layer in range(shape.layers):
        name = f"blk.{layer}.ffn_down.weight"
        for part, size in (("a", (RANK, shape.feed_forward)), ("b", (shape.embedding, RANK))):
            writer.add_tensor(f"{name}.lora_{part}", draw.standard_normal(size).astype(numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path

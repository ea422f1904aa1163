"""Writes a tiny model: its header, its vocabulary and random weights that make it worth listening to."""

from __future__ import annotations

import zlib
from pathlib import Path

import gguf
import numpy
from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType

from tests.fakes.tiny_models.architectures import ARCHITECTURES
from tests.fakes.tiny_models.shape import Shape
from tests.fakes.tiny_models.tensors import Tensor, matrix
from tests.fakes.tiny_models.vocabulary import END, PAD, Vocabulary, vocabulary

# The spread of the logits: the best of a thousand is then about one ahead of the next.
LOGITS = 4.0
QUIET = 0.02
# The end's logit is spread wider than the others': it is the best of them once in about a hundred tokens.
ENDS = 1.5


def write(shape: Shape, path: Path) -> None:
    words = vocabulary(shape.vocabulary)
    items, tensors = ARCHITECTURES[shape.architecture](shape)
    writer = GGUFWriter(path, shape.architecture)
    _header(writer, shape, items)
    _tokenizer(writer, words, shape.template)
    for tensor in [*_ends(shape), *tensors]:
        _add(writer, shape, tensor, words)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _header(writer: GGUFWriter, shape: Shape, items: dict[str, object]) -> None:
    writer.add_name(f"Tiny {shape.architecture}")
    writer.add_file_type(LlamaFileType[f"{'ALL' if shape.weights == 'F32' else 'MOSTLY'}_{shape.weights}"])
    writer.add_block_count(shape.layers)
    writer.add_context_length(shape.trained)
    writer.add_embedding_length(shape.embedding)
    for key, value in items.items():
        _put(writer, f"{shape.architecture}.{key}", value)


def _put(writer: GGUFWriter, key: str, value: object) -> None:
    if isinstance(value, list):
        writer.add_array(key, value)
    elif isinstance(value, bool):
        writer.add_bool(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    else:
        writer.add_uint32(key, value)


def _tokenizer(writer: GGUFWriter, words: Vocabulary, template: str | None) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(words.tokens)
    writer.add_token_types(words.kinds)
    writer.add_token_merges(words.merges)
    writer.add_eos_token_id(words.id(END))
    writer.add_pad_token_id(words.id(PAD))
    writer.add_add_bos_token(False)
    if template is not None:
        writer.add_chat_template(template)


def _ends(shape: Shape) -> list[Tensor]:
    """The embedding, and the output unless the embedding is used once more."""
    sizes = (shape.vocabulary, shape.embedding)
    if shape.is_tied:
        return [matrix("token_embd", *sizes, gain=LOGITS)]
    return [matrix("token_embd", *sizes, gain=shape.embedding**0.5), matrix("output", *sizes, gain=LOGITS)]


def _add(writer: GGUFWriter, shape: Shape, tensor: Tensor, words: Vocabulary) -> None:
    seed = zlib.crc32(f"{shape.seed} {shape.architecture} {tensor.name}".encode())
    values = tensor.values(numpy.random.default_rng(seed))
    if tensor.name == ("token_embd.weight" if shape.is_tied else "output.weight"):
        # A small row gives a logit near zero, and the best of the others is always above that.
        values[words.silent] *= numpy.float32(QUIET)
        if shape.may_end:
            values[words.id(END)] *= numpy.float32(ENDS / QUIET)
    kind = _kind(shape, tensor)
    writer.add_tensor(tensor.name, gguf.quantize(values, kind), raw_dtype=kind)


def _kind(shape: Shape, tensor: Tensor) -> GGMLQuantizationType:
    if not tensor.is_matrix:
        return GGMLQuantizationType.F32
    kind = GGMLQuantizationType[shape.weights]
    is_whole = tensor.shape[-1] % gguf.GGML_QUANT_SIZES[kind][0] == 0
    return kind if is_whole else GGMLQuantizationType.F16  # as llama.cpp's own quantizer does

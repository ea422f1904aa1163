"""A model's shape, from its header."""

from __future__ import annotations

import msgspec
import pytest

from app.models.gguf import read_header
from app.planning.shape import row_bytes, shape_of
from tests.fakes.published import SHAPES, published
from tests.fakes.tiny_models import ARCHITECTURES, tiny_model


@pytest.mark.parametrize("name", SHAPES)
def test_published_shapes(name):
    given, shape = SHAPES[name], shape_of([published(name)])
    assert len(shape.layers) == given.layers
    assert (shape.embedding, shape.vocabulary) == (given.embedding, given.vocabulary)
    assert {layer.key_width for layer in shape.layers} == {given.kv_heads * given.head}
    assert shape.cached_layers == given.layers
    assert bool(shape.expert_bytes) == bool(given.experts)


def test_the_weights_are_those_of_files_on_the_hub():
    """Within a percent of the published Q4_K_M: 4.68, 8.99 and 19.85 GB, 42.5 GB, 18.6 GB."""
    known = {"r1-qwen-7b": 4.68, "r1-qwen-14b": 8.99, "r1-qwen-32b": 19.85, "r1-llama-70b": 42.5}
    for name, gigabytes in {**known, "qwen3-30b-a3b": 18.6}.items():
        assert shape_of([published(name)]).weight_bytes / 1e9 == pytest.approx(gigabytes, rel=0.01), name


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_all_of_a_file_is_somewhere(architecture):
    header = read_header(tiny_model(architecture))
    assert shape_of([header]).weight_bytes == sum(-(-t.size_bytes // 32) * 32 for t in header.tensors)


def test_shards_are_one_model():
    whole = published("r1-llama-8b")
    first = msgspec.structs.replace(whole, tensors=whole.tensors[:100])
    second = msgspec.structs.replace(whole, tensors=whole.tensors[100:], metadata={})
    assert shape_of([first, second]) == shape_of([whole])


def test_a_header_that_says_little_has_a_shape():
    shape = shape_of([msgspec.structs.replace(published("r1-llama-8b"), metadata={}, tensors=())])
    assert (shape.layers, shape.weight_bytes, shape.vocabulary) == ((), 0, 0)


def test_rows_of_a_quantized_cache():
    assert [row_bytes(kind, 1024) for kind in ("f32", "f16", "q8_0", "q4_0")] == [4096, 2048, 1088, 576]

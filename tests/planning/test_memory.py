"""What is predicted is what is then allocated."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.engine import LoadPlan
from app.engine.wire import Loaded, Measure, Measured
from app.models.gguf import read_header
from app.planning.memory import (
    context_cells,
    kv_bytes,
    layer_places,
    sequences,
    shares,
    step_tokens,
    windowed_cells,
)
from app.planning.shape import shape_of
from tests.engine.worker.childclient import ChildClient
from tests.fakes.published import published
from tests.fakes.tiny_models import ARCHITECTURES, tiny_model
from tests.planning.measured import ALLOWED, allocated, predicted
from tests.realmodels import gemma3, smollm2

MIB = 1024 * 1024
ROUNDING = 12_000  # llama.cpp says MiB with two digits
QWEN = shape_of([published("r1-qwen-14b")])
MIXED = shape_of([published("qwen3-30b-a3b")])


def plan(path: Path | str = "m", **fields: object) -> LoadPlan:
    return LoadPlan(model_id="m", model_path=str(path), **{"threads": 1, **fields})


@pytest.fixture
def child(tmp_path):
    client = ChildClient(tmp_path / "engine.log")
    client.hello(files=(str(smollm2().parent), str(gemma3().parent), str(tiny_model().parent)))
    yield client
    assert client.close() == 0


def check(child: ChildClient, wished: LoadPlan) -> None:
    """Within 3 % in all, and each sort to the digits that are said."""
    before = len(child.frames)
    child.send(Measure(plan=wished))
    measured = child.wait(lambda frame: isinstance(frame, Measured), since=before)
    loaded = child.load(Path(wished.model_path), **_fields(wished))
    assert isinstance(measured, Measured)
    assert isinstance(loaded, Loaded), loaded
    path = Path(wished.model_path)
    said, real = predicted([read_header(path)], wished, measured.buffers), allocated(loaded.model.buffers)
    assert sum(said.values()) == pytest.approx(sum(real.values()), rel=ALLOWED)
    for sort in ("weights", "repacked", "kv"):
        assert said[sort] == pytest.approx(real[sort], abs=ROUNDING), (sort, said, real)
    assert measured.kv_bytes == pytest.approx(real["kv"], abs=ROUNDING)


def _fields(wished: LoadPlan) -> dict[str, object]:
    names = ("context_tokens", "batch_tokens", "kv_type", "memory_map", "slots", "threads", "reference")
    return {name: getattr(wished, name) for name in names}


@pytest.mark.llama
def test_every_kind_of_memory_is_predicted(child):
    for architecture in ARCHITECTURES:
        check(child, plan(tiny_model(architecture, layers=5, window=256), context_tokens=3000))


@pytest.mark.llama
def test_settings_are_followed(child):
    for fields in (
        {"kv_type": "q4_0", "slots": 1},
        {"kv_type": "f32", "memory_map": False, "context_tokens": 600},
        {"reference": True},
        {"context_tokens": 100_000, "slots": 7, "batch_tokens": 1000},
    ):
        check(child, plan(tiny_model("gemma3"), **fields))


@pytest.mark.llama
def test_real_models(child):
    """One with a window in five of six layers, and matrices that the CPU keeps a second copy of."""
    check(child, plan(smollm2()))
    check(child, plan(smollm2(), kv_type="q8_0", context_tokens=8192, batch_tokens=128))
    check(child, plan(gemma3(), context_tokens=8192, slots=2))


def test_a_tied_embedding_counts_again_on_a_gpu():
    tied = shape_of([read_header(tiny_model("llama", tied=True))])
    loose = shape_of([read_header(tiny_model("llama"))])
    on_gpu = plan(gpu_layers=-1, devices=("Vulkan0",))
    assert tied.tied_bytes > 0 == loose.tied_bytes
    assert shares(tied, plan())[0].weights == tied.weight_bytes == loose.weight_bytes - tied.tied_bytes
    assert sum(share.weights for share in shares(tied, on_gpu)) == tied.weight_bytes + tied.tied_bytes
    assert sum(share.weights for share in shares(loose, on_gpu)) == loose.weight_bytes


def test_layers_go_where_llama_cpp_puts_them():
    split = plan(gpu_layers=12, devices=("a", "b"), tensor_split=(8.0, 4.0))
    places = layer_places(QWEN, split)
    assert len(places) == 49
    assert places == (0,) * 37 + (1,) * 8 + (2,) * 4
    assert layer_places(QWEN, plan(gpu_layers=-1, devices=("a",))) == (1,) * 49
    assert layer_places(QWEN, plan(gpu_layers=-1, devices=("a",), reference=True)) == (0,) * 49
    assert layer_places(QWEN, plan(gpu_layers=12)) == (0,) * 49  # on which device, nobody knows yet


def test_experts_on_the_cpu_leave_their_layers_where_they_are():
    everywhere = plan(gpu_layers=-1, devices=("a",))
    moved = plan(gpu_layers=-1, devices=("a",), cpu_expert_layers=10)
    cpu, gpu = shares(MIXED, everywhere)
    cpu_moved, gpu_moved = shares(MIXED, moved)
    experts = sum(layer.experts for layer in MIXED.layers[:10])
    assert experts > 3000 * MIB
    assert (cpu_moved.weights - cpu.weights, gpu.weights - gpu_moved.weights) == (experts, experts)
    assert (gpu_moved.kv, gpu_moved.layers) == (gpu.kv, gpu.layers)


def test_what_a_context_is_made_to_take():
    assert context_cells(plan(context_tokens=3000), QWEN) == 3072
    assert context_cells(plan(context_tokens=999_999), QWEN) == 131_072
    assert sequences(plan(reference=True)) == 1
    assert step_tokens(plan(batch_tokens=7), QWEN) == 32
    assert step_tokens(plan(batch_tokens=512, context_tokens=300), QWEN) == 300
    assert windowed_cells(plan(), QWEN) == 512  # no window, and nobody asks


@given(
    layers=st.integers(0, 60),
    parts=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    experts=st.integers(0, 60),
    context=st.integers(256, 131_072),
)
def test_nothing_is_lost_between_devices(layers, parts, experts, context):
    wished = plan(
        gpu_layers=layers,
        devices=tuple(f"d{index}" for index in range(len(parts))),
        tensor_split=tuple(map(float, parts)),
        cpu_expert_layers=experts,
        context_tokens=context,
    )
    found = shares(MIXED, wished)
    assert sum(share.weights for share in found) == MIXED.weight_bytes
    assert sum(share.kv for share in found) == kv_bytes(MIXED, wished)
    assert sum(share.layers for share in found) == 49
    assert all(share.weights >= 0 for share in found)

"""What is predicted for a GPU, and for what stays beside it on the CPU, is what is then allocated there."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.engine import BufferKind, LoadPlan
from app.engine.wire import Loaded, Measure, Measured
from app.models.gguf import read_header
from app.planning.facts import computed_bytes
from app.planning.memory import shares
from app.planning.shape import shape_of
from tests.engine.worker.childclient import ChildClient
from tests.fakes.tiny_models import tiny_model
from tests.planning.measured import ALLOWED

DIGITS = 12_000  # llama.cpp says MiB with two digits
PLACEMENTS = (
    {"gpu_layers": -1},
    {"gpu_layers": 4},
    {"gpu_layers": 9, "cpu_expert_layers": 5},
    {"gpu_layers": 1, "kv_type": "q8_0"},
)


@pytest.mark.gpu
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("architecture", ["qwen3moe", "llama", "gemma3", "deepseek2", "qwen35"])
def test_both_sides_are_predicted(tmp_path, architecture):
    path = tiny_model(architecture, layers=8, embedding=256, vocabulary=4096)
    shape = shape_of([read_header(path)])
    client = ChildClient(tmp_path / "engine.log", {"GGML_VK_VISIBLE_DEVICES": "0"})
    (tmp_path / "drivers").mkdir()
    try:
        devices = client.hello(driver_cache=str(tmp_path / "drivers")).devices
        gpu = next(device.name for device in devices if device.kind in {"gpu", "igpu"})
        for fields in PLACEMENTS:
            plan = LoadPlan(
                model_id="m", model_path=str(path), devices=(gpu,), threads=1, memory_map=False, **fields
            )
            if plan.kv_type == "f16" or shape.head_values % 32 == 0:
                compare(client, plan, shape, gpu)
    finally:
        client.close(60)


def compare(client: ChildClient, plan: LoadPlan, shape: object, gpu: str) -> None:
    before = len(client.frames)
    client.send(Measure(plan=plan))
    measured = client.wait(lambda frame: isinstance(frame, Measured), since=before)
    names = set(plan.__struct_fields__) - {"model_id", "model_path"}
    loaded = client.load(Path(plan.model_path), **{name: getattr(plan, name) for name in names})
    assert isinstance(measured, Measured)
    assert isinstance(loaded, Loaded), loaded
    real = loaded.model.buffers
    for share in shares(shape, plan):
        mine = {b.kind: b.size_bytes for b in real if b.device == share.device}
        assert share.weights == pytest.approx(mine.get(BufferKind.WEIGHTS, 0), abs=DIGITS), (plan, share)
        assert share.kv == pytest.approx(mine.get(BufferKind.KV, 0), abs=DIGITS), (plan, share)
        said = share.weights + share.kv + computed_bytes(measured.buffers, share.device)
        assert said == pytest.approx(sum(mine.values()), rel=ALLOWED), (plan, share)

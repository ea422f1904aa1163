"""A hundred random models, machines and settings: what is planned is what llama.cpp itself reckons."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from app.domain.engine import BufferKind, LoadPlan
from app.domain.model import ModelOptions
from app.engine.dryrun import write_hollow
from app.engine.wire import Measure, Measured
from app.models.gguf import GgufHeader, read_header
from app.planning.memory import kv_bytes, shares
from app.planning.placement import search
from app.planning.shape import shape_of
from tests.engine.worker.childclient import ChildClient
from tests.fakes.published import SHAPES, hollow_bytes, published
from tests.fakes.tiny_models import ARCHITECTURES, tiny_model
from tests.planning.measured import taken
from tests.planning.tables import TABLES, machine

TRIPLES = 100
DIGITS = 12_000  # bytes that are lost in what llama.cpp says of each cache
LARGE_CONTEXT = 65_536

Found = tuple[str, Path, GgufHeader]


def models(folder: Path) -> list[Found]:
    found: list[Found] = []
    for name, shape in SHAPES.items():
        write_hollow(folder / f"{name}.gguf", *hollow_bytes(shape))
        found.append((name, folder / f"{name}.gguf", published(name)))
    for architecture in ARCHITECTURES:
        path = tiny_model(architecture, window=500)
        found.append((architecture, path, read_header(path)))
    return found


def options(chance: random.Random, head_values: int) -> ModelOptions:
    caches = ("f16", "q8_0", "q4_0", None) if head_values % 32 == 0 else ("f16", None)
    return ModelOptions(
        context_tokens=chance.choice((None, chance.randrange(256, LARGE_CONTEXT))),
        kv_type=chance.choice(caches),
        batch_tokens=chance.choice((None, 32, 100, 512, 2048)),
    )


@pytest.mark.slow
@pytest.mark.llama
def test_a_hundred_plans_are_what_a_dry_run_says(tmp_path):
    chance = random.Random(6)
    every = models(tmp_path)
    client = ChildClient(tmp_path / "engine.log")
    client.hello(files=(str(tmp_path), str(tiny_model().parent)))
    try:
        for _ in range(TRIPLES):
            compare(client, chance, *chance.choice(every))
    finally:
        client.close()


def compare(client: ChildClient, chance: random.Random, name: str, path: Path, header: GgufHeader) -> None:
    shape = shape_of([header])
    on = machine(TABLES[chance.choice(sorted(TABLES))], chance.choice((8, 16, 32, 64)))
    wished = LoadPlan(model_id=name, model_path=str(path), slots=chance.choice((1, 2, 4, 8)), threads=1)
    plan = search(shape, wished, options(chance, shape.head_values), on).plan
    # The cards are on paper: what they would hold is held by the CPU here, the sum is the same.
    here = msgspec.structs.replace(plan, gpu_layers=0, devices=(), tensor_split=(), cpu_expert_layers=0)
    before = len(client.frames)
    client.send(Measure(plan=here))
    measured = client.wait(lambda frame: isinstance(frame, Measured), since=before)
    assert isinstance(measured, Measured)
    said = (name, here)
    assert sum(share.kv for share in shares(shape, plan)) == kv_bytes(shape, plan), said
    assert kv_bytes(shape, plan) == pytest.approx(measured.kv_bytes, abs=3 * DIGITS), said
    estimate = shares(shape, here)[0].compute
    real = taken(measured.buffers, BufferKind.COMPUTE, BufferKind.OUTPUT)
    assert 0.95 * real - DIGITS <= estimate <= 1.5 * real + DIGITS, said

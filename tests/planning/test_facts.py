"""A plan in facts."""

from __future__ import annotations

import msgspec
import pytest

from app.domain.engine import Buffer, BufferKind, Device
from app.domain.model import ModelOptions
from app.domain.placement import Limit, Placement
from app.planning.facts import placement_of
from app.planning.placement import search
from app.planning.shape import shape_of
from tests.fakes.published import SHAPES, published
from tests.planning.tables import TABLES, WISHED, machine

SHAPE = {name: shape_of([published(name)]) for name in SHAPES}
MIB = 1024 * 1024


def facts(model: str, table: tuple[Device, ...], measured: object = None, **options: object) -> Placement:
    chosen, on = ModelOptions(**options), machine(table)
    result = search(SHAPE[model], WISHED, chosen, on)
    return placement_of(model, SHAPE[model], result, chosen, on, measured)


@pytest.mark.parametrize(
    ("table", "options", "limit"),
    [
        ("24 GB", {}, Limit.NOTHING),
        ("8 GB", {}, Limit.GPU_MEMORY),
        ("none", {}, Limit.NO_GPU),
        ("software", {}, Limit.SOFTWARE_GPU),
        ("24 GB", {"gpu_layers": 3}, Limit.CHOSEN),
        ("24 GB", {"gpu_layers": 0}, Limit.CHOSEN),
        ("24 GB", {"gpu_layers": -1}, Limit.NOTHING),
    ],
)
def test_why_not_more(table, options, limit):
    found = facts("r1-qwen-14b", TABLES[table], **options)
    assert found.limit is limit
    assert (found.missing_bytes > 0) == (limit is Limit.GPU_MEMORY)


def test_a_card_slower_than_the_processor_is_left_alone():
    shape, on = SHAPE["r1-qwen-7b"], machine(TABLES["24 GB"])
    slow = msgspec.structs.replace(on, bandwidths={"G0": 1e9, "CPU": 5e10})
    result = search(shape, WISHED, ModelOptions(), slow)
    found = placement_of("m", shape, result, ModelOptions(), slow)
    assert (found.gpu_layers, found.limit) == (0, Limit.SLOWER)


def test_shares_add_up():
    found = facts("qwen3-30b-a3b", TABLES["12 + 8 GB"])
    assert [share.device for share in found.shares] == ["CPU", "G1", "G0"]
    assert sum(share.layers for share in found.shares) == found.all_layers == 49
    assert sum(share.weights_bytes for share in found.shares) == SHAPE["qwen3-30b-a3b"].weight_bytes
    assert (found.expert_layers, found.cpu_expert_layers) == (48, 5)
    for share in found.shares:
        assert share.used_bytes <= share.free_bytes - share.kept_bytes < share.total_bytes
    assert 0 < found.low_tokens_s < found.high_tokens_s


def test_what_a_dry_run_said_replaces_the_estimate():
    buffers = (
        Buffer(device="CPU", kind=BufferKind.COMPUTE, size_bytes=7 * MIB),
        Buffer(device="CPU", kind=BufferKind.OUTPUT, size_bytes=MIB),
        Buffer(device="CPU", kind=BufferKind.WEIGHTS, size_bytes=0),
    )
    assert not facts("r1-qwen-7b", ()).is_measured
    found = facts("r1-qwen-7b", (), buffers)
    assert found.is_measured
    assert found.shares[0].compute_bytes == 8 * MIB


def test_of_what_does_not_fit_no_speed_is_said():
    found = facts("r1-llama-70b", ())
    assert (found.fits, found.low_tokens_s, found.high_tokens_s) == (False, 0, 0)

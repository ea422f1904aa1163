"""What runs where, by its size."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.catalogue import Verdict
from app.domain.engine import Device
from app.finding.fit import bytes_a_token, fit
from app.planning.plan import Machine
from tests.domain.test_catalogue import MODEL, SHAPE

GB = 10**9


def machine(memory: float, gpu: float = 0, kind: str = "gpu") -> Machine:
    devices = (Device(name="GPU0", kind=kind, free_bytes=int(gpu * GB), total_bytes=int(gpu * GB)),)
    return Machine(devices=devices if gpu else (), memory_bytes=int(memory * GB))


@pytest.mark.parametrize(
    ("size", "on", "verdict"),
    [
        (5, machine(16, 12), Verdict.GPU),
        (20, machine(64, 12), Verdict.PARTLY_GPU),
        (20, machine(16, 12), Verdict.PARTLY_GPU),  # both together have room
        (200, machine(64, 24), Verdict.TOO_LARGE),
        (5, machine(16), Verdict.CPU),
        (5, machine(6), Verdict.TOO_LARGE),
        (5, machine(16, 2, "igpu"), Verdict.CPU),  # its memory is the machine's own
    ],
)
def test_where_a_model_runs(size: float, on: Machine, verdict: Verdict):
    assert fit(size * GB, SHAPE, on).verdict is verdict


def test_a_cache_of_fewer_heads_needs_less():
    lean = msgspec.structs.replace(SHAPE, kv_heads=2)
    assert fit(5 * GB, lean, machine(64)).needs_bytes < fit(5 * GB, SHAPE, machine(64)).needs_bytes


def test_what_others_use_just_now_does_not_count():
    busy = msgspec.structs.replace(machine(16), available_bytes=2 * GB)
    assert fit(5 * GB, SHAPE, busy).verdict is Verdict.CPU


def test_what_it_needs_is_more_than_its_file():
    found = fit(5 * GB, SHAPE, machine(64))
    assert 5.5 * GB < found.needs_bytes < 7 * GB
    assert fit(5 * GB, None, machine(64)).verdict is Verdict.CPU


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 500), st.integers(1, 500), st.integers(1, 256), st.integers(0, 96))
def test_a_smaller_file_never_fits_worse(first: int, second: int, memory: int, gpu: int):
    order = list(Verdict)
    small, large = sorted((first, second))
    on = machine(memory, gpu)
    assert order.index(fit(small * GB, SHAPE, on).verdict) <= order.index(fit(large * GB, SHAPE, on).verdict)


def test_a_mixture_of_experts_reads_only_those_at_work():
    shape = msgspec.structs.replace(SHAPE, active_parameters=SHAPE.parameters // 8)
    mixture = msgspec.structs.replace(MODEL, shape=shape)
    assert bytes_a_token(mixture, 8 * GB) == GB
    assert bytes_a_token(MODEL, 8 * GB) == 8 * GB

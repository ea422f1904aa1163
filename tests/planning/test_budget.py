"""Which devices may be used, and how much of each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.engine import Device
from app.planning.budget import KEPT_ON_GPU, gpu_budgets, is_software, ram_budget
from tests.planning.tables import GIB, card

CPU = Device(name="CPU", description="Ryzen", total_bytes=32 * GIB, free_bytes=32 * GIB)


def names(devices: tuple[Device, ...], chosen: tuple[str, ...] | None = None, **paces: float) -> list[str]:
    return [budget.device.name for budget in gpu_budgets(devices, chosen, paces)]


def test_cards_go_before_integrated_and_the_fast_before_the_slow():
    cards = (card("I", 30, "igpu"), card("A", 8), card("B", 12), CPU)
    assert names(cards) == ["B", "A"]
    assert names(cards, A=9e11, B=1e11) == ["A", "B"]
    assert names(cards[:1]) == ["I"]
    assert gpu_budgets(cards[:1], None, {})[0].is_shared


def test_a_choice_is_followed_in_its_order():
    cards = (card("I", 30, "igpu"), card("A", 8), card("B", 12), CPU)
    assert names(cards, ("A", "I", "CPU", "gone")) == ["A", "I"]


@pytest.mark.parametrize(
    "description", ["llvmpipe (LLVM 15.0.6, 256 bits)", "SwiftShader Device", "Microsoft Basic Render Driver"]
)
def test_software_is_no_card(description):
    device = card("Vulkan0", 64, description=description)
    assert is_software(device)
    assert names((device,)) == []
    assert names((device,), ("Vulkan0",)) == ["Vulkan0"]
    (budget,) = gpu_budgets((device,), ("Vulkan0",), {})
    assert budget.bandwidth < ram_budget((CPU,), GIB, 0, {}).bandwidth


@given(st.integers(0, 2**40))
def test_something_is_kept_free(free):
    (budget,) = gpu_budgets((Device(name="G", kind="gpu", free_bytes=free),), None, {})
    assert 0 <= budget.bytes <= max(0, free - KEPT_ON_GPU)
    ram = ram_budget((CPU,), free, 0, {})
    assert ram.bytes >= 0
    assert ram.bytes < free or not free


def test_ram_that_nobody_knows_is_no_limit():
    assert ram_budget((), 0, 0, {}).bytes > 2**60


def test_what_others_use_of_ram_is_theirs():
    ram = ram_budget((CPU,), 32 * GIB, 8 * GIB, {})
    assert (ram.device.total_bytes, ram.device.free_bytes) == (32 * GIB, 8 * GIB)
    assert (ram.bytes, ram.device.description) == (7 * GIB, "Ryzen")

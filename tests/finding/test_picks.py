"""Three recommendations that a person with this machine is glad of."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.catalogue import Offer, Role, Verdict
from app.finding.fit import bytes_a_token
from app.finding.picks import offers
from app.models.catalogue import catalogue
from app.planning.plan import Machine
from tests.finding.test_fit import machine


def picked(on: Machine) -> dict[str, str]:
    return {offer.role.value: offer.model.name for offer in offers(catalogue().models, on) if offer.role}


@pytest.mark.parametrize(
    ("on", "names"),
    [
        (
            machine(32, 24),  # a large card
            ("DeepSeek-R1-0528-Qwen3-8B", "DeepSeek-R1-Distill-Qwen-14B", "DeepSeek-R1-Distill-Qwen-32B"),
        ),
        (
            machine(32, 8),  # the usual card
            (
                "DeepSeek-R1-Distill-Qwen-1.5B",
                "DeepSeek-R1-Distill-Qwen-7B",
                "DeepSeek-R1-0528-Qwen3-8B",
            ),
        ),
        (
            machine(16),  # a laptop without one
            (
                "DeepSeek-R1-Distill-Qwen-1.5B",
                "DeepSeek-R1-Distill-Qwen-7B",
                "DeepSeek-R1-0528-Qwen3-8B",
            ),
        ),
    ],
)
def test_deepseek_comes_first(on: Machine, names: tuple[str, ...]):
    assert picked(on) == dict(zip(("fast", "balanced", "best"), names, strict=True))


def test_a_small_machine_gets_small_ones_of_others_too():
    found = picked(machine(3))
    assert len(set(found.values())) == 3
    assert "DeepSeek-R1-Distill-Qwen-1.5B" in found.values()


def test_a_machine_without_room_gets_none_and_is_told():
    found = offers(catalogue().models, machine(0.1))
    assert not any(offer.role for offer in found)
    assert {offer.fit.verdict for offer in found} == {Verdict.TOO_LARGE}


def test_the_big_one_says_honestly_what_it_needs():
    found = {offer.model.name: offer for offer in offers(catalogue().models, machine(64, 24))}
    flash = found["DeepSeek-V4-Flash"]
    assert flash.fit.verdict is Verdict.TOO_LARGE
    assert flash.fit.needs_bytes > flash.size_bytes > 150_000_000_000


def _load(offer: Offer) -> int:
    return bytes_a_token(offer.model, offer.size_bytes)


@settings(max_examples=30, deadline=None)  # each plans every model
@given(st.floats(0, 512), st.floats(0, 128), st.integers(1, 6))
def test_whatever_the_machine_three_go_up_and_none_is_lost(memory: float, gpu: float, step: int):
    some = catalogue().models[::step][:8]
    found = offers(some, machine(memory, gpu))
    assert sorted(offer.model.repo for offer in found) == sorted(model.repo for model in some)
    chosen = [offer for offer in found if offer.role]
    assert list(found[: len(chosen)]) == chosen
    assert [offer.role for offer in chosen] == [role for role in Role if role in {o.role for o in chosen}]
    assert [_load(offer) for offer in chosen] == sorted(_load(offer) for offer in chosen)
    assert all(offer.fit.verdict is not Verdict.TOO_LARGE for offer in chosen)

"""A plan in the window's words."""

from __future__ import annotations

import pytest

from app.domain.placement import DeviceShare, Limit, Placement
from ui.texts.placement import placement_text, why_text

GB = 10**9
CPU = DeviceShare(device="CPU", layers=9)
CARD = DeviceShare(
    device="Vulkan0",
    description="RTX 3060",
    kind="gpu",
    layers=31,
    weights_bytes=9 * GB,
    total_bytes=12 * GB,
    free_bytes=11 * GB,
    kept_bytes=1_100_000_000,
)


def placement(**fields: object) -> Placement:
    usual = {
        "gpu_layers": 31,
        "all_layers": 40,
        "shares": (CPU, CARD),
        "low_tokens_s": 9.2,
        "high_tokens_s": 12.3,
    }
    return Placement(model_id="m", **{**usual, **fields})


@pytest.fixture
def language(language):
    yield language
    language.choose("en")


def test_most_of_it_on_a_card(language):
    language.choose("en")
    assert placement_text(placement()) == (
        "31 of 40 layers on RTX 3060: 12.0 GB card, 1.1 GB kept free for the desktop; about 9-12 tokens/s"
    )
    language.choose("vi")
    assert placement_text(placement()) == (
        "31/40 lớp trên RTX 3060: card 12,0 GB, giữ trống 1,1 GB cho màn hình; khoảng 9-12 token/giây"
    )


def test_two_cards_and_experts(language):
    language.choose("en")
    two = placement(shares=(CPU, CARD, CARD), cpu_expert_layers=5, low_tokens_s=0.8, high_tokens_s=1.5)
    assert placement_text(two) == (
        "31 of 40 layers on RTX 3060 and RTX 3060, the experts of 5 on the processor; about 0.8-1.5 tokens/s"
    )
    assert placement_text(placement(shares=(CPU,), high_tokens_s=0.0)) == "All of it on the processor"


@pytest.mark.parametrize("limit", Limit)
def test_every_limit_is_worded(language, limit):
    language.choose("en")
    assert bool(why_text(placement(limit=limit, missing_bytes=GB))) == (limit is not Limit.NOTHING)


def test_what_does_not_fit(language):
    language.choose("en")
    assert "very slow" in why_text(placement(fits=False))
    full = DeviceShare(device="V", kind="gpu", layers=3, weights_bytes=1)
    assert "too little memory" in why_text(placement(fits=False, shares=(CPU, full)))

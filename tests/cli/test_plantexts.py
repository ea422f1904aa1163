"""A plan in words."""

from __future__ import annotations

import pytest

from app.cli.plantexts import LIMITS, lines, where, why
from app.domain.placement import DeviceShare, Limit, Placement

GB = 10**9
CPU = DeviceShare(device="CPU", description="Ryzen", layers=9, weights_bytes=2 * GB, total_bytes=32 * GB)
CARD = DeviceShare(
    device="Vulkan0",
    description="RTX 3060",
    kind="gpu",
    layers=31,
    weights_bytes=8 * GB,
    kv_bytes=GB,
    compute_bytes=GB // 5,
    total_bytes=12 * GB,
    free_bytes=11 * GB,
    kept_bytes=GB + GB // 10,
)
PARTLY = Placement(
    model_id="m",
    context_tokens=8192,
    gpu_layers=31,
    all_layers=40,
    shares=(CPU, CARD),
    low_tokens_s=9.1,
    high_tokens_s=12.4,
    limit=Limit.GPU_MEMORY,
    missing_bytes=2 * GB,
    is_measured=True,
)


def changed(**fields: object) -> Placement:
    return Placement(**{**{name: getattr(PARTLY, name) for name in PARTLY.__struct_fields__}, **fields})


def test_a_card_that_takes_most_of_it():
    first, _cpu, card, settings, reason = lines(PARTLY, "DeepSeek")
    assert first == "DeepSeek: 31 of 40 layers on RTX 3060; about 9-12 tokens/s"
    assert card == (
        "  Vulkan0: 9.2 GB of 12.0 GB (8.0 GB weights, 1.0 GB KV cache, 200.0 MB compute); 1.1 GB kept free"
    )
    assert settings == "  context 8192 tokens, KV cache f16, prompts in steps of 512"
    assert reason.startswith("Not more, because 2.0 GB of GPU memory are missing")


def test_two_cards_and_experts_on_the_processor():
    both = changed(shares=(CPU, CARD, CARD), cpu_expert_layers=7)
    assert where(both) == "31 of 40 layers on RTX 3060 and RTX 3060, the experts of 7 on the processor"


@pytest.mark.parametrize("limit", Limit)
def test_every_limit_is_worded(limit):
    assert why(changed(limit=limit)) == LIMITS[limit].format(missing="2.0 GB")
    assert bool(LIMITS[limit]) == (limit is not Limit.NOTHING)


def test_what_does_not_fit():
    assert "the disk" in why(changed(fits=False))
    over = changed(fits=False, shares=(CPU, DeviceShare(device="V", kind="gpu", weights_bytes=1)))
    assert "will fail" in why(over)


def test_slow_unknown_and_estimated():
    slow = changed(low_tokens_s=0.71, high_tokens_s=1.32, is_measured=False)
    assert "about 0.7-1.3 tokens/s" in lines(slow, "m")[0]
    assert "estimated" in lines(slow, "m")[-1]
    assert "tokens/s" not in lines(changed(low_tokens_s=0.0, high_tokens_s=0.0), "m")[0]
    assert "about 3 tokens/s" in lines(changed(low_tokens_s=2.9, high_tokens_s=3.1), "m")[0]

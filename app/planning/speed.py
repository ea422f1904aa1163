"""How fast a placement answers: each token reads all active weights and the KV cache once, at the pace of
the memory they lie in.

Bandwidths are those usual for a kind of device until one is measured. Knows nothing of prompts, where it is
arithmetic that counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.engine import Device

GB = 10**9
# What decoding really gets out of it, some 0.7 of what is on the box: an RTX 3060 has 360, dual-channel DDR5
# 80.
USUAL_BANDWIDTH = {"gpu": 250 * GB, "igpu": 45 * GB, "cpu": 35 * GB, "accel": 35 * GB}
SOFTWARE_BANDWIDTH = GB  # of a driver that computes on the processor what is meant for a card
STEP_SECONDS = 0.0002  # to start the work of a token on a device, and to hand over to the next
SPREAD = 0.3  # of an answer that rests on what is usual
MEASURED_SPREAD = 0.15
CONTEXT_TOKENS = 2048  # a chat's usual length, whatever the context's


def bandwidth(device: Device, measured: Mapping[str, float]) -> float:
    """Returns bytes a second."""
    return measured.get(device.name) or USUAL_BANDWIDTH.get(device.kind, USUAL_BANDWIDTH["cpu"])


def speed_range(seconds: float, is_measured: bool) -> tuple[float, float]:
    """Returns tokens a second, from and to."""
    if seconds <= 0:
        return 0.0, 0.0
    spread = MEASURED_SPREAD if is_measured else SPREAD
    return (1 - spread) / seconds, (1 + spread) / seconds

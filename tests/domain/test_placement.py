from __future__ import annotations

from app.domain.placement import DeviceShare, Limit, Placement
from app.domain.value import from_json, to_json


def test_a_share_is_the_sum_of_its_parts():
    share = DeviceShare(device="CPU", weights_bytes=100, kv_bytes=20, compute_bytes=3)
    assert share.used_bytes == 123


def test_a_placement_survives_the_socket():
    placement = Placement(model_id="m", shares=(DeviceShare(device="CPU"),), limit=Limit.NO_GPU, fits=False)
    assert from_json(to_json(placement), Placement) == placement

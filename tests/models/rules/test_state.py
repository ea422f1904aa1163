"""Recurrent layers: sizes that graphs divide by."""

from __future__ import annotations

import pytest

from tests.models.rules.drafts import number, refused


@pytest.mark.parametrize(
    ("architecture", "key", "value", "allowed"),
    [
        ("mamba2", "ssm.time_step_rank", 0, "256 / n"),
        ("mamba2", "ssm.time_step_rank", 7, "256 / n"),
        ("mamba2", "ssm.group_count", 3, "256 / n"),
        ("falcon-h1", "ssm.time_step_rank", 7, "256 / n"),
        ("qwen35", "ssm.inner_size", 64, "128"),
        ("qwen35", "ssm.inner_size", 127, ""),
        ("qwen35", "ssm.group_count", 3, "4 / n"),
        ("qwen35", "ssm.group_count", 0, "4 / n"),
        ("mamba", "ssm.conv_kernel", 0, "2-"),
        ("lfm2", "shortconv.l_cache", 1, "2-"),
    ],
)
def test_a_state_is_divided_without_a_rest(tmp_path, architecture, key, value, allowed):
    fault = refused(tmp_path, number(f"{architecture}.{key}", value), architecture)
    assert fault is not None
    assert fault[0] == "number"
    assert not allowed or fault[1] == f"{architecture}.{key} = {value} ({allowed})"

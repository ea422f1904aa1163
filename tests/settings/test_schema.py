from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.notice import Fact, NoticeCode
from app.domain.value import from_json, to_json
from app.errors import KnownError
from app.settings.schema import BY_KEY, SETTINGS, Kind, Setting

ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.lists(st.integers())
)
settings_of_all_kinds = st.sampled_from(SETTINGS)


def refused(check: Callable[[Any], Fact], value: object) -> bool:
    try:
        check(value)
    except KnownError as error:
        return error.notice.code is NoticeCode.SETTING_INVALID
    return False


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_each_setting_has_a_group_a_name_and_a_legal_default(setting: Setting):
    assert setting.key == f"{setting.group}.{setting.name}"
    assert setting.check(setting.default) == setting.default
    assert setting.text_id.replace("-", "").isalnum()
    assert BY_KEY[setting.key] is setting


def test_no_two_settings_share_a_key_or_a_text():
    assert len(BY_KEY) == len(SETTINGS) == len({setting.text_id for setting in SETTINGS})


@given(settings_of_all_kinds, ANYTHING)
def test_a_value_is_kept_as_it_can_be_stored_or_refused(setting: Setting, value: object):
    if not refused(setting.check, value):
        kept = setting.check(value)
        assert setting.check(kept) == kept
        assert type(kept) is {"text": str, "whole": int, "number": float, "switch": bool}[setting.kind.value]
        assert from_json(to_json(kept), type(kept)) == kept


@given(settings_of_all_kinds, st.text())
def test_what_is_typed_is_parsed_or_refused(setting: Setting, text: str):
    if not refused(setting.parse, text):
        kept = setting.parse(text)
        assert setting.check(kept) == kept


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("sampling.temperature", "0.7", 0.7),
        ("sampling.temperature", "1", 1.0),
        ("sampling.top_k", " 40 ", 40),
        ("network.offline", "On", True),
        ("network.offline", "no", False),
        ("appearance.theme", "dark", "dark"),
    ],
)
def test_parses_what_is_typed(key: str, text: str, value: object):
    parsed = BY_KEY[key].parse(text)
    assert (parsed, type(parsed)) == (value, type(value))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sampling.temperature", -0.1),
        ("sampling.temperature", 5.1),
        ("sampling.temperature", math.nan),
        ("sampling.temperature", math.inf),
        ("sampling.temperature", True),
        ("sampling.top_k", 1.0),
        ("sampling.top_k", "40"),
        ("sampling.top_k", 10**400),
        ("network.offline", 1),
        ("appearance.theme", "pink"),
        ("models.default", "half \ud83d"),
    ],
)
def test_refuses_what_is_out_of_range(key: str, value: object):
    assert refused(BY_KEY[key].check, value)


def test_a_refusal_names_the_key_and_what_was_typed():
    with pytest.raises(KnownError) as raised:
        BY_KEY["sampling.top_k"].parse("forty")
    assert raised.value.notice.facts == {"key": "sampling.top_k", "value": "forty"}


def test_a_number_without_a_range_is_still_one_that_json_can_carry():
    free = Setting(key="a.b", kind=Kind.WHOLE, default=0)
    assert free.check(2**53) == 2**53
    assert refused(free.check, 2**53 + 1)
    assert refused(free.check, -(2**53) - 1)

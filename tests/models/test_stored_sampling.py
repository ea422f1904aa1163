from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from app.domain.generation import Sampling
from app.domain.samplers import fault
from app.models.stored_sampling import stored_sampling


def test_a_file_that_says_nothing_chooses_nothing() -> None:
    assert stored_sampling({"general.name": "x", "general.sampling": 1}) == Sampling()


def test_what_a_file_says() -> None:
    found = stored_sampling(
        {
            "general.sampling.temp": 0.6000000238418579,  # as 32-bit floats come
            "general.sampling.top_k": 20,
            "general.sampling.top_p": 0.95,
            "general.sampling.penalty_repeat": 1.1,
            "general.sampling.mirostat": 2,
            "general.sampling.sequence": "top_k;temp;made_up",
        }
    )
    assert found == Sampling(
        temperature=0.6,
        top_k=20,
        top_p=0.95,
        repeat_penalty=1.1,
        mirostat=2,
        order=("top_k", "temperature"),
    )


def test_minus_one_is_all_of_them() -> None:
    assert stored_sampling({"general.sampling.top_k": -1}).top_k == 0


values = st.floats() | st.integers() | st.text(max_size=5) | st.booleans() | st.just((1, 2))


@given(
    st.dictionaries(
        st.sampled_from(["temp", "top_k", "top_p", "mirostat", "penalty_last_n", "sequence", "min_p"]), values
    )
)
def test_whatever_a_file_says_is_sound_or_not_said(said: dict[str, object]) -> None:
    found = stored_sampling({f"general.sampling.{key}": value for key, value in said.items()})
    assert fault(found) is None


def test_nonsense_is_not_said() -> None:
    assert stored_sampling({"general.sampling.temp": math.nan, "general.sampling.top_k": "x"}) == Sampling()

from __future__ import annotations

import pytest

from app.domain.generation import Sampling
from app.models.recommended import Recommended, recommended_for


@pytest.mark.parametrize("name", ["SmolLM2-135M-Instruct", "SmolLM2 135M Instruct"])
def test_the_starter_gets_a_prompt_that_it_understands(name: str) -> None:
    assert recommended_for(name).system_prompt == "You are a helpful assistant."
    assert recommended_for(name).sampling == Sampling(temperature=0.0)


@pytest.mark.parametrize("name", ["DeepSeek-R1-Distill-Qwen-7B", "DeepSeek_R1-0528-Qwen3-8B"])
def test_deepseek_r1_reasons_at_its_makers_temperature_without_a_system_prompt(name: str) -> None:
    assert recommended_for(name) == Recommended(sampling=Sampling(temperature=0.6, top_p=0.95))


def test_gemma_samples_as_google_says() -> None:
    assert recommended_for("gemma-4-E4B-it").sampling.top_k == 64


def test_others_keep_the_usual() -> None:
    assert recommended_for("Qwen3-8B") == Recommended()

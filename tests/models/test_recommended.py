from __future__ import annotations

from app.models.recommended import system_prompt_for


def test_the_starter_gets_a_prompt_that_it_understands_and_others_keep_their_own() -> None:
    assert system_prompt_for("SmolLM2-135M-Instruct") == "You are a helpful assistant."
    assert system_prompt_for("SmolLM2 135M Instruct") == "You are a helpful assistant."
    assert system_prompt_for("DeepSeek-R1-Distill-Qwen-7B") == ""

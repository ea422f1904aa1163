"""What is known to suit a model better than its own defaults. A table, until there is a catalogue.

SmolLM2-135M-Instruct: its template's own system prompt ("You are a helpful AI assistant named SmolLM, trained
by Hugging Face") makes the 4-bit model answer plain questions in made-up French; with this one "What is the
capital of France?" gives "The capital of France is Paris." on every CPU variant tried.
"""

from __future__ import annotations

_SYSTEM_PROMPTS = (("smollm2-135m", "You are a helpful assistant."),)


def system_prompt_for(name: str) -> str:
    """Returns the system prompt for chats that have none of their own; empty leaves it to the template."""
    plain = name.lower().replace(" ", "-")
    return next((prompt for known, prompt in _SYSTEM_PROMPTS if plain.startswith(known)), "")

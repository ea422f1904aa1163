"""What is known to suit a model better than the usual, where its file does not say. A table, until there is
a catalogue.

SmolLM2-135M-Instruct: its template's own system prompt ("You are a helpful AI assistant named SmolLM, trained
by Hugging Face") makes the 4-bit model answer plain questions in made-up French; with this one "What is the
capital of France?" gives "The capital of France is Paris." on every CPU variant tried. Its model card samples
at temperature 0.2, top-p 0.9.

DeepSeek-R1 and its distills: temperature 0.6, top-p 0.95 and no system prompt, by their model card, which
warns of endless repetition otherwise.
"""

from __future__ import annotations

from app.domain.generation import Sampling
from app.domain.value import Value


class Recommended(Value):
    """For chats that say nothing else. An empty system prompt leaves it to the template."""

    system_prompt: str = ""
    sampling: Sampling = Sampling()


_SMOLLM2 = Recommended(
    system_prompt="You are a helpful assistant.", sampling=Sampling(temperature=0.2, top_p=0.9)
)
_DEEPSEEK_R1 = Recommended(sampling=Sampling(temperature=0.6, top_p=0.95))
_KNOWN = (("smollm2-135m", _SMOLLM2), ("deepseek-r1", _DEEPSEEK_R1))


def recommended_for(name: str) -> Recommended:
    """Returns what suits the model of this name (a file's, a repo's or its own)."""
    plain = name.lower().replace(" ", "-").replace("_", "-")
    return next((known for start, known in _KNOWN if plain.startswith(start)), Recommended())

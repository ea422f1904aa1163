"""What is known to suit a model better than the usual, where its file does not say: its family's, by the
catalogue."""

from __future__ import annotations

from app.domain.generation import Sampling
from app.domain.value import Value
from app.models.catalogue import catalogue


class Recommended(Value):
    """For chats that say nothing else. An empty system prompt leaves it to the template."""

    system_prompt: str = ""
    sampling: Sampling = Sampling()


def recommended_for(name: str) -> Recommended:
    """Returns what suits the model of this name (a file's, a repo's or its own)."""
    family = catalogue().family_of(name)
    if family is None:
        return Recommended()
    return Recommended(system_prompt=family.system_prompt, sampling=family.sampling)

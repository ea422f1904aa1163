"""Models that can be had: those that Cove recommends, and those that a search of the Hub found.

Facts only; words for them are made in ui/texts and cli/texts. Knows no network and no machine.
"""

from __future__ import annotations

from enum import StrEnum

from app.domain.generation import Sampling
from app.domain.value import Value


class GoodAt(StrEnum):
    """What a model is chosen for."""

    CHAT = "chat"
    REASONING = "reasoning"
    MATHEMATICS = "mathematics"
    CODE = "code"
    LANGUAGES = "languages"  # many of them
    VIETNAMESE = "vietnamese"
    LONG_TEXTS = "long-texts"
    SMALL_MACHINES = "small-machines"


class Reasoning(StrEnum):
    """Whether a model thinks before it answers."""

    NEVER = "never"
    SWITCHABLE = "switchable"
    ALWAYS = "always"


class CatalogueShape(Value):
    """What memory and speed follow from. `active_parameters` are those that work on one token: fewer than all
    in a mixture of experts."""

    parameters: int
    active_parameters: int
    layers: int
    kv_heads: int
    head_size: int
    context_tokens: int


class CatalogueModel(Value):
    """A model that Cove recommends. `sizes` are bytes by quant, as of the day the catalogue was checked."""

    repo: str
    family: str
    maker: str
    good_at: tuple[GoodAt, ...]
    languages: tuple[str, ...]
    licence: str
    reasoning: Reasoning
    shape: CatalogueShape
    sizes: dict[str, int]
    sampling: Sampling = Sampling()
    is_gated: bool = False

    @property
    def publisher(self) -> str:
        return self.repo.partition("/")[0]

    @property
    def name(self) -> str:
        return self.repo.partition("/")[2].removesuffix("-GGUF")

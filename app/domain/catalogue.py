"""Models that can be had: those that Cove recommends, and those that a search of the Hub found.

Facts only; words for them are made in ui/texts and cli/texts. Knows no network and no machine.
"""

from __future__ import annotations

import datetime
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


class Verdict(StrEnum):
    """How a model would run on this machine, roughly: by its size, before its header has been read."""

    GPU = "gpu"  # all of it
    PARTLY_GPU = "partly-gpu"
    CPU = "cpu"
    TOO_LARGE = "too-large"


class Role(StrEnum):
    """Why one of three is recommended for this machine."""

    FAST = "fast"
    BALANCED = "balanced"
    BEST = "best"


class Fit(Value):
    """What a model needs here, with a usual context."""

    verdict: Verdict
    needs_bytes: int


class Offer(Value):
    """A model of the catalogue in the quant that would be downloaded, and how it would run here. The three
    that are recommended have a role."""

    model: CatalogueModel
    quant: str
    size_bytes: int
    fit: Fit
    role: Role | None = None


class Selection(Value):
    """The catalogue as it suits a machine, those with a role first; sizes are of the day it was checked."""

    offers: tuple[Offer, ...]
    checked: datetime.date


class HubSort(StrEnum):
    DOWNLOADS = "downloads"
    LIKES = "likes"
    RECENT = "recent"


class HubModel(Value):
    """A repository of GGUF files on the Hub. What the Hub did not say is empty or 0; `quant` and `size_bytes`
    are of what a pull would take."""

    repo: str
    downloads: int = 0
    likes: int = 0
    changed_ms: int = 0
    is_gated: bool = False
    licence: str = ""
    parameters: int = 0
    quants: tuple[str, ...] = ()
    quant: str = ""
    size_bytes: int = 0
    fit: Fit | None = None

"""Which models of the catalogue to recommend on this machine: a fast one, a balanced one and the best.

DeepSeek's distills come first; others fill up where too few of those would run well.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from app.domain.catalogue import CatalogueModel, Offer, Role, Verdict
from app.finding.fit import bytes_a_token, fit
from app.models.catalogue import usual_quant
from app.planning.plan import Machine

FIRST_FAMILY = "deepseek-r1"
# A processor reads 20 to 60 GB/s: below about five tokens a second nobody wants to wait.
_MOST_ON_CPU = 6_000_000_000
_FAST_SHARE, _BALANCED_SHARE = 1 / 3, 2 / 3  # of what the best reads for a token


def offers(models: Sequence[CatalogueModel], machine: Machine) -> tuple[Offer, ...]:
    """Returns all of them: the three that have a role first, fast to best, then the others in their order."""
    plain = [_offer(model, machine) for model in models]
    chosen = _three([offer for offer in plain if _runs_well(offer)])
    with_role = [msgspec.structs.replace(offer, role=role) for role, offer in chosen.items()]
    taken = {offer.model.repo for offer in with_role}
    return (*with_role, *(offer for offer in plain if offer.model.repo not in taken))


def _offer(model: CatalogueModel, machine: Machine) -> Offer:
    quant = usual_quant(model)
    size = model.sizes[quant]
    return Offer(model=model, quant=quant, size_bytes=size, fit=fit(size, model.shape, machine))


def _runs_well(offer: Offer) -> bool:
    if offer.fit.verdict in (Verdict.GPU, Verdict.TOO_LARGE):
        return offer.fit.verdict is Verdict.GPU
    return _load(offer) <= _MOST_ON_CPU


def _three(usable: list[Offer]) -> dict[Role, Offer]:
    """Returns up to three, each a different model."""
    first = [offer for offer in usable if offer.model.family == FIRST_FAMILY]
    others = [offer for offer in usable if offer not in first]
    pool = sorted(first + others[: max(0, len(Role) - len(first))], key=_load)
    if not pool:
        return {}
    best = pool.pop()
    fast = _largest(pool, _FAST_SHARE * _load(best))
    balanced = _largest([offer for offer in pool if offer is not fast], _BALANCED_SHARE * _load(best))
    chosen = sorted((offer for offer in (fast, balanced) if offer is not None), key=_load)
    return {**dict(zip(Role, chosen, strict=False)), Role.BEST: best}


def _largest(pool: list[Offer], limit: float) -> Offer | None:
    """Returns the largest below the limit, or else the smallest there is."""
    within = [offer for offer in pool if _load(offer) <= limit]
    return within[-1] if within else next(iter(pool), None)


def _load(offer: Offer) -> int:
    return bytes_a_token(offer.model, offer.size_bytes)

"""Models that could be had, in the words of the command line."""

from __future__ import annotations

from app.cli.sizes import readable_bytes
from app.domain.catalogue import Fit, GoodAt, Role, Verdict

GOOD_AT: dict[GoodAt, str] = {
    GoodAt.CHAT: "conversation",
    GoodAt.REASONING: "reasoning",
    GoodAt.MATHEMATICS: "mathematics",
    GoodAt.CODE: "code",
    GoodAt.LANGUAGES: "many languages",
    GoodAt.VIETNAMESE: "Vietnamese",
    GoodAt.LONG_TEXTS: "long texts",
    GoodAt.SMALL_MACHINES: "small machines",
}
ROLES: dict[Role, str] = {
    Role.FAST: "recommended: fast",
    Role.BALANCED: "recommended: balanced",
    Role.BEST: "recommended: best",
}
_FITS: dict[Verdict, str] = {
    Verdict.GPU: "on the GPU",
    Verdict.PARTLY_GPU: "partly on the GPU",
    Verdict.CPU: "on the processor",
    Verdict.TOO_LARGE: "too large, needs {needs}",
}


def fit_text(fit: Fit) -> str:
    return _FITS[fit.verdict].format(needs=readable_bytes(fit.needs_bytes))

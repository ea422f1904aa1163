"""Models that could be had, in words."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.domain.catalogue import Fit, GoodAt, Offer, Role, Verdict
from ui.texts.figures import size_text
from ui.texts.states import SEPARATOR

translate = QCoreApplication.translate


def role_text(role: Role) -> str:
    """Why one of three is recommended."""
    if role is Role.FAST:
        return translate("texts", "Fast")
    if role is Role.BALANCED:
        return translate("texts", "Balanced")
    return translate("texts", "Best")


def good_at_text(offer: Offer) -> str:
    """What a model is good at, as a sentence without an end."""
    return translate("texts", "Good at {things}").format(
        things=", ".join(_thing_text(each) for each in offer.model.good_at)
    )


def offer_line(offer: Offer) -> str:
    """How large it is, and how it would run on this machine."""
    return SEPARATOR.join([size_text(offer.size_bytes), fit_text(offer.fit)])


def fit_text(fit: Fit) -> str:
    if fit.verdict is Verdict.GPU:
        return translate("texts", "runs on your graphics card")
    if fit.verdict is Verdict.PARTLY_GPU:
        return translate("texts", "runs partly on your graphics card")
    if fit.verdict is Verdict.CPU:
        return translate("texts", "runs on your processor")
    return translate("texts", "too large, needs {size} of memory").format(size=size_text(fit.needs_bytes))


def _thing_text(thing: GoodAt) -> str:
    words = {
        GoodAt.CHAT: translate("texts", "conversation"),
        GoodAt.REASONING: translate("texts", "reasoning"),
        GoodAt.MATHEMATICS: translate("texts", "mathematics"),
        GoodAt.CODE: translate("texts", "code"),
        GoodAt.LANGUAGES: translate("texts", "many languages"),
        GoodAt.VIETNAMESE: translate("texts", "Vietnamese"),
        GoodAt.LONG_TEXTS: translate("texts", "long texts"),
        GoodAt.SMALL_MACHINES: translate("texts", "running on small machines"),
    }
    return words[thing]

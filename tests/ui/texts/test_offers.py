"""Every code about models that could be had has words in the window."""

from __future__ import annotations

from app.domain.catalogue import Fit, GoodAt, Role, Verdict
from tests.ui.offers import offer
from ui.texts.offers import fit_text, good_at_text, role_text


def test_every_code_has_words(qapp):
    assert len({role_text(role) for role in Role}) == len(Role)
    fits = {fit_text(Fit(verdict=verdict, needs_bytes=156_500_000_000)) for verdict in Verdict}
    assert len(fits) == len(Verdict)
    assert "too large, needs 156.5 GB of memory" in fits
    things = {good_at_text(offer(Role.BEST, "x", 1, Verdict.CPU, thing)) for thing in GoodAt}
    assert len(things) == len(GoodAt)

"""Every code about models that could be had has words."""

from __future__ import annotations

from app.cli.findtexts import GOOD_AT, ROLES, fit_text
from app.domain.catalogue import Fit, GoodAt, Role, Verdict


def test_every_code_has_words():
    assert set(GOOD_AT) == set(GoodAt)
    assert set(ROLES) == set(Role)
    for verdict in Verdict:
        assert fit_text(Fit(verdict=verdict, needs_bytes=5_000_000_000))
    assert "5.0 GB" in fit_text(Fit(verdict=Verdict.TOO_LARGE, needs_bytes=5_000_000_000))

"""The ledger counts by host, purpose and proxy."""

from __future__ import annotations

from app.network.ledger import Ledger


def test_contacts_are_counted_together():
    ledger = Ledger()
    for count in (10, 20):
        ledger.note("hub", "model", requests=1)
        ledger.note("hub", "model", received_bytes=count)
    ledger.note("storage", "model", requests=1)
    ledger.note("hub", "search", "proxy", requests=1)
    assert ledger.hosts() == ("hub", "storage")
    first, _, through = ledger.contacts()
    assert (first.host, first.purpose, first.requests, first.received_bytes) == ("hub", "model", 2, 30)
    assert 0 < first.first_ms <= first.last_ms
    assert (through.purpose, through.via) == ("search", "proxy")


def test_nothing_was_contacted_at_first():
    assert (Ledger().hosts(), Ledger().contacts()) == ((), ())

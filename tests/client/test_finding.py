"""Commands and replies about models that could be had survive the socket."""

from __future__ import annotations

import datetime

from app.client.finding import FoundOnHub, Recommend, Recommendations, SearchHub
from app.client.protocol import Answer, Request, decode_request, decode_to_client, encode
from app.domain.catalogue import Fit, HubModel, HubSort, Offer, Role, Selection, Verdict
from tests.domain.test_catalogue import MODEL

OFFER = Offer(
    model=MODEL,
    quant="Q4_K_M",
    size_bytes=5_000_000_000,
    fit=Fit(verdict=Verdict.GPU, needs_bytes=6_000_000_000),
    role=Role.BEST,
)


def test_what_is_asked_arrives():
    for command in (Recommend(), SearchHub(words="r1", sort=HubSort.RECENT, author="me", limit=3)):
        assert decode_request(encode(Request(id="1", command=command))).command == command


def test_what_is_found_arrives():
    selection = Selection(offers=(OFFER,), checked=datetime.date(2026, 5, 5))
    for reply in (Recommendations(selection=selection), FoundOnHub(models=(HubModel(repo="a/b"),))):
        frame = decode_to_client(encode(Answer(id="1", reply=reply)))
        assert isinstance(frame, Answer)
        assert frame.reply == reply

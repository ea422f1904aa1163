"""What is recommended, to whom, and what comes of taking it."""

from __future__ import annotations

import msgspec
import pytest

from app.client.finding import Recommend
from app.client.protocol import Pull
from app.domain.notice import Notice, NoticeCode
from app.domain.transfer import Transfer, TransferFile, TransferState
from app.events import ModelAdded, TransferChanged
from tests.ui.fake_client import LARGER, STARTER
from tests.ui.offers import OFFERS

FAST, BALANCED, BEST = OFFERS
COMING = Transfer(
    id="t",
    repo=BALANCED.model.repo,
    quant="Q4_K_M",
    files=(TransferFile(filename="a", size_bytes=10),),
    state=TransferState.RUNNING,
)


@pytest.fixture
def recommendations(workspace, host):
    host.offers = [*OFFERS, msgspec.structs.replace(FAST, role=None)]
    return workspace.recommendations


def test_three_are_there_for_who_has_but_the_starter(host, deliver, recommendations):
    deliver()
    assert recommendations.offers == tuple(OFFERS)
    host.connect()
    deliver()
    assert host.looks == [Recommend()]  # once is enough


def test_who_has_none_at_all_gets_them_too(host, deliver, recommendations):
    host.models = []
    deliver()
    assert recommendations.offers == tuple(OFFERS)


def test_who_has_a_model_is_left_alone(host, deliver, recommendations):
    host.models = [STARTER, LARGER]
    deliver()
    assert recommendations.offers == ()
    assert host.looks == []


def test_they_go_when_a_model_has_come(host, deliver, recommendations):
    deliver()
    host.say(ModelAdded(model=LARGER))
    deliver()
    assert recommendations.offers == ()


def test_a_refusal_is_not_the_end(host, deliver, recommendations):
    host.refusals[Recommend] = Notice(code=NoticeCode.BUG, facts={"detail": "x"})
    deliver()
    assert recommendations.offers == ()
    host.refusals.clear()
    host.connect()
    deliver()
    assert recommendations.offers == tuple(OFFERS)


def test_a_download_is_asked_for_once(host, deliver, recommendations):
    deliver()
    recommendations.download(BALANCED)
    recommendations.download(BALANCED)
    deliver()
    assert [(pull.repo, pull.quant) for pull in host.asked(Pull)] == [(BALANCED.model.repo, "Q4_K_M")]
    assert recommendations.is_coming(BALANCED)
    assert not recommendations.is_coming(BEST)


def test_a_download_that_failed_or_was_refused_can_be_asked_for_again(host, deliver, recommendations):
    deliver()
    host.refusals[Pull] = Notice(code=NoticeCode.OFFLINE, facts={"host": "hub"})
    recommendations.download(BALANCED)
    deliver()
    assert not recommendations.is_coming(BALANCED)
    host.refusals.clear()
    recommendations.download(BALANCED)
    host.say(TransferChanged(transfer=COMING))
    deliver()
    assert recommendations.is_coming(BALANCED)
    host.say(TransferChanged(transfer=msgspec.structs.replace(COMING, state=TransferState.FAILED)))
    deliver()
    assert not recommendations.is_coming(BALANCED)

"""The door's rules: who may go out."""

from __future__ import annotations

import pytest

from app.domain.notice import Action, NoticeCode
from app.errors import KnownError
from app.network.door import Door, PassingError
from app.network.environment import NetworkEnvironment
from app.network.ledger import Ledger

ONLINE = NetworkEnvironment()


def test_offline_by_setting_or_by_variable_nothing_goes_out():
    for door, environment in (
        (Door(Ledger(), lambda: True), ONLINE),
        (Door(Ledger(), lambda: False), NetworkEnvironment(is_offline=True)),
    ):
        with pytest.raises(KnownError) as caught:
            door.admit(environment, "https", "hub")
        assert caught.value.notice.code is NoticeCode.OFFLINE
        assert caught.value.notice.facts == {"host": "hub"}
        assert caught.value.notice.actions == (Action.GO_ONLINE,)


def test_the_setting_is_asked_each_time():
    offline = False
    door = Door(Ledger(), lambda: offline)
    door.admit(ONLINE, "https", "hub")
    offline = True
    with pytest.raises(KnownError):
        door.admit(ONLINE, "https", "hub")


def test_a_secret_conversation_is_not_led_into_the_open():
    door = Door(Ledger(), lambda: False)
    with pytest.raises(KnownError) as caught:
        door.admit(ONLINE, "http", "storage")
    assert caught.value.notice.facts == {"host": "storage", "detail": "insecure-redirect"}
    door.admit(NetworkEnvironment(endpoint="http://mirror"), "http", "storage")


def test_closing_lets_go_once():
    door = Door(Ledger(), lambda: False)
    closed: list[int] = []
    door.on_close(lambda: closed.append(1))
    door.close()
    door.close()
    assert closed == [1]


def test_a_passing_error_is_a_known_one():
    error = PassingError.of(NoticeCode.HUB_REFUSED, status=503)
    assert isinstance(error, PassingError)
    assert error.retry_after_s is None

"""The connection and the settings as the window sees them."""

from __future__ import annotations

import pytest

from app.client.client import ConnectionState
from app.client.protocol import ChangeSetting
from app.domain.notice import Notice, NoticeCode
from app.events import SettingChanged
from ui.viewmodels.session import Link, Session


@pytest.fixture
def session(bridge):
    return Session(bridge)


def test_it_follows_the_connection(host, deliver, session):
    assert session.link is Link.CONNECTING
    assert not session.has_begun
    deliver()
    assert (session.link, session.has_begun) == (Link.CONNECTED, True)
    newer = Notice(code=NoticeCode.HOST_NEWER, facts={"host_version": "9"})
    for state, notice, link in [
        (ConnectionState.LOST, None, Link.RECONNECTING),
        (ConnectionState.REFUSED, newer, Link.REFUSED),
        (ConnectionState.CONNECTED, None, Link.CONNECTED),
        (ConnectionState.CLOSED, None, Link.CLOSED),
    ]:
        host.change_connection(state, notice)
        deliver()
        assert (session.link, session.notice) == (link, notice)


def test_what_was_never_there_is_not_lost(host, bridge, session):
    bridge._inbox.connection_changed(ConnectionState.LOST, None)
    bridge._deliver()
    assert session.link is Link.CONNECTING


def test_settings_come_with_the_snapshot_and_by_events(host, deliver, session):
    heard: list[tuple[str, object]] = []
    session.setting_changed.connect(lambda key, value: heard.append((key, value)))
    assert session.setting("appearance.theme", "light") == "light"
    host.settings = {"appearance.theme": "dark"}
    deliver()
    host.say(SettingChanged(key="appearance.theme", value="dark"))
    host.say(SettingChanged(key="appearance.theme", value="system"))
    deliver()
    assert heard == [("appearance.theme", "dark"), ("appearance.theme", "system")]
    assert session.setting("appearance.theme", "light") == "system"


def test_changing_a_setting(host, deliver, session):
    deliver()
    session.change_setting("appearance.theme", "dark")
    deliver()
    assert session.setting("appearance.theme", "") == "dark"
    session.change_setting("appearance.theme", "dark")
    assert len(host.asked(ChangeSetting)) == 1
    notices: list[Notice] = []
    session.refused.connect(notices.append)
    host.refusals[ChangeSetting] = Notice(code=NoticeCode.SETTING_INVALID)
    session.change_setting("appearance.theme", "pink")
    deliver()
    assert notices == [Notice(code=NoticeCode.SETTING_INVALID)]

"""The list of chats keeps its order and its rows under every event."""

from __future__ import annotations

from datetime import date, datetime

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester

from app.client.protocol import ChangeChat, DeleteChat, ListChats, RestoreChat
from app.domain.chat import Chat
from app.domain.notice import Notice, NoticeCode
from app.events import ChatChanged, ChatRemoved
from tests.ui.fake_client import FakeHost
from ui.bridge import Bridge
from ui.viewmodels.chats import AGE_ROLE, CHAT_ROLE, Age, ChatList, age_of


@pytest.fixture
def chats(bridge):
    return ChatList(bridge)


def titles(chats):
    return [chats.index(row).data() for row in range(chats.rowCount())]


def test_the_newest_comes_first(host, deliver, chats):
    for title in ("old", "middle", "new"):
        host.add_chat(title)
    deliver()
    assert titles(chats) == ["new", "middle", "old"]
    assert chats.row_of("old") == 2
    assert chats.row_of("unknown") == -1
    assert chats.chat("middle") == host.chats["middle"]
    assert chats.index(0).data(CHAT_ROLE) == host.chats["new"]
    assert chats.index(0).data(AGE_ROLE) == Age.OLDER


def test_a_chat_that_is_touched_moves_to_the_top(host, deliver, chats):
    for title in ("old", "middle", "new"):
        host.add_chat(title)
    deliver()
    moved: list[int] = []
    chats.rowsMoved.connect(lambda *facts: moved.append(facts[1]))
    host._put(msgspec.structs.replace(host.chats["old"], updated_ms=host._tick()))
    deliver()
    assert titles(chats) == ["old", "new", "middle"]
    assert moved == [2]


def test_chats_of_one_moment_stand_as_the_host_lists_them(host, deliver, chats):
    """In a window that was told of them they stood the other way round than in one opened later."""
    for created_ms, title in enumerate(("first made", "made later", "made last")):
        host.chats[title] = Chat(id=title, title=title, created_ms=created_ms, updated_ms=created_ms)
    deliver()
    for title in ("made later", "made last", "first made"):
        host._put(msgspec.structs.replace(host.chats[title], updated_ms=50))
    deliver()
    assert titles(chats) == ["made last", "made later", "first made"]


def test_chats_of_one_moment_are_not_left_out_between_two_pages(host, deliver, chats):
    host.snapshot_chats = 2
    for number in range(5):
        host.add_chat(f"{number}", updated_ms=number // 2)
    deliver()
    while chats.canFetchMore(QModelIndex()):
        chats.fetchMore(QModelIndex())
        deliver()
    assert sorted(titles(chats)) == ["0", "1", "2", "3", "4"]


def test_a_rename_stays_in_its_place(host, deliver, chats):
    host.add_chat("first")
    host.add_chat("second")
    deliver()
    assert chats.setData(chats.index(1), "  Renamed ", Qt.ItemDataRole.EditRole)
    deliver()
    assert titles(chats) == ["second", "Renamed"]
    assert not chats.setData(chats.index(1), "  ", Qt.ItemDataRole.EditRole)
    assert chats.setData(chats.index(1), "Renamed", Qt.ItemDataRole.EditRole)
    assert host.asked(ChangeChat) == [ChangeChat(chat_id="first", title="Renamed")]


def test_deleting_and_restoring(host, deliver, chats):
    host.add_chat("first")
    host.add_chat("second")
    deliver()
    removed: list[str] = []
    chats.removed.connect(removed.append)
    chats.delete("first")
    deliver()
    assert titles(chats) == ["second"]
    assert removed == ["first"]
    chats.restore("first")
    deliver()
    assert titles(chats) == ["second", "first"]
    assert [type(command) for command in host.commands] == [DeleteChat, RestoreChat]


def test_more_are_fetched_as_one_scrolls(host, deliver, chats):
    host.snapshot_chats = 4
    for number in range(8):
        host.add_chat(f"{number}")
    deliver()
    assert chats.canFetchMore(QModelIndex())
    chats.fetchMore(QModelIndex())
    assert not chats.canFetchMore(QModelIndex())  # one at a time
    deliver()
    assert titles(chats) == ["7", "6", "5", "4", "3", "2", "1"]
    chats.fetchMore(QModelIndex())
    deliver()
    assert titles(chats) == ["7", "6", "5", "4", "3", "2", "1", "0"]
    assert not chats.canFetchMore(QModelIndex())
    assert len(host.asked(ListChats)) == 2


def test_an_old_chat_that_was_not_fetched_yet_is_not_put_at_the_end(host, deliver, chats):
    host.snapshot_chats = 2
    for number in range(4):
        host.add_chat(f"{number}")
    deliver()
    host._put(msgspec.structs.replace(host.chats["0"], title="renamed"))
    deliver()
    assert titles(chats) == ["3", "2"]


def test_the_same_snapshot_again_resets_nothing(host, deliver, chats):
    host.add_chat("a")
    deliver()
    resets: list[int] = []
    chats.modelReset.connect(lambda: resets.append(1))
    host.connect()
    deliver()
    assert resets == []


def test_a_refusal_is_told(host, deliver, chats):
    host.add_chat("a")
    deliver()
    notices: list[Notice] = []
    chats.refused.connect(notices.append)
    host.refusals[DeleteChat] = Notice(code=NoticeCode.CHAT_BUSY)
    chats.delete("a")
    deliver()
    assert notices == [Notice(code=NoticeCode.CHAT_BUSY)]


@pytest.mark.parametrize(
    ("day", "age"),
    [
        (date(2026, 3, 16), Age.TODAY),
        (date(2026, 3, 15), Age.TODAY),
        (date(2026, 3, 14), Age.YESTERDAY),
        (date(2026, 3, 9), Age.WEEK),
        (date(2026, 3, 8), Age.MONTH),
        (date(2026, 2, 14), Age.MONTH),
        (date(2026, 2, 13), Age.OLDER),
    ],
)
def test_ages(day, age):
    moment = datetime(day.year, day.month, day.day, 23, 59).astimezone()
    assert age_of(int(moment.timestamp() * 1000), date(2026, 3, 15)) is age


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 9), st.booleans()), max_size=30))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_events_leave_the_newest_first(qapp, events):
    host = FakeHost()
    bridge = Bridge(host.open)
    chats = ChatList(bridge)
    tester = QAbstractItemModelTester(chats)
    bridge.start()
    wanted: dict[str, Chat] = {}
    for name, moment, is_removed in events:
        if is_removed:
            wanted.pop(name, None)
            host.say(ChatRemoved(chat_id=name))
        else:
            wanted[name] = Chat(id=name, created_ms=0, updated_ms=moment)
            host.say(ChatChanged(chat=wanted[name]))
    while bridge._inbox._items:
        bridge._deliver()
    shown = [chats.index(row).data(CHAT_ROLE) for row in range(chats.rowCount())]
    assert {chat.id: chat for chat in shown} == wanted
    assert [chat.updated_ms for chat in shown] == sorted((c.updated_ms for c in shown), reverse=True)
    bridge.close()
    del tester


@pytest.fixture
def looked(host, deliver, chats):
    """Searches without waiting for the typing to pause."""

    def look(query):
        chats.search(query)
        if chats._pause.isActive():
            chats._look()
        deliver()
        return titles(chats)

    return look


def test_a_search_finds_titles_and_texts(host, deliver, chats, looked):
    host.add_chat("a", "What is a cove?", title="Water")
    host.add_chat("b", "Hi", title="Cove")
    host.add_chat("c", "Hi", title="Other")
    deliver()
    assert looked("cove") == ["Cove", "Water"]
    assert looked("giraffe") == []
    assert looked("") == ["Other", "Cove", "Water"]


def test_typing_asks_once_after_a_pause(qtbot, host, deliver, chats):
    host.add_chat("a", title="cove")
    deliver()
    for query in ("c", "co", "cov", "cov ", "cov"):
        chats.search(query)
    assert chats.is_searching
    assert not host.asked(ListChats)
    with qtbot.waitSignal(chats.searched):
        pass
    assert [command.query for command in host.asked(ListChats)] == ["cov"]
    assert not chats.is_searching


def test_a_late_reply_to_an_earlier_search_is_not_shown(host, deliver, chats, looked):
    host.add_chat("a", title="first")
    host.add_chat("b", title="second")
    deliver()
    host.is_holding = True
    looked("first")
    looked("second")
    host.let_go(1)
    deliver()
    assert chats.is_searching
    host.let_go()
    deliver()
    assert titles(chats) == ["second"]


def test_pages_of_a_search_are_of_that_search(host, deliver, chats, looked):
    host.snapshot_chats = 1
    for number in range(3):
        host.add_chat(f"x{number}")
        host.add_chat(f"y{number}")
    deliver()
    assert looked("x") == ["x2"]
    chats.fetchMore(QModelIndex())
    deliver()
    assert titles(chats) == ["x2", "x1"]
    host.is_holding = True
    chats.fetchMore(QModelIndex())
    chats.search("")
    host.let_go()
    deliver()
    assert titles(chats) == ["y2"]


def test_a_search_follows_what_happens(host, deliver, chats, looked):
    host.add_chat("a", title="cove")
    host.add_chat("b", title="other")
    deliver()
    looked("cove")
    host._put(msgspec.structs.replace(host.chats["b"], title="a cove too", updated_ms=9_999))
    deliver()
    assert chats.is_searching
    chats._look()
    deliver()
    assert titles(chats) == ["a cove too", "cove"]
    host.say(ChatRemoved(chat_id="b"))
    deliver()
    assert titles(chats) == ["cove"]
    host.connect()  # a host that is back is asked again
    deliver()
    assert host.asked(ListChats)[-1].query == "cove"


def test_a_refused_search_is_told(host, deliver, chats, looked):
    told = []
    chats.refused.connect(told.append)
    host.add_chat("a")
    deliver()
    host.refusals[ListChats] = Notice(code=NoticeCode.BUG)
    assert looked("zzz") == ["a"]
    assert [notice.code for notice in told] == [NoticeCode.BUG]

"""What the client says arrives on the window's thread, once, in order, and joined where it can be."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from app.client.client import ConnectionState
from app.client.protocol import Done, ListProcesses
from app.domain.chat import Chat
from app.domain.generation import Phase
from app.events import ChatChanged, ChatRemoved, MessageGrew, TurnMoved
from tests.ui.fake_client import FakeHost
from ui.bridge import Bridge, _Inbox


def grew(offset: int, content: str, message_id: str = "m") -> MessageGrew:
    return MessageGrew(chat_id="c", message_id=message_id, content_offset=offset, content=content)


def hear(bridge: Bridge) -> list[object]:
    heard: list[object] = []
    bridge.happened.connect(heard.append)
    return heard


def test_everything_comes_in_the_order_it_was_said(bridge, host, deliver):
    heard: list[object] = []
    bridge.connection_changed.connect(lambda state, notice: heard.append(state))
    bridge.snapshot_taken.connect(lambda snapshot: heard.append("snapshot"))
    bridge.happened.connect(lambda event: heard.append(event.chat_id))
    bridge.start()
    host.say(ChatRemoved(chat_id="a"))
    bridge.ask(ListProcesses(), heard.append)
    host.say(ChatRemoved(chat_id="b"))
    deliver()
    assert heard == [ConnectionState.CONNECTED, "snapshot", "a", Done(), "b"]


def test_nothing_comes_before_the_loop_turns(bridge, host):
    heard = hear(bridge)
    bridge.start()
    host.say(ChatRemoved(chat_id="a"))
    assert heard == []


def test_what_other_threads_say_comes_on_this_one(qtbot, bridge, host):
    threads: list[int] = []
    bridge.happened.connect(lambda event: threads.append(threading.get_ident()))
    bridge.start()
    speakers = [
        threading.Thread(target=host.say, args=(ChatRemoved(chat_id=f"{number}"),)) for number in range(8)
    ]
    for speaker in speakers:
        speaker.start()
    for speaker in speakers:
        speaker.join()
    qtbot.waitUntil(lambda: len(threads) == 8)
    assert set(threads) == {threading.get_ident()}


def test_growth_between_two_frames_costs_one_delivery(qtbot, bridge, host):
    heard = hear(bridge)
    bridge.start()
    qtbot.waitUntil(lambda: bridge._since_delivery.isValid())
    bridge._since_delivery.start()
    for number in range(100):
        host.say(grew(number, "x"))
    qtbot.waitUntil(lambda: bool(heard))
    assert heard == [grew(0, "x" * 100)]


def test_pieces_that_do_not_fit_together_are_not_joined(bridge, host, deliver):
    heard = hear(bridge)
    bridge.start()
    pieces = [
        grew(0, "ab"),
        grew(5, "c"),
        grew(0, "x", "other"),
        ChatChanged(chat=Chat(id="c", created_ms=1, updated_ms=1)),
        grew(6, "d"),
    ]
    for piece in pieces:
        host.say(piece)
    deliver()
    assert heard == pieces


def test_of_a_turn_s_moves_the_last_is_enough(bridge, host, deliver):
    heard = hear(bridge)
    bridge.start()
    moves = [
        TurnMoved(chat_id="c", message_id="m", phase=Phase.PREFILL, done=done, total=9) for done in range(9)
    ]
    for move in moves:
        host.say(move)
    deliver()
    assert heard == [moves[-1]]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.text(max_size=3), st.text(max_size=2)), max_size=30))
def test_joining_never_changes_what_is_said(pieces):
    inbox = _Inbox(lambda: None)
    wanted = {"a": ["", ""], "b": ["", ""]}
    for name, content, reasoning in pieces:
        said = wanted[name]
        inbox.put(
            MessageGrew(
                chat_id="c",
                message_id=name,
                content_offset=len(said[0]),
                content=content,
                reasoning_offset=len(said[1]),
                reasoning=reasoning,
            )
        )
        said[0] += content
        said[1] += reasoning
    heard = {"a": ["", ""], "b": ["", ""]}
    for event in inbox.take():
        assert isinstance(event, MessageGrew)
        known = heard[event.message_id]
        assert (event.content_offset, event.reasoning_offset) == (len(known[0]), len(known[1]))
        known[0] += event.content
        known[1] += event.reasoning
    assert heard == wanted


def test_a_listener_that_fails_does_not_keep_the_rest_from_hearing(bridge, deliver, expect_log):
    expect_log("Delivery of _Answered failed")
    heard: list[object] = []

    def fail(reply: object) -> None:
        raise RuntimeError("listener")

    bridge.ask(ListProcesses(), fail)
    bridge.ask(ListProcesses(), heard.append)
    deliver()
    assert heard == [Done()]


def test_a_closed_bridge_delivers_nothing_and_asks_nothing(qapp, bridge, host):
    heard = hear(bridge)
    bridge.start()
    host.say(ChatRemoved(chat_id="a"))
    bridge.close()
    bridge.ask(ListProcesses(), heard.append)
    qapp.processEvents()
    assert heard == []
    assert host.is_closed
    assert host.commands == []


def test_closing_while_delivering_ends_the_delivery(qapp, bridge, host):
    heard = hear(bridge)
    bridge.happened.connect(lambda event: bridge.close())
    bridge.start()
    host.say(ChatRemoved(chat_id="a"))
    host.say(ChatRemoved(chat_id="b"))
    bridge._deliver()
    assert heard == [ChatRemoved(chat_id="a")]


def test_it_connects_once(host):
    bridge = Bridge(host.open)
    bridge.start()
    bridge.start()
    assert len(bridge._inbox.take()) == 2  # connected, and one snapshot
    bridge.close()
    assert isinstance(host, FakeHost)

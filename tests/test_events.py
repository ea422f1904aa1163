from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from app.domain.chat import Chat, Message, Role
from app.domain.engine import EngineState, EngineStatus
from app.domain.generation import Phase
from app.domain.model import Model
from app.domain.notice import Notice, NoticeCode
from app.domain.transfer import Transfer
from app.domain.value import to_json
from app.events import (
    Bus,
    ChatChanged,
    ChatRemoved,
    EngineChanged,
    Event,
    HostLeaving,
    MessageAdded,
    MessageChanged,
    MessageGrew,
    ModelAdded,
    ModelRemoved,
    NoticeRaised,
    SettingChanged,
    TransferChanged,
    TransferRemoved,
    TurnMoved,
    TurnNoticed,
)

CHAT = Chat(id="c", created_ms=1, updated_ms=2)
MESSAGE = Message(id="m", chat_id="c", role=Role.USER, created_ms=1)

EVENTS = [
    ChatChanged(chat=CHAT),
    ChatRemoved(chat_id="c"),
    MessageAdded(message=MESSAGE),
    MessageGrew(chat_id="c", message_id="m", content_offset=3, content="đ"),
    MessageChanged(message=MESSAGE),
    TurnMoved(chat_id="c", message_id="m", phase=Phase.PREFILL, done=1, total=2),
    ModelAdded(model=Model(id="x", name="x", path="/x", size_bytes=1)),
    ModelRemoved(model_id="x"),
    EngineChanged(status=EngineStatus(model_id="x", state=EngineState.READY)),
    TransferChanged(transfer=Transfer(id="t", repo="r", quant="q")),
    TransferRemoved(transfer_id="t"),
    SettingChanged(key="network.offline", value=True),
    NoticeRaised(notice=Notice(code=NoticeCode.NO_MODEL)),
    TurnNoticed(chat_id="c", message_id="m", notice=Notice(code=NoticeCode.NO_MODEL)),
    HostLeaving(for_newer=True),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_goes_over_the_socket_as_it_is(event: Event):
    assert msgspec.json.decode(to_json(event), type=Event) == event


def test_every_event_was_tried():
    assert {type(event) for event in EVENTS} == set(Event.__args__)


def test_every_listener_hears_every_event_in_order():
    bus, heard = Bus(), []
    for name in ("first", "second"):
        bus.listen(lambda event, name=name: heard.append((name, event)))
    for event in EVENTS:
        bus.publish(event)
    assert heard == [(name, event) for event in EVENTS for name in ("first", "second")]


def test_who_stopped_listening_hears_no_more():
    bus, heard = Bus(), []
    stop = bus.listen(heard.append)
    bus.publish(EVENTS[0])
    stop()
    bus.publish(EVENTS[1])
    assert heard == EVENTS[:1]


def test_a_listener_may_stop_while_it_hears():
    bus, heard = Bus(), []
    stop = bus.listen(lambda event: (heard.append("once"), stop()))
    bus.listen(lambda event: heard.append("always"))
    bus.publish(EVENTS[0])
    bus.publish(EVENTS[0])
    assert heard == ["once", "always", "always"]


def test_a_listener_that_fails_is_logged_and_keeps_no_one_from_hearing(expect_log: Callable[..., None]):
    bus, heard = Bus(), []
    bus.listen(lambda event: 1 // 0)
    bus.listen(heard.append)
    expect_log("A listener failed on ChatChanged")
    bus.publish(EVENTS[0])
    assert heard == EVENTS[:1]

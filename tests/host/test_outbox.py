from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from app.client.protocol import Answer, Done, Happened, Resync, Snapshot, ToClient, decode_to_client
from app.events import ChatRemoved, Event, MessageGrew
from app.host.outbox import MAX_MERGED_CHARS, Outbox, merged


def grew(offset: int, text: str, message_id: str = "m", reasoning_offset: int = 0) -> MessageGrew:
    return MessageGrew(
        chat_id="c",
        message_id=message_id,
        content_offset=offset,
        content=text,
        reasoning_offset=reasoning_offset,
    )


def subscribed(max_events: int = 10) -> Outbox:
    outbox = Outbox(max_events)
    outbox.answer(Answer(id="s", reply=Snapshot(epoch="e", seq=0)))
    take(outbox)
    return outbox


def take(outbox: Outbox) -> ToClient:
    data = outbox.take()
    assert data is not None
    return decode_to_client(data)


def events_of(outbox: Outbox) -> list[ToClient]:
    outbox.close()
    frames = []
    while (data := outbox.take()) is not None:
        frames.append(decode_to_client(data))
    return frames


def test_nothing_is_heard_before_a_snapshot() -> None:
    outbox = Outbox()
    outbox.happened(ChatRemoved(chat_id="c"))
    assert events_of(outbox) == []


def test_events_count_up_from_the_snapshot() -> None:
    outbox = subscribed()
    outbox.happened(ChatRemoved(chat_id="a"))
    outbox.answer(Answer(id="r", reply=Done()))
    outbox.happened(ChatRemoved(chat_id="b"))
    assert events_of(outbox) == [
        Happened(seq=1, event=ChatRemoved(chat_id="a")),
        Answer(id="r", reply=Done()),
        Happened(seq=2, event=ChatRemoved(chat_id="b")),
    ]


def test_text_of_one_message_merges_but_not_over_a_reply() -> None:
    outbox = subscribed()
    outbox.happened(grew(0, "ab"))
    outbox.happened(grew(2, "cd"))
    outbox.answer(Answer(id="r", reply=Done()))
    outbox.happened(grew(4, "ef"))
    assert events_of(outbox) == [
        Happened(seq=1, event=grew(0, "abcd")),
        Answer(id="r", reply=Done()),
        Happened(seq=2, event=grew(4, "ef")),
    ]


def test_too_many_events_become_one_resync_and_silence_until_a_snapshot() -> None:
    outbox = subscribed(max_events=3)
    outbox.answer(Answer(id="r", reply=Done()))
    for number in range(10):
        outbox.happened(ChatRemoved(chat_id=str(number)))
    assert take(outbox) == Answer(id="r", reply=Done())
    assert take(outbox) == Resync()
    outbox.happened(ChatRemoved(chat_id="unheard"))
    outbox.answer(Answer(id="s", reply=Snapshot(epoch="e", seq=0)))
    outbox.happened(ChatRemoved(chat_id="heard"))
    assert isinstance(take(outbox), Answer)
    assert events_of(outbox) == [Happened(seq=1, event=ChatRemoved(chat_id="heard"))]


def test_a_waiting_writer_is_freed_by_close() -> None:
    outbox = Outbox()
    taken: list[bytes | None] = []
    writer = threading.Thread(target=lambda: taken.append(outbox.take()))
    writer.start()
    outbox.close()
    writer.join()
    assert taken == [None]


def test_growth_that_does_not_join_is_not_merged() -> None:
    assert merged(grew(0, "ab"), grew(3, "c")) is None
    assert merged(grew(0, "ab"), grew(2, "c", message_id="other")) is None
    assert merged(grew(0, "ab"), grew(2, "c", reasoning_offset=1)) is None
    assert merged(ChatRemoved(chat_id="c"), grew(2, "c")) is None
    assert merged(grew(0, "x" * MAX_MERGED_CHARS), grew(MAX_MERGED_CHARS, "y")) is None


@given(st.lists(st.tuples(st.sampled_from("mn"), st.text(max_size=4)), max_size=30))
def test_whatever_is_merged_the_texts_arrive_whole(pieces: list[tuple[str, str]]) -> None:
    outbox = subscribed(max_events=100)
    sent = {"m": "", "n": ""}
    for message_id, text in pieces:
        outbox.happened(grew(len(sent[message_id]), text, message_id))
        sent[message_id] += text
    heard = {"m": "", "n": ""}
    for frame in events_of(outbox):
        assert isinstance(frame, Happened)
        event: Event = frame.event
        assert isinstance(event, MessageGrew)
        assert event.content_offset == len(heard[event.message_id])
        heard[event.message_id] += event.content
    assert heard == sent

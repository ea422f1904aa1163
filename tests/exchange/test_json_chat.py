from __future__ import annotations

import itertools
import json
import tracemalloc
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.chat import Chat, Message, MessageStatus, Role
from app.domain.generation import Sampling, StopReason, Timings
from app.domain.notice import Action, Notice, NoticeCode
from app.errors import KnownError
from app.exchange.json_chat import every_message, read_chat, write_chat
from app.store import Store
from tests.store.makers import chat, chats, fill, message, messages, streaming

CHAT = chat("c", title="Thủ đô", head_id="a", model_id="smollm2", sampling=Sampling(temperature=0.5))
QUESTION = message("q", content="中国?")
ANSWER = Message(
    id="a",
    chat_id="c",
    role=Role.ASSISTANT,
    created_ms=2,
    parent_id="q",
    content="Bắc Kinh\n",
    reasoning="hm",
    status=MessageStatus.STOPPED,
    model_id="smollm2",
    turn_id="t",
    timings=Timings(prompt_n=3, predicted_n=2, predicted_ms=1.5),
    stop_reason=StopReason.CANCELLED,
    notice=Notice(code=NoticeCode.CONTEXT_FULL, facts={"n": 1}, actions=(Action.RETRY,)),
)

# What version 1 looks like to other programs. Change it only together with the version.
DOCUMENT = """{"format":"cove-chat","version":1,
"chat":{"id":"c","created_ms":1,"updated_ms":1,"title":"Thủ đô","head_id":"a","model_id":"smollm2",\
"sampling":{"temperature":0.5}},
"messages":[
{"id":"q","chat_id":"c","role":"user","created_ms":1,"content":"中国?"},
{"id":"a","chat_id":"c","role":"assistant","created_ms":2,"parent_id":"q","content":"Bắc Kinh\\n",\
"reasoning":"hm","status":"stopped","model_id":"smollm2","turn_id":"t",\
"timings":{"prompt_n":3,"predicted_n":2,"predicted_ms":1.5},"stop_reason":"cancelled",\
"notice":{"code":"context-full","facts":{"n":1},"actions":["retry"]}}
]}
"""


@st.composite
def trees(draw: st.DrawFn) -> tuple[Chat, tuple[Message, ...]]:
    made: list[Message] = []
    for number in range(draw(st.integers(0, 6))):
        parent_id = draw(st.sampled_from([None, *(one.id for one in made)]))
        made.append(msgspec.structs.replace(draw(messages), id=f"{number}", parent_id=parent_id))
    head_id = draw(st.sampled_from([None, *(one.id for one in made)]))
    return msgspec.structs.replace(draw(chats), head_id=head_id), tuple(made)


@given(trees())
def test_a_chat_survives_the_way_out_and_back(tree):
    written, tree_of_messages = tree
    read, messages_read = read_chat(b"".join(write_chat(written, tree_of_messages)))
    assert read == written
    assert messages_read == tuple(
        msgspec.structs.replace(one, status=MessageStatus.INTERRUPTED)
        if one.status is MessageStatus.STREAMING
        else one
        for one in tree_of_messages
    )


def test_the_document_is_what_other_programs_know():
    assert b"".join(write_chat(CHAT, [QUESTION, ANSWER])).decode() == DOCUMENT
    assert json.loads(DOCUMENT)["messages"][1]["timings"]["predicted_ms"] == 1.5
    assert read_chat(DOCUMENT.encode()) == (CHAT, (QUESTION, ANSWER))


def test_a_chat_without_messages_is_a_document_too():
    document = b"".join(write_chat(chat(), []))
    assert json.loads(document)["messages"] == []
    assert read_chat(document) == (chat(), ())


def test_other_layouts_and_newer_fields_are_read():
    loose = json.loads(DOCUMENT)
    loose["exported_by"] = "cove 9"
    loose["messages"][0]["stars"] = 5
    assert read_chat(json.dumps(loose, indent=2).encode()) == (CHAT, (QUESTION, ANSWER))


def broken(**changes) -> str:
    document = json.loads(DOCUMENT)
    for path, value in changes.items():
        *folders, name = path.split("__")
        place = document
        for folder in folders:
            place = place[int(folder[1:]) if folder[0] == "n" else folder]
        place[name] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "[]",
        "null",
        "{}",
        "x" * 100,
        "[" * 100_000,
        DOCUMENT[:-20],
        '{"format": "cove-chat", "version": 1}',
        broken(format="other"),
        broken(chat=None),
        broken(messages__n0__role="oracle"),
        broken(messages__n1__parent_id="nobody"),
        broken(messages__n0__parent_id="a"),
        broken(messages__n1__id="q"),
        broken(messages__n1__chat_id="other"),
        broken(chat__head_id="nobody"),
        broken(messages__n0__content=7),
    ],
)
def test_what_is_no_chat_is_refused(data: str):
    with pytest.raises(KnownError) as raised:
        read_chat(data.encode())
    assert raised.value.notice.code is NoticeCode.FILE_NOT_A_CHAT


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(KnownError):
        read_chat(DOCUMENT.encode().replace(b"hm", b"\xff\xff"))


def test_a_newer_form_is_not_guessed_at():
    with pytest.raises(KnownError) as raised:
        read_chat(broken(version=2, messages="in another form").encode())
    assert raised.value.notice.code is NoticeCode.FILE_TOO_NEW
    assert raised.value.notice.facts == {"found": 2, "known": 1}


def test_a_chat_goes_from_one_store_to_another(tmp_path: Path):
    with closing(Store.open(tmp_path / "one.db")) as one, closing(Store.open(tmp_path / "other.db")) as other:
        made = fill(one, 250)
        one.messages.add(streaming("s", made[100], content="half"))
        exported = one.chats.get("c")
        assert exported is not None
        pages = every_message(lambda after_id: one.messages.tree("c", after_id))
        read, read_messages = read_chat(b"".join(write_chat(exported, pages)))
        assert other.chats.add(read)
        other.messages.add_all(read_messages)
        one.messages.recover()
        assert other.messages.tree("c", limit=1000) == one.messages.tree("c", limit=1000)
        assert other.messages.outline("c") == one.messages.outline("c")
        assert [found.id for found in other.chats.search("word 77")] == ["c"]


@pytest.mark.parametrize("sizes", [[], [1], [3, 2], [2, 0], [0]])
def test_pages_are_read_until_there_are_no_more(sizes: list[int]):
    made = [message(f"{number}") for number in range(sum(sizes))]
    asked: list[str | None] = []

    def read_page(after_id: str | None) -> tuple[list[Message], bool]:
        asked.append(after_id)
        start = 0 if after_id is None else int(after_id) + 1
        size = sizes[len(asked) - 1] if len(asked) <= len(sizes) else 0
        return made[start : start + size], len(asked) < len(sizes)

    assert list(every_message(read_page)) == made
    assert len(asked) == max(1, len(sizes))
    assert asked[0] is None


def test_a_page_that_is_empty_and_promises_more_ends_it():
    assert list(every_message(lambda after_id: ([], True))) == []


def test_memory_does_not_grow_with_the_chat():
    many = (message(f"{number}", content="x" * 10_000) for number in itertools.count())
    tracemalloc.start()
    written = sum(len(piece) for piece in write_chat(chat(), itertools.islice(many, 2000)))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert written > 20_000_000
    assert most < 1_000_000

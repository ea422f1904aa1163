from __future__ import annotations

import pytest

from app.domain.chat import MessageStatus
from app.domain.value import to_json
from app.errors import BugError
from app.store import Store
from tests.store.makers import chat, fill, message, streaming


def ids(page) -> list[str]:
    return [found.id for found in page]


def walk_up(store: Store, head_id: str, **limits) -> list[list[str]]:
    """Reads a branch as the window does, page by page upwards."""
    pages = []
    before_id, has_older = None, True
    while has_older:
        page, has_older = store.messages.branch(head_id, before_id=before_id, **limits)
        pages.append(ids(page))
        before_id = page[0].id
    return pages


def test_adding_again_changes_nothing(store: Store):
    store.chats.add(chat())
    assert store.messages.add(message(content="first"))
    assert not store.messages.add(message(content="second"))
    assert store.messages.get("m") == message(content="first")


def test_adding_many_leaves_alone_what_is_there(store: Store):
    store.chats.add(chat())
    store.messages.add(message("1", content="mine"))
    store.messages.add_all([message("1", content="other"), message("2", "1")])
    assert ids(store.messages.tree("c")[0]) == ["1", "2"]
    assert store.messages.get("1") == message("1", content="mine")


def test_a_turn_is_added_whole_or_not_at_all(store: Store):
    store.chats.add(chat())
    changed = chat(updated_ms=2, head_id="a")
    store.messages.add_turn(message("q", content="hello"), streaming("a", "q"), changed)
    assert store.chats.get("c") == changed
    with pytest.raises(BugError):
        store.messages.add_turn(message("q2", "a"), streaming("a", "q2"), chat(title="not this"))
    assert store.messages.get("q2") is None
    assert store.chats.get("c") == changed
    store.messages.add_turn(None, streaming("b", "q"), chat(head_id="b"))
    assert ids(store.messages.branch("b")[0]) == ["q", "b"]


@pytest.mark.parametrize(
    "lost", [message("x", "nobody"), message("x", "o", chat_id="c"), message("x", chat_id="nobody")]
)
def test_a_message_without_its_chat_or_parent_is_refused(store: Store, lost):
    store.chats.add(chat())
    store.chats.add(chat("other"))
    store.messages.add(message("o", chat_id="other"))
    with pytest.raises(BugError):
        store.messages.add(lost)
    assert store.messages.get("x") is None


def test_chunks_make_one_text(store: Store):
    store.chats.add(chat())
    store.messages.add(streaming("a", content="0", reasoning="r"))
    for number in range(1, 10):
        store.messages.append("a", f"{number}", f"s{number}")
    grown = store.messages.get("a")
    assert grown is not None
    assert grown.content == "0123456789"
    assert grown.reasoning == "rs1s2s3s4s5s6s7s8s9"
    assert grown.status is MessageStatus.STREAMING
    assert store.messages.branch("a")[0] == [grown]
    assert store.messages.tree("c")[0] == [grown]


def test_only_a_streaming_message_grows(store: Store):
    store.chats.add(chat())
    store.messages.add(message())
    for message_id in ("m", "nobody"):
        with pytest.raises(BugError):
            store.messages.append(message_id, "more")
    with pytest.raises(BugError):
        store.messages.finish(message("nobody"))


def test_what_a_dead_host_left_streaming_is_interrupted_once(store: Store):
    store.chats.add(chat())
    store.messages.add(message("done", content="whole"))
    store.messages.add(streaming("a", "done"))
    store.messages.append("a", "half an", "thought")
    ended = streaming("a", "done", content="half an", reasoning="thought")
    assert [left.status for left in store.messages.recover()] == [MessageStatus.INTERRUPTED]
    kept = store.messages.get("a")
    assert kept is not None
    assert (kept.content, kept.reasoning) == (ended.content, ended.reasoning)
    assert store.messages.recover() == []
    assert store._database.number("SELECT count(*) FROM chunks") == 0


def test_a_branch_is_read_in_pages_from_its_head(store: Store):
    made = fill(store, 10)
    pages = walk_up(store, made[-1], limit=4)
    assert pages == [made[6:], made[2:6], made[:2]]
    assert store.messages.branch(made[-1], before_id=made[0]) == ([], False)
    assert store.messages.branch("nobody") == ([], False)
    assert store.messages.branch(made[-1], before_id="nobody") == ([], False)


def test_a_page_ends_before_it_is_too_large_but_has_at_least_one(store: Store):
    made = fill(store, 6, text="x" * 1000)
    size = max(len(to_json(store.messages.get(message_id))) for message_id in made)
    assert [len(page) for page in walk_up(store, made[-1], max_bytes=2 * size + 10)] == [2, 2, 2]
    assert [len(page) for page in walk_up(store, made[-1], max_bytes=1)] == [1] * 6
    assert store.messages.tree("c", max_bytes=1) == ([store.messages.get(made[0])], True)


def test_the_outline_keeps_the_newest(store: Store):
    made = fill(store, 5)
    store.messages.add(message("x", made[1]))
    outline = store.messages.outline("c", limit=3)
    assert (outline.ids, outline.parents, outline.roles) == ((made[3], made[4], "x"), (-1, 0, -1), "auu")
    assert not outline.is_whole
    assert store.messages.outline("c", limit=6).is_whole
    assert store.messages.outline("nobody").ids == ()


def test_a_tree_is_read_in_order_of_making(store: Store):
    fill(store, 3, "before")
    made = fill(store, 5)
    fill(store, 3, "d")
    store.messages.add(message("x", made[0]))
    first, has_more = store.messages.tree("c", limit=4)
    rest, has_no_more = store.messages.tree("c", after_id=first[-1].id)
    assert ids(first + rest) == [*made, "x"]
    assert (has_more, has_no_more) == (True, False)


def test_a_long_chat_opens_without_recursion_limits(store: Store):
    made = fill(store, 3000, text="{number}")
    assert store.messages.path_ids(made[-1]) == made
    page, has_older = store.messages.branch(made[-1])
    assert (ids(page), has_older) == (made[-100:], True)
    assert store.messages.outline("c").parents == tuple(range(-1, 2999))

"""The message tree against a model of it in plain Python: whatever is done, both tell the same."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from pathlib import Path

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from app.domain.chat import Message, MessageStatus
from app.store import Store
from tests.store.makers import MEMORY, chat, message

TEXTS = st.text(alphabet="ab đ中\n", max_size=10)
STATUSES = st.sampled_from(MessageStatus)


class Tree(RuleBasedStateMachine):
    """`kept` is what the store should hold, in order of making."""

    made = Bundle("made")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="cove-tree-", dir=MEMORY))
        self.store = Store.open(self.folder / "cove.db")
        self.kept: dict[str, Message] = {}
        self.numbers = itertools.count()

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    @initialize()
    def begin(self) -> None:
        self.store.chats.add(chat())

    @rule(target=made, content=TEXTS, status=STATUSES)
    def add_root(self, content: str, status: MessageStatus) -> str:
        return self._add(None, content, status)

    @rule(target=made, parent=made, content=TEXTS, status=STATUSES)
    def add_child(self, parent: str, content: str, status: MessageStatus) -> str:
        return self._add(parent, content, status)

    @rule(target=made, parent=made, content=TEXTS)
    def send(self, parent: str, content: str):
        question = message(f"{next(self.numbers)}", parent, content=content)
        answer = message(f"{next(self.numbers)}", question.id, status=MessageStatus.STREAMING)
        self.store.messages.add_turn(question, answer, chat(head_id=answer.id))
        self.kept |= {question.id: question, answer.id: answer}
        return multiple(question.id, answer.id)

    @rule(message_id=made, content=TEXTS)
    def repeat(self, message_id: str, content: str) -> None:
        assert not self.store.messages.add(message(message_id, content=content))

    @rule(message_id=made, content=TEXTS, reasoning=TEXTS)
    def grow(self, message_id: str, content: str, reasoning: str) -> None:
        before = self.kept[message_id]
        if before.status is MessageStatus.STREAMING:
            self.store.messages.append(message_id, content, reasoning)
            self.kept[message_id] = msgspec.structs.replace(
                before, content=before.content + content, reasoning=before.reasoning + reasoning
            )

    @rule(message_id=made, content=TEXTS, status=STATUSES)
    def finish(self, message_id: str, content: str, status: MessageStatus) -> None:
        changed = msgspec.structs.replace(self.kept[message_id], content=content, status=status)
        self.store.messages.finish(changed)
        self.kept[message_id] = changed

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = Store.open(self.folder / "cove.db")
        streaming = {i: m for i, m in self.kept.items() if m.status is MessageStatus.STREAMING}
        ended = {
            i: msgspec.structs.replace(m, status=MessageStatus.INTERRUPTED) for i, m in streaming.items()
        }
        assert self.store.messages.recover() == [*ended.values()]
        self.kept |= ended

    @rule(head=made, limit=st.integers(1, 4))
    def read_branch(self, head: str, limit: int) -> None:
        path = self._path(head)
        assert self.store.messages.path_ids(head) == [step.id for step in path]
        assert self.store.messages.branch(head, limit=limit) == (path[-limit:], len(path) > limit)
        above = path[:-1]
        page = self.store.messages.branch("unused", before_id=head, limit=limit)
        assert page == (above[-limit:], len(above) > limit)

    @rule(after=made, limit=st.integers(1, 4))
    def read_tree(self, after: str, limit: int) -> None:
        later = [*self.kept.values()][[*self.kept].index(after) + 1 :]
        assert self.store.messages.tree("c", after, limit) == (later[:limit], len(later) > limit)

    @rule(word=st.sampled_from(["a", "b", "ab", "d", "中", "中中"]))
    def search(self, word: str) -> None:
        texts = [m.content for m in self.kept.values() if m.status is not MessageStatus.STREAMING]
        words = [part for text in texts for part in _words(text)]
        expected = any(part.startswith(word) or (word[0] == "中" and word in part) for part in words)
        assert bool(self.store.chats.search(word)) == expected

    @invariant()
    def all_is_there(self) -> None:
        assert self.store.messages.tree("c", limit=1000) == ([*self.kept.values()], False)
        outline = self.store.messages.outline("c")
        assert outline.ids == tuple(self.kept)
        assert [outline.ids[i] if i >= 0 else None for i in outline.parents] == [
            kept.parent_id for kept in self.kept.values()
        ]

    def _add(self, parent: str | None, content: str, status: MessageStatus) -> str:
        new = message(f"{next(self.numbers)}", parent, content=content, status=status)
        assert self.store.messages.add(new)
        self.kept[new.id] = new
        return new.id

    def _path(self, head: str | None) -> list[Message]:
        path: list[Message] = []
        while head is not None:
            path.insert(0, self.kept[head])
            head = self.kept[head].parent_id
        return path


def _words(text: str) -> list[str]:
    spaced = "".join(f" {c} " if c == "\n" else c for c in text.replace("đ", "d"))
    for mixed in ("中a", "中b", "中d"):
        spaced = spaced.replace(mixed, f"中 {mixed[1]}")
    for mixed in ("a中", "b中", "d中"):
        spaced = spaced.replace(mixed, f"{mixed[0]} 中")
    return spaced.split()


TestTree = Tree.TestCase
TestTree.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)

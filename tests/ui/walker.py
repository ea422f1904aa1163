"""Somebody who does anything at any time: random but repeatable deeds on the view-models of one window.

`step` does one thing that the window would allow just now. `said` is what was sent and `given_up` what the
walker threw away itself; every other text must be somewhere to the end.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from app.domain.chat import Role
from ui.bridge import Bridge
from ui.viewmodels.kept import Kept
from ui.viewmodels.workspace import Workspace

# How an engine that plays a script answers; see app/engine/script.py.
MANNERS = ("", "", "", "/think ", "/slow 2 ", "/slow 15 ", "/hold ", "/crash ", "/fail ")


class Walker:
    def __init__(self, name: str, bridge: Bridge, kept: Kept, random: Random, deeds: list[str]) -> None:
        self.name = name
        self.bridge = bridge
        self.workspace = Workspace(bridge, kept)
        self.kept = kept
        self.deeds = deeds  # of all walkers, in order
        self.said: list[str] = []
        self.given_up: set[str] = set()
        self._random = random
        self._count = 0
        self._wishes: list[tuple[int, Callable[[], object]]] = [
            (10, self._send),
            (4, self._open),
            (3, self._stop),
            (2, self._type),
            (2, self._new_chat),
            (2, self._regenerate),
            (2, self._continue),
            (2, self._edit),
            (2, self._delete),
            (2, self._rename),
            (2, self._search),
            (2, self._obey_banner),
            (1, self._dismiss),
            (1, self._cancel_edit),
            (1, self._set_up),
            (1, self._eject),
            (1, self._load),
        ]

    def step(self) -> None:
        weights = [weight for weight, _ in self._wishes]
        _, wish = self._random.choices(self._wishes, weights)[0]
        done = wish()
        chat_id = self.workspace.transcript.chat_id or "new"
        box = self.workspace.composer.text
        self.deeds.append(f"{self.name}{wish.__name__}: {done}; now in {chat_id[-4:]} with “{box}”")

    # What a person writes

    def _text(self) -> str:
        self._count += 1
        words = " ".join(f"{self.name}{self._count}w{number}" for number in range(self._random.randint(1, 9)))
        return f"{self._random.choice(MANNERS)}{words}"

    def _write(self, text: str) -> None:
        if not self.workspace.composer.is_sending:  # the box takes nothing then
            self.given_up.add(self.workspace.composer.text)
            self.workspace.composer.put_text(text)

    def _type(self) -> str:
        text = self._text()
        self._write(text)
        return text

    def _send(self) -> str | None:
        if not self.workspace.composer.text or self._random.random() < 0.8:
            self._type()
        text = self.workspace.composer.text
        if not self.workspace.composer.can_send:
            return None
        self.workspace.composer.send()
        self.said.append(text)
        return text

    def _edit(self) -> str | None:
        own = [message for message in self.workspace.transcript.messages if message.role is Role.USER]
        if not own or self.workspace.composer.is_sending:
            return None
        message = self._random.choice(own)
        if self.workspace.composer.editing is not None:
            self.given_up.add(self.workspace.composer.text)
        self.workspace.composer.edit(message.id)
        self.given_up.add(message.content)  # as text in the box; as a message it stays
        return message.content

    def _cancel_edit(self) -> None:
        if self.workspace.composer.editing is not None:
            self.given_up.add(self.workspace.composer.text)
        self.workspace.composer.cancel_edit()

    # What a person does to answers

    def _stop(self) -> None:
        self.workspace.composer.stop()

    def _regenerate(self) -> None:
        answer = self._answer()
        if answer is not None:
            self.workspace.regenerate(answer)

    def _continue(self) -> None:
        answer = self._answer()
        if answer is not None:
            self.workspace.retry_answer(answer)

    def _answer(self) -> str | None:
        last = self.workspace.transcript.last
        is_over = (
            last is not None and last.role is Role.ASSISTANT and self.workspace.transcript.streaming is None
        )
        return last.id if last is not None and is_over else None

    # What a person does to chats

    def _open(self) -> str | None:
        chat_id = self._chat()
        if chat_id is not None:
            self.workspace.open_chat(chat_id)
        return chat_id

    def _new_chat(self) -> None:
        self.workspace.new_chat()

    def _delete(self) -> str | None:
        chat_id = self.workspace.transcript.chat_id if self._random.random() < 0.5 else self._chat()
        self.workspace.delete_chat(chat_id)
        return chat_id

    def _rename(self) -> str | None:
        chat_id = self._chat()
        if chat_id is not None:
            self.workspace.chats.rename(chat_id, f"Title {self._random.randint(1, 99)}")
        return chat_id

    def _search(self) -> str:
        query = self._random.choice(("", "", "w1", f"{self.name}2w1", "Title", "nothing at all"))
        self.workspace.chats.search(query)
        return query

    def _chat(self) -> str | None:
        chats = self.workspace.chats._chats
        return self._random.choice(chats).id if chats else None

    # What a person does to the rest

    def _obey_banner(self) -> str | None:
        banner = self.workspace.notices.banner
        if banner is None:
            return None
        if banner.chat_id is not None:
            self.workspace.restore_chat(banner.chat_id)
            return "restore"
        actions = self.workspace.offered(banner)
        if not actions:
            return None
        action = self._random.choice(actions)
        self.workspace.act(action, banner)
        return action.value

    def _dismiss(self) -> None:
        self.workspace.notices.dismiss()

    def _set_up(self) -> None:
        inspector = self.workspace.inspector
        inspector.set_system_prompt(f"Prompt {self._random.randint(1, 9)}")
        inspector.set_sampler("temperature", self._random.choice((0.0, 0.5, 0.8)))
        inspector.flush()

    def _eject(self) -> None:
        selected = self.workspace.models.selected
        if selected is not None:
            self.workspace.models.eject(selected.id)

    def _load(self) -> None:
        selected = self.workspace.models.selected
        if selected is not None:
            self.workspace.models.load(selected.id)

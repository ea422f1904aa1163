"""Writes turns as fast as it can and says on stdout what was committed; made to be killed.

python -m tests.store.writer DATABASE RUN
"""

from __future__ import annotations

import sys
from pathlib import Path

from app.store import Store
from tests.store.makers import chat, message, streaming


def main(path: str, run: str) -> None:
    store = Store.open(Path(path))
    store.messages.recover()
    known = store.chats.add(chat(f"chat-{run}"))
    assert known
    parent_id: str | None = None
    for turn in range(1_000_000):
        question, answer = f"{run}-q{turn}", f"{run}-a{turn}"
        place = {"chat_id": f"chat-{run}"}
        store.messages.add_turn(
            message(question, parent_id, content=f"question {turn}", **place),
            streaming(answer, question, **place),
            chat(f"chat-{run}", head_id=answer),
        )
        print(f"{question} question {turn}", flush=True)
        text = ""
        for number in range(5):
            store.messages.append(answer, f"part {number}, ")
            text += f"part {number}, "
            print(f"{answer} {text}", flush=True)
        store.messages.finish(message(answer, question, content=f"{text}end", **place))
        print(f"{answer} {text}end", flush=True)
        parent_id = answer


if __name__ == "__main__":
    main(*sys.argv[1:])

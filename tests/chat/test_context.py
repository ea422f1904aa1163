from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.chat.context import prompt_for, shortened
from app.domain.chat import Chat, Message, Role
from app.domain.model import Model
from app.engine.base import PromptMessage

MODEL = Model(id="m", name="M", path="/m.gguf", size_bytes=1, system_prompt="Be a model.")


def message(role: Role, content: str) -> Message:
    return Message(id=content or "empty", chat_id="c", role=role, created_ms=1, content=content)


def said(role: Role, content: str) -> PromptMessage:
    return PromptMessage(role=role, content=content)


def test_the_prompt_has_the_system_prompt_and_no_empty_answers() -> None:
    chat = Chat(id="c", created_ms=1, updated_ms=1, system_prompt="Be brief.")
    branch = [
        message(Role.USER, "one"),
        message(Role.ASSISTANT, ""),
        message(Role.USER, "two"),
    ]
    assert prompt_for(chat, MODEL, branch) == (
        said(Role.SYSTEM, "Be brief."),
        said(Role.USER, "one"),
        said(Role.USER, "two"),
    )


def test_a_chat_without_a_system_prompt_gets_the_model_s() -> None:
    chat = Chat(id="c", created_ms=1, updated_ms=1, system_prompt=" ")
    assert prompt_for(chat, MODEL, [])[0] == said(Role.SYSTEM, "Be a model.")


def test_the_oldest_turns_go_first() -> None:
    messages = [
        said(Role.SYSTEM, "system"),
        *(said(role, f"{index} " + "x" * 100) for index in range(4) for role in (Role.USER, Role.ASSISTANT)),
        said(Role.USER, "last"),
    ]
    kept = shortened(messages, prompt_tokens=1000, context_tokens=600)
    assert kept is not None
    assert kept[0] == messages[0]
    assert kept[1].role is Role.USER
    assert kept[-1] == messages[-1]
    assert list(kept[1:]) == messages[-len(kept) + 1 :]


def test_a_last_message_that_is_too_long_alone_cannot_be_helped() -> None:
    assert shortened([said(Role.SYSTEM, "s"), said(Role.USER, "x" * 9999)], 5000, 512) is None


@given(
    st.booleans(),
    st.lists(st.text(max_size=300), min_size=1, max_size=20),
    st.integers(1, 100_000),
    st.integers(1, 100_000),
)
def test_shortening_always_ends(
    has_system: bool, texts: list[str], prompt_tokens: int, context_tokens: int
) -> None:
    system = [said(Role.SYSTEM, "s")] if has_system else []
    turns = [said((Role.USER, Role.ASSISTANT)[i % 2], text) for i, text in enumerate(texts)]
    messages: tuple[PromptMessage, ...] | None = (*system, *turns)
    rounds = 0
    while messages is not None:
        shorter = shortened(messages, prompt_tokens, context_tokens)
        if shorter is not None:
            assert len(shorter) < len(messages)
            assert shorter[-1] == turns[-1]
            assert shorter[: len(system)] == tuple(system)
        messages = shorter
        rounds += 1
    assert rounds <= len(texts) + 1

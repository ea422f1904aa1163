from __future__ import annotations

from app.engine.worker.reasoning import FORMATS, ReasoningSplitter, State
from app.engine.worker.textflow import TextFlow


def flow(stops: tuple[str, ...] = (), *, thinks: bool = False) -> TextFlow:
    splitter = ReasoningSplitter(FORMATS if thinks else (), State.MAYBE)
    return TextFlow(stops, splitter)


def test_bytes_become_text_once_characters_are_whole():
    text = flow()
    data = "Grüße".encode()
    text.feed(data[:3])
    assert text.take() == ("Gr", "")
    text.feed(data[3:])
    assert text.take() == ("üße", "")
    assert not text.has_text


def test_reasoning_and_answer_come_apart():
    text = flow(thinks=True)
    for piece in (b"<think>", b"why", b"</think>", b"\n\nso"):
        text.feed(piece)
    assert text.take() == ("so", "why")


def test_a_stop_string_ends_the_text_before_it():
    text = flow(("\nUser:",))
    for piece in (b"Fine.", b"\nUs", b"er: and"):
        text.feed(piece)
    text.finish()
    assert text.is_stopped
    assert text.take() == ("Fine.", "")


def test_what_was_held_back_comes_at_the_end():
    text = flow(("\nUser:",), thinks=True)
    for piece in (b"<thi", b"nk", b"\nUs", "é".encode()[:1]):
        text.feed(piece)
    assert not text.has_text
    text.finish()
    assert text.take() == ("<think\nUs\ufffd", "")
    assert not text.is_stopped


def test_what_could_have_become_a_stop_string_is_shown_in_the_end():
    text = flow(("\nUser:",))
    text.feed(b"Fine.\nUs")
    assert text.take() == ("Fine.", "")
    text.finish()
    assert text.take() == ("\nUs", "")


def test_a_stop_string_may_end_in_the_last_cut_character():
    text = flow(("\ufffd",))
    text.feed(b"a\xc3")
    text.finish()
    assert text.is_stopped
    assert text.take() == ("a", "")

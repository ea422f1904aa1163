from __future__ import annotations

from app.engine.worker.reasoning.formats import THINK
from app.engine.worker.reasoning.marks import Marks
from app.engine.worker.reasoning.reader import splitter_for
from app.engine.worker.textflow import TextFlow
from tests.engine.worker.reasoning.tagwords import TagWords

TAGS = TagWords("<think>", "</think>")


def flow(stops: tuple[str, ...] = (), *, thinks: bool = False, words: TagWords | None = None) -> TextFlow:
    formats = (THINK,) if thinks else ()
    marks = Marks(words or TagWords(), formats)
    return TextFlow(stops, splitter_for(formats, marks), marks)


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


def test_a_mark_ends_a_cut_character():
    text = flow(thinks=True, words=TAGS)
    open_mark, close_mark = (Marks(TAGS, (THINK,)).of_token[token] for token in TAGS.ids)
    for piece in (open_mark, "é".encode()[:1], close_mark, b"so"):
        text.feed(piece)
    assert text.take() == ("so", "\ufffd")


def test_characters_are_whole_or_not():
    text = flow()
    text.feed("é".encode()[:1])
    assert not text.is_whole
    text.feed("é".encode()[1:])
    assert text.is_whole


def test_a_stop_string_may_be_a_tag_that_is_a_token():
    text = flow(("</think>",), thinks=True, words=TAGS)
    open_mark, close_mark = (Marks(TAGS, (THINK,)).of_token[token] for token in TAGS.ids)
    for piece in (open_mark, b"why", close_mark, b"so"):
        text.feed(piece)
    assert text.is_stopped
    assert text.take() == ("", "why")


def test_control_tokens_in_an_answer_are_not_shown():
    text = flow(thinks=True, words=TAGS)
    open_mark, close_mark = (Marks(TAGS, (THINK,)).of_token[token] for token in TAGS.ids)
    for piece in (b"a", open_mark, b"b", close_mark, b"c"):
        text.feed(piece)
    text.finish()
    assert text.take() == ("abc", "")

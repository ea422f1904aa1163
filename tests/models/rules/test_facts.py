from __future__ import annotations

from pathlib import Path

from app.models.gguf import GgufHeader, read_header
from app.models.rules.facts import key_length, per_layer, said, value_length, whole
from tests.models.rules.drafts import Change, changed, number, written


def header(folder: Path, *changes: Change) -> GgufHeader:
    draft = changed(lambda draft: [change(draft) for change in changes])
    return read_header(written(draft, folder / "m.gguf"))


def test_a_number_is_a_number_and_nothing_else(tmp_path):
    flag, text = number("llama.flag", True, 7), number("llama.text", b"3", 8)
    found = header(tmp_path, flag, text)
    assert (whole(found, "block_count"), whole(found, "flag"), whole(found, "text")) == (2, 0, 0)
    assert whole(found, "nothing", 7) == 7
    assert (said(found, "text"), said(found, "nothing")) == ("3", None)


def test_one_number_is_for_every_layer(tmp_path):
    found = header(tmp_path, number("llama.list", [3, 4], is_array=True))
    assert per_layer(found, "attention.head_count") == (4, 4)
    assert per_layer(found, "list") == (3, 4)
    assert per_layer(found, "nothing") == ()


def test_layers_without_end_are_not_counted_out(tmp_path):
    found = header(tmp_path, number("llama.block_count", 2**32 - 1))
    assert len(per_layer(found, "attention.head_count")) == 512


def test_a_head_is_its_part_of_the_embedding_unless_it_is_said(tmp_path):
    found = header(tmp_path, number("llama.attention.key_length", 48))
    assert (key_length(found), value_length(found)) == (48, 32)
    odd = header(tmp_path, number("llama.attention.head_count", 0), lambda draft: without_lengths(draft))
    assert (key_length(odd), value_length(odd)) == (0, 0)


def without_lengths(draft) -> None:
    draft.items = [
        item for item in draft.items if b"y_length" not in item.key and b"e_length" not in item.key
    ]

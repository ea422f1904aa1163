"""Words, strings, numbers and comments get their colour; all else stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.markdown.highlight import _BY_NAME, LONGEST_LINE, parts_of
from ui.markdown.view import MarkdownView
from ui.theme import transcript_font


def colored(language: str, *lines: str) -> list[tuple[str, str]]:
    state, found = 0, []
    for line in lines:
        parts, state = parts_of(line, _BY_NAME[language], state)
        found += [(line[begin:end], kind) for begin, end, kind in parts]
    return found


@pytest.mark.parametrize(
    ("language", "lines", "wanted"),
    [
        ("python", ["if x: y = 'a # b'  # c"], [("if", "kv"), ("'a # b'", "accent"), ("# c", "muted")]),
        (
            "python",
            ['"""a', "b = 1", 'c""" + 0x1F'],
            [*((t, "accent") for t in ('"""a', "b = 1", 'c"""')), ("0x1F", "warn")],
        ),
        (
            "c",
            ["int a; /* b", "c */ return 1;"],
            [("int", "kv"), ("/* b", "muted"), ("c */", "muted"), ("return", "kv"), ("1", "warn")],
        ),
        ("rust", ["fn f<'a>(x: &'a str) // y"], [("fn", "kv"), ("// y", "muted")]),
        ("bash", ["cat $#  # x", 'done "a"'], [("# x", "muted"), ("done", "kv"), ('"a"', "accent")]),
        ("sql", ["SELECT a -- b"], [("SELECT", "kv"), ("-- b", "muted")]),
        ("html", ["<!-- a --> it's <b>"], [("<!-- a -->", "muted")]),
        ("python", ["for_x = format1"], []),
    ],
)
def test_what_has_a_colour(language, lines, wanted):
    assert colored(language, *lines) == wanted


@given(st.sampled_from(sorted(_BY_NAME)), st.lists(st.text("ab1 \"'`/*#-<!>=\\[]{}😀%\n"), max_size=4))
def test_parts_are_in_order_and_within_the_line(name, lines):
    state = 0
    for line in lines:
        parts, state = parts_of(line, _BY_NAME[name], state)
        edges = [edge for begin, end, _ in parts for edge in (begin, end)]
        assert edges == sorted(edges)
        assert not edges or (edges[0] >= 0 and edges[-1] <= len(line))
        assert 0 <= state <= len(_BY_NAME[name].spans)


def colors(view: MarkdownView) -> list[str]:
    layout = view.panes()[0].document().firstBlock().layout()
    return [part.format.foreground().color().name() for part in layout.formats()]


def test_colours_come_with_the_text_and_follow_the_theme(theme, qapp):
    view = MarkdownView(theme, transcript_font())
    try:
        theme.choose("light")
        view.append("```python\n😀 = 1  # x")
        assert colors(view) == [theme.color(token).name() for token in ("warn", "muted")]
        theme.choose("dark")
        qapp.processEvents()
        assert colors(view) == [theme.color(token).name() for token in ("warn", "muted")]
        parts = view.panes()[0].document().firstBlock().layout().formats()
        assert [(part.start, part.length) for part in parts] == [(5, 1), (8, 3)]
    finally:
        theme.choose("system")
        view._pace.stop()
        view.deleteLater()


def test_lines_that_are_data_and_unknown_languages_have_none(theme):
    view = MarkdownView(theme, transcript_font())
    view.set_text("```json\n" + "1 " * LONGEST_LINE)
    assert colors(view) == []
    view.set_text("```klingon\nif 1")
    assert colors(view) == []
    view._pace.stop()
    view.deleteLater()

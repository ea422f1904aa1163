"""Results go to stdout, progress to a terminal only."""

from __future__ import annotations

import io

from app.cli.console import Console
from tests.cli.conftest import Terminal


def test_a_table_is_as_wide_as_its_entries():
    out = io.StringIO()
    Console(out, io.StringIO()).table(("A", "B"), [("long entry", "x"), ("", "")])
    assert out.getvalue() == "A           B\nlong entry  x\n\n"


def test_progress_is_for_terminals_only():
    out, err = io.StringIO(), io.StringIO()
    console = Console(out, err)
    console.status("half")
    console.whisper("hm")
    console.write("text")
    assert (out.getvalue(), err.getvalue()) == ("text", "")
    assert not console.shows_progress


def test_a_status_gives_way_to_what_follows():
    out, err = io.StringIO(), Terminal()
    console = Console(out, err)
    console.status("half")
    console.status("most")
    console.remark("done")
    console.clear_status()
    assert err.getvalue() == "\r\x1b[Khalf\r\x1b[Kmost\r\x1b[Kdone\n"


def test_thoughts_are_dim():
    err = Terminal()
    Console(io.StringIO(), err).whisper("hm")
    assert err.getvalue() == "\x1b[2mhm\x1b[0m"


def test_what_the_terminal_cannot_show_is_marked():
    raw = io.BytesIO()
    console = Console(io.TextIOWrapper(raw, encoding="ascii"), io.StringIO())
    console.write("crème")
    assert raw.getvalue() == b"cr?me"

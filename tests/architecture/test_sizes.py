"""Files stay short enough to read in one go. There is no list of exceptions."""

from __future__ import annotations

from tests.architecture.sources import sources

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
EVERYTHING = ("app", "ui", "tests", "packaging")


def test_files_are_short():
    long = [f"{s.name}: {s.lines}" for s in sources(*EVERYTHING) if s.lines > MAX_FILE_LINES]
    assert long == []


def test_functions_are_short():
    long = [
        f"{source.name}:{node.lineno} {node.name}: {length}"
        for source in sources(*EVERYTHING)
        for node in source.functions()
        if (length := (node.end_lineno or 0) - node.lineno + 1) > MAX_FUNCTION_LINES
    ]
    assert long == []

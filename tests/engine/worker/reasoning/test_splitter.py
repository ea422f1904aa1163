from __future__ import annotations

from app.engine.worker.reasoning.splitter import PlainSplitter


def test_without_reasoning_all_is_answer():
    splitter = PlainSplitter()
    assert splitter.feed("<think>") == ("<think>", "")
    assert splitter.finish() == ("", "")

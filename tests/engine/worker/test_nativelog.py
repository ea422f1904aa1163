from __future__ import annotations

import logging

import pytest

from app.engine.worker.nativelog import NativeLog

INFO, WARN, CONTINUED, DEBUG = 2, 3, 5, 1


def test_lines_are_put_together_from_pieces():
    native = NativeLog()
    for level, text in ((INFO, b"load"), (CONTINUED, b"ing ."), (CONTINUED, b".\nnext"), (CONTINUED, b"\n")):
        native.receive(level, text)
    assert native.lines() == ("loading ..", "next")


def test_warnings_reach_our_log(expect_log, caplog: pytest.LogCaptureFixture):
    expect_log("odd token")
    NativeLog().receive(WARN, b"odd token\n")
    assert [(record.name, record.levelno) for record in caplog.records] == [("llama", logging.WARNING)]


def test_what_is_expected_is_not_passed_on():
    native = NativeLog()
    native.is_expected = lambda: True
    native.receive(WARN, b"failed to compute graph\n")
    assert native.lines() == ("failed to compute graph",)


def test_debug_lines_are_not_remembered():
    native = NativeLog()
    native.receive(DEBUG, b"noise\n")
    native.receive(INFO, b"news\n")
    assert native.lines() == ("news",)


def test_each_deed_has_its_own_memory():
    native = NativeLog()
    native.receive(INFO, b"before\n")
    native.forget()
    native.receive(INFO, None)
    native.receive(INFO, b"\xff after\n")
    assert native.lines() == ("\ufffd after",)

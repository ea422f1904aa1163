from __future__ import annotations

import errno
import os
import struct

import pytest

from app.engine.worker.syscalls import _MACHINES, drop_privileges, syscall, this_machine

GETPID = {"x86_64": 39, "aarch64": 172}
CLOSE = {"x86_64": 3, "aarch64": 57}


def test_a_call_returns_its_result_or_the_error_with_a_minus_sign():
    machine = os.uname().machine
    assert syscall(GETPID[machine]) == os.getpid()
    assert syscall(CLOSE[machine], -1) == -errno.EBADF


@pytest.mark.parametrize(("name", "is_known"), [("x86_64", True), ("aarch64", True), ("riscv64", False)])
def test_only_processors_whose_numbers_are_known_are_used(monkeypatch, name, is_known):
    monkeypatch.setattr("platform.machine", lambda: name)
    assert (this_machine() is not None) == is_known


def test_a_32_bit_process_is_none_of_them(monkeypatch):
    monkeypatch.setattr("sys.maxsize", 2**31 - 1)
    assert this_machine() is None


@pytest.mark.parametrize("machine", _MACHINES.values(), ids=_MACHINES)
def test_an_administrator_keeps_only_the_right_to_other_people_s_files(machine):
    asked = []

    def call(number: int, *arguments: object) -> int:
        if number == machine.capget:
            arguments[1].raw = struct.pack("=6I", *[0xFFFFFFFF] * 6)
        asked.append((number, arguments))
        return 0

    drop_privileges(machine, call)
    assert asked[0] == (machine.prctl, (38, 1, 0, 0, 0))
    number, (_, kept) = asked[-1]
    assert number == machine.capset
    assert struct.unpack("=6I", kept.raw[:24]) == (0b110, 0b110, 0, 0, 0, 0)

"""Filters, run by a small interpreter of their language: every call, both processors."""

from __future__ import annotations

import errno
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.worker import seccomp
from app.engine.worker.seccomp import Instruction, bare, everyday, install, numbered
from app.engine.worker.syscalls import _MACHINES, Machine

MACHINES = [pytest.param(machine, id=name) for name, machine in _MACHINES.items()]
ALLOWED = "allowed"
CLONE_VM, CLONE_NEWUSER, CLONE_NEWNET = 0x100, 0x10000000, 0x40000000
X32 = 0x40000000


def run(program: list[Instruction], *, arch: int, number: int, argument: int = 0, flags: int = 0) -> str:
    """Returns "allowed" or the name of the error the call fails with. `flags` is its second and third
    argument."""
    data = {0: number, 4: arch, 16: argument, 24: flags, 32: flags}
    value = place = 0
    while True:
        code, if_true, if_false, operand = program[place]
        place += 1
        if code == 0x20:
            value = data[operand]
        elif code == 0x54:
            value &= operand
        elif code == 0x06:
            return ALLOWED if operand == 0x7FFF0000 else errno.errorcode[operand & 0xFFFF]
        else:
            holds = {0x15: value == operand, 0x35: value >= operand, 0x45: bool(value & operand)}[code]
            place += if_true if holds else if_false


def calls(machine: Machine, table: str) -> set[int]:
    return {pair[machine.column] for pair in numbered(table).values()} - {-1}


@pytest.mark.parametrize("machine", MACHINES)
def test_an_engine_child_is_denied_the_list_and_nothing_else(machine):
    denied = calls(machine, seccomp._NETWORK + seccomp._OTHERS)
    program = everyday(machine)
    found = {n for n in range(600) if run(program, arch=machine.audit_arch, number=n) == "EPERM"}
    assert found == denied


@pytest.mark.parametrize("machine", MACHINES)
def test_with_layers_elsewhere_only_the_network_is_open(machine):
    program = everyday(machine, may_network=True)
    found = {n for n in range(600) if run(program, arch=machine.audit_arch, number=n) == "EPERM"}
    assert found == calls(machine, seccomp._OTHERS)


@pytest.mark.parametrize("machine", MACHINES)
def test_the_helper_is_allowed_the_list_and_nothing_else(machine):
    program = bare(machine)
    found = {n for n in range(600) if run(program, arch=machine.audit_arch, number=n) == ALLOWED}
    assert found == calls(machine, seccomp._COMPUTING)


@pytest.mark.parametrize("machine", MACHINES)
def test_new_processes_stay_where_they_are(machine):
    program, number = everyday(machine), seccomp._CLONE[machine.column]
    for flags, expected in ((17, ALLOWED), (CLONE_VM, ALLOWED), (CLONE_NEWUSER | 17, "EPERM")):
        assert run(program, arch=machine.audit_arch, number=number, argument=flags) == expected
    assert run(program, arch=machine.audit_arch, number=number, argument=CLONE_NEWNET) == "EPERM"
    # Python's and the C library's way out when there is no clone3: clone.
    assert run(program, arch=machine.audit_arch, number=435) == "ENOSYS"


@pytest.mark.parametrize("machine", MACHINES)
@given(flags=st.integers(0, 2**22))
def test_a_file_is_only_emptied_by_those_who_may_write_to_it(machine, flags):
    program = everyday(machine)
    is_sly = flags & os.O_TRUNC and flags & os.O_ACCMODE in (os.O_RDONLY, os.O_ACCMODE)
    for number in (seccomp._OPEN[machine.column], seccomp._OPENAT[machine.column]):
        if number >= 0:
            found = run(program, arch=machine.audit_arch, number=number, flags=flags)
            assert found == ("EPERM" if is_sly else ALLOWED)
    assert run(program, arch=machine.audit_arch, number=437) == "ENOSYS"


@pytest.mark.parametrize("machine", MACHINES)
@settings(max_examples=50)
@given(number=st.integers(0, 2**32 - 1), arch=st.integers(0, 2**32 - 1), argument=st.integers(0, 2**32 - 1))
def test_no_other_way_of_calling_gets_through(machine, number, arch, argument):
    for program in (everyday(machine), bare(machine)):
        if arch != machine.audit_arch:
            assert run(program, arch=arch, number=number, argument=argument) == "EPERM"
        assert run(program, arch=machine.audit_arch, number=number | X32) == "EPERM"


@pytest.mark.parametrize("machine", MACHINES)
def test_filters_are_as_long_as_a_jump_reaches(machine):
    for program in (everyday(machine), bare(machine)):
        assert max(max(step[1:3]) for step in program) < 256


def test_the_two_columns_are_no_copies():
    table = numbered(seccomp._NETWORK + seccomp._OTHERS + seccomp._COMPUTING)
    assert table["socket"] == (41, 198)
    for column in (0, 1):
        numbers = [pair[column] for pair in table.values() if pair[column] >= 0]
        assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(("answer", "expected"), [(0, 0), (-errno.EINVAL, -errno.EINVAL), (77, -errno.EPERM)])
def test_a_thread_that_could_not_be_confined_is_an_error(answer, expected):
    asked = []

    def call(*arguments: object) -> int:
        asked.append(arguments)
        return answer

    machine = _MACHINES["aarch64"]
    assert install(bare(machine), machine, call) == expected
    assert asked[0][:3] == (277, 1, 5)

"""System calls that neither Python nor the C library has a function for. Linux, 64 bits, two processors.

A test passes a `Syscall` of its own and so plays any kernel.
"""

from __future__ import annotations

import ctypes
import functools
import platform
import struct
import sys
from collections.abc import Callable
from typing import Any

from app.domain.value import Value

# Takes a number and arguments; returns the result, or the error's number with a minus sign.
Syscall = Callable[..., int]

NO_NEW_PRIVS = 38  # PR_SET_NO_NEW_PRIVS
_CAPABILITIES_VERSION = 0x20080522
_KEPT_CAPABILITIES = 0b110  # reading and writing whatever the owner: a model may be someone else's


class Machine(Value):
    """What differs between processors. `column` is the place of its numbers in the tables of `seccomp`."""

    column: int
    audit_arch: int  # how a filter knows that a call was made in this processor's 64-bit way
    prctl: int
    seccomp: int
    capget: int
    capset: int


_MACHINES = {
    "x86_64": Machine(column=0, audit_arch=0xC000003E, prctl=157, seccomp=317, capget=125, capset=126),
    "aarch64": Machine(column=1, audit_arch=0xC00000B7, prctl=167, seccomp=277, capget=90, capset=91),
}


def this_machine() -> Machine | None:
    """Returns None on processors whose numbers are not known here, and in 32-bit processes."""
    return _MACHINES.get(platform.machine()) if sys.maxsize > 2**32 else None


def syscall(number: int, *arguments: object) -> int:
    """Makes the call. An argument is an int, or something ctypes passes as a pointer."""
    ctypes.set_errno(0)
    result = int(_function()(ctypes.c_long(number), *(_whole(argument) for argument in arguments)))
    return -ctypes.get_errno() if result == -1 else result


def drop_privileges(machine: Machine, call: Syscall) -> None:
    """Makes sure that no program started from here on gains rights (setuid); Landlock and filters need it.
    Whoever is root, as in many containers, gives up most of what that means."""
    call(machine.prctl, NO_NEW_PRIVS, 1, 0, 0, 0)
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITIES_VERSION, 0))
    held = ctypes.create_string_buffer(struct.calcsize("=6I"))  # effective, permitted, inheritable; twice
    if call(machine.capget, header, held) == 0:
        kept = struct.unpack("=6I", held.raw)[1] & _KEPT_CAPABILITIES
        call(machine.capset, header, ctypes.create_string_buffer(struct.pack("=6I", kept, kept, 0, 0, 0, 0)))


@functools.cache
def _function() -> Any:
    function = ctypes.CDLL(None, use_errno=True).syscall
    function.restype = ctypes.c_long
    return function


def _whole(argument: object) -> object:
    # Without this ctypes passes 32 bits and leaves the upper half of the register as it was.
    return ctypes.c_long(argument) if isinstance(argument, int) else argument

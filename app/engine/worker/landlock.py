"""Landlock: a process gives up all of the file system but what it names. Linux 5.13 and newer.

It holds for the calling thread and all that come after it, so it is asked for before there are others. Each
kernel knows a few more rights; what one does not know is left as it was. https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from enum import IntFlag
from pathlib import Path

from app.domain.value import Value
from app.engine.worker.syscalls import Syscall

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same number on every processor
_ASK_VERSION = 1
_PATH_BENEATH = 1
_TCP = 0b11  # bind, connect
_SCOPES = 0b11  # sockets without a file, signals: only within what is confined alike


class Access(IntFlag):
    """LANDLOCK_ACCESS_FS_*"""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13  # from version 2
    TRUNCATE = 1 << 14  # 3
    IOCTL_DEV = 1 << 15  # 5


READ = Access.READ_FILE | Access.READ_DIR
WRITE = (
    READ
    | Access.WRITE_FILE
    | Access.REMOVE_DIR
    | Access.REMOVE_FILE
    | Access.MAKE_DIR
    | Access.MAKE_REG
    | Access.REFER
    | Access.TRUNCATE
)
DEVICE = READ | Access.WRITE_FILE | Access.IOCTL_DEV
_OF_FILES = Access.EXECUTE | Access.WRITE_FILE | Access.READ_FILE | Access.TRUNCATE | Access.IOCTL_DEV
_FIRST_VERSION = (1 << 13) - 1
_LATER = {2: Access.REFER, 3: Access.TRUNCATE, 5: Access.IOCTL_DEV}
_TCP_VERSION, _SCOPES_VERSION = 4, 6


class Rule(Value):
    """Allows `access` to a file, or to a folder and all in it. What is not there is passed over."""

    path: Path
    access: Access


def version(call: Syscall) -> int:
    """Returns the newest version this kernel knows, or an error's number with a minus sign."""
    return call(CREATE_RULESET, None, 0, _ASK_VERSION)


def restrict(rules: Iterable[Rule], call: Syscall, *, may_network: bool = False) -> int:
    """Denies everything but the rules, for ever. Returns the version in force, or an error's number with a
    minus sign; then nothing has changed. Needs `drop_privileges`."""
    known = version(call)
    if known < 1:
        return known
    handled = _handled(known)
    attributes = _attributes(known, handled, 0 if may_network else _TCP)
    ruleset = call(
        CREATE_RULESET, ctypes.create_string_buffer(attributes, len(attributes)), len(attributes), 0
    )
    if ruleset < 0:
        return ruleset
    try:
        for rule in rules:
            _add(ruleset, rule, handled, call)
        result = call(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return known if result == 0 else result


def _handled(known: int) -> int:
    later = (access for since, access in _LATER.items() if since <= known)
    return _FIRST_VERSION | sum(later)


def _attributes(known: int, handled: int, tcp: int) -> bytes:
    """Returns `struct landlock_ruleset_attr`, as long as this kernel knows it."""
    fields = [handled]
    if known >= _TCP_VERSION:
        fields.append(tcp)
    if known >= _SCOPES_VERSION:
        fields.append(_SCOPES)
    return struct.pack(f"={len(fields)}Q", *fields)


def _add(ruleset: int, rule: Rule, handled: int, call: Syscall) -> None:
    try:
        place = os.open(rule.path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        access = rule.access & handled
        if not rule.path.is_dir():
            access &= _OF_FILES
        beneath = struct.pack("=Qi", access, place)
        # A refusal only leaves that path closed.
        call(ADD_RULE, ruleset, _PATH_BENEATH, ctypes.create_string_buffer(beneath, len(beneath)), 0)
    finally:
        os.close(place)

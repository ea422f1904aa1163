"""What is asked of each kernel. What it then denies is in `test_confinement`."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import pytest

from app.engine.worker import landlock
from app.engine.worker.landlock import DEVICE, READ, WRITE, Access, Rule, restrict


class Kernel:
    """Knows a version of Landlock and keeps what it was asked."""

    def __init__(self, version: int, *, refuses: int = 0) -> None:
        self._version = version
        self._refuses = refuses
        self.attributes: tuple[int, ...] = ()
        self.rules: list[tuple[str, Access]] = []
        self.restricted: int | None = None

    def __call__(self, number: int, *arguments: object) -> int:
        if number == landlock.ADD_RULE:
            access, place = struct.unpack("=Qi", arguments[2].raw)
            self.rules.append((str(Path(f"/proc/self/fd/{place}").readlink()), Access(access)))
            return 0
        if number == landlock.RESTRICT_SELF:
            self.restricted = arguments[0]
            return -self._refuses
        if arguments[0] is None:
            return self._version
        self.attributes = struct.unpack(f"={arguments[1] // 8}Q", arguments[0].raw)
        return os.open(os.devnull, os.O_RDONLY)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (1, (0x1FFF,)),
        (2, (0x3FFF,)),
        (3, (0x7FFF,)),
        (4, (0x7FFF, 3)),
        (5, (0xFFFF, 3)),
        (6, (0xFFFF, 3, 3)),
        (9, (0xFFFF, 3, 3)),
    ],
)
def test_each_version_is_asked_for_what_it_knows(version, expected):
    kernel = Kernel(version)
    assert restrict((), kernel) == version
    assert kernel.attributes == expected
    assert kernel.restricted is not None


def test_the_network_is_left_open_where_it_must_be():
    kernel = Kernel(7)
    restrict((), kernel, may_network=True)
    assert kernel.attributes == (0xFFFF, 0, 3)


def test_rules_ask_for_no_right_that_does_not_fit(tmp_path: Path):
    (tmp_path / "file").touch()
    kernel = Kernel(1)
    rules = [
        Rule(path=tmp_path, access=WRITE),
        Rule(path=tmp_path / "file", access=READ | Access.EXECUTE),
        Rule(path=tmp_path / "missing", access=READ),
        Rule(path=Path("/dev/null"), access=DEVICE),
    ]
    restrict(rules, kernel)
    assert kernel.rules == [
        (str(tmp_path), WRITE & ~(Access.REFER | Access.TRUNCATE)),
        (str(tmp_path / "file"), Access.READ_FILE | Access.EXECUTE),
        ("/dev/null", Access.READ_FILE | Access.WRITE_FILE),
    ]


def test_a_kernel_without_it_changes_nothing():
    kernel = Kernel(-errno.ENOSYS)
    assert restrict((), kernel) == -errno.ENOSYS
    assert (kernel.attributes, kernel.restricted) == ((), None)


def test_a_refusal_is_told_and_nothing_is_left_open():
    before = set(Path("/proc/self/fd").iterdir())
    assert restrict((), Kernel(7, refuses=errno.EPERM)) == -errno.EPERM
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_a_set_of_rules_that_cannot_be_made_is_told():
    def call(number: int, *arguments: object) -> int:
        return 7 if arguments[0] is None else -errno.EINVAL

    assert restrict((), call) == -errno.EINVAL

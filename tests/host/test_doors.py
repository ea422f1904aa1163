from __future__ import annotations

import multiprocessing.connection
import threading
from pathlib import Path

import pytest

from app.host.doors import open_door
from tests.waiting import wait_until


def test_who_knocks_is_let_in_and_closing_wakes_who_waits(tmp_path: Path) -> None:
    address = str(tmp_path / "run" / "s")
    door = open_door(address)
    came: list[object] = []

    def accept() -> None:
        while (connection := door.accept()) is not None:
            came.append(connection.recv_bytes())
            connection.close()

    porter = threading.Thread(target=accept)
    porter.start()
    with multiprocessing.connection.Client(address, "AF_UNIX") as knocker:
        knocker.send_bytes(b"hello")
        wait_until(lambda: came)
    door.close()
    porter.join()
    door.remove()
    assert came == [b"hello"]
    assert not Path(address).exists()


def test_a_place_that_cannot_be_had_is_said(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="AF_UNIX path too long"):
        open_door(str(tmp_path / ("x" * 200)))

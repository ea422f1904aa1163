"""kill -9 in mid-transfer: at most a chunk of each range is fetched again, and no wrong byte is kept."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.domain.transfer import TransferState
from app.downloads.files import place_for
from app.downloads.parts import PartMap, Place
from tests.downloads.pulling import LIMITS
from tests.downloads.rig import REPO, Rig
from tests.fakes.gguf_file import gguf_bytes
from tests.fakes.hub_server import HubServer
from tests.realmodels import smollm2
from tests.waiting import wait_until

NAME = "tiny-Q4_K_M.gguf"
BIG = gguf_bytes(16_000_000)


def saved(place: Place) -> int:
    """Returns how many bytes the journal vouches for."""
    journal = place.read_journal()
    return PartMap(journal.identity.size_bytes, journal.done).done_bytes if journal else 0


def killed(rig: Rig, server: HubServer, sent: int) -> None:
    """Starts a pull and kills it as soon as so many bytes have gone out to it."""
    server.record.allow(sent)
    command = [sys.executable, "-m", "tests.downloads.pulling", str(rig.paths.home), server.url, REPO]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as process:
        wait_until(lambda: server.record.left == 0 or process.poll() is not None, 60)
        process.kill()
        output, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, output


def kill_often(rig: Rig, server: HubServer, times: int, seed: int) -> None:
    server.add_repo(REPO, {NAME: BIG})
    place = place_for(rig.paths.models, REPO, NAME)
    chance = random.Random(seed)
    before = 0
    for left in range(times, 0, -1):
        room = (len(BIG) - before) // (left + 1)
        sent = chance.randrange(1, 2 * room)
        killed(rig, server, sent)
        kept = saved(place)
        assert kept >= before
        assert sent - (kept - before) <= LIMITS.ranges * LIMITS.chunk_bytes
        before = kept
    server.record.allow(None)
    so_far = server.sent_bytes()
    done = rig.finished()
    assert done.state is TransferState.DONE
    assert rig.content(NAME) == BIG
    assert rig.files() == {f"{REPO}/{NAME}": len(BIG)}
    assert server.sent_bytes() - so_far == len(BIG) - before


def test_after_kills_only_the_rest_is_fetched(rig: Rig, server: HubServer):
    kill_often(rig, server, 3, seed=1)


@pytest.mark.slow
def test_after_many_kills_only_the_rest_is_fetched(rig: Rig, server: HubServer):
    kill_often(rig, server, 25, seed=2)


def test_a_real_model_in_several_ranges(rig: Rig, server: HubServer):
    server.add_repo("me/Smol-GGUF", {"smol-Q4_1.gguf": smollm2()})
    for after in (20_000_000, 3_000_000):
        server.fault("cut", after=after)
    done = rig.finished(repo="me/Smol-GGUF")
    assert done.state is TransferState.DONE
    (model,) = rig.library.models()
    size = smollm2().stat().st_size
    assert (model.id, model.parameters, model.size_bytes) == ("smol:q4_1", 134_515_008, size)
    assert server.sent_bytes() == size
    assert len([asked for asked in server.log("cdn") if not asked.fault]) == 3  # of 32 MiB each

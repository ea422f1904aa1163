"""kill -9 in mid-transfer: what was fetched is not fetched again, and no wrong byte is kept."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.transfer import TransferState
from app.downloads.files import place_for
from app.downloads.parts import Place
from tests.downloads.rig import DATA, REPO, Rig
from tests.fakes.hub_server import HubControl, HubServer, hub_process
from tests.realmodels import smollm2
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
NAME = "tiny-Q4_K_M.gguf"


def saved(place: Place) -> int:
    """Returns how many bytes the journal vouches for."""
    journal = place.read_journal()
    return journal.done[-1][1] if journal and journal.done else 0


def killed_beyond(place: Place, home: Path, hub: str, repo: str, at_bytes: int) -> int:
    """Starts a pull, kills it once it has saved so much, and returns what it had saved in the end."""
    command = [sys.executable, "-m", "tests.downloads.pulling", str(home), hub, repo]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as process:
        wait_until(lambda: saved(place) >= at_bytes or process.poll() is not None, 60)
        process.kill()
        output, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, output
    return saved(place)


def test_after_kills_only_the_rest_is_fetched(rig: Rig, server: HubServer):
    for after in (300_000, 500_000):
        server.fault("stall", after=after)  # a transfer cannot be over before it is killed
    place = place_for(rig.paths.models, REPO, NAME)
    kept = [killed_beyond(place, rig.paths.home, server.url, REPO, at) for at in (200_000, 700_000)]
    assert 200_000 <= kept[0] < kept[1] < len(DATA)
    done = rig.finished()
    assert done.state is TransferState.DONE
    assert rig.content(NAME) == DATA
    assert rig.files() == {f"{REPO}/{NAME}": len(DATA)}
    ranges = [asked.range for asked in server.log("cdn")]
    assert ranges == ["", *(f"bytes={at}-{len(DATA) - 1}" for at in kept)]
    assert server.log("cdn")[-1].sent_bytes == len(DATA) - kept[1]


@pytest.fixture
def far_hub(home: Path) -> Iterator[HubControl]:
    with hub_process(home.parent, {"me/Smol-GGUF/smol-Q4_1.gguf": smollm2()}) as control:
        yield control


def test_a_real_model_from_a_hub_elsewhere(rig: Rig, far_hub: HubControl):
    repo, size = "me/Smol-GGUF", smollm2().stat().st_size
    place = place_for(rig.paths.models, repo, "smol-Q4_1.gguf")
    far_hub.fault("stall", after=30_000_000)
    kept = killed_beyond(place, rig.paths.home, far_hub.environment["HF_ENDPOINT"], repo, 10_000_000)
    far_hub.fault("cut", after=20_000_000)
    done = rig.finished(repo=repo, **far_hub.environment)
    assert done.state is TransferState.DONE
    (model,) = rig.library.models()
    assert (model.id, model.parameters, model.size_bytes) == ("smol:q4_1", 134_515_008, size)
    ranges = [asked.range for asked in far_hub.log("cdn")]
    assert ranges == ["", f"bytes={kept}-{size - 1}", f"bytes={kept + 20_000_000}-{size - 1}"]
    assert sum(asked.sent_bytes for asked in far_hub.log("cdn")[1:]) == size - kept

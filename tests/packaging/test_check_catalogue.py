"""`make check-catalogue` against a Hub on this machine: what differs is said, what is true is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT
from tests.fakes.hub_server import HubServer
from tests.models.test_catalogue import FAMILY, MODEL

SIZE = 2_000
TRUE = MODEL.replace("7_000_000_000", str(2 * SIZE)).replace("4_000_000_000", str(SIZE))


def check(folder: Path, text: str, server: HubServer) -> subprocess.CompletedProcess[str]:
    path = folder / "catalogue.toml"
    path.write_text(FAMILY + text)
    return subprocess.run(
        [sys.executable, "packaging/check_catalogue.py", str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **server.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def server():
    with HubServer() as running:
        yield running


def test_a_catalogue_that_is_true_passes(tmp_path: Path, server: HubServer):
    server.add_repo("owner/Some-7B-GGUF", {"Some-7B-Q4_K_M.gguf": bytes(SIZE)})
    done = check(tmp_path, TRUE, server)
    assert (done.returncode, done.stdout) == (0, "1 models of 2026-05-05, 0 differences\n")


def test_what_the_hub_says_otherwise_is_named(tmp_path: Path, server: HubServer):
    server.add_repo("owner/Some-7B-GGUF", {"Some-7B-Q8_0.gguf": bytes(SIZE)}, gated=True)
    gone = TRUE.replace("owner/Some-7B-GGUF", "owner/Gone-GGUF")
    done = check(tmp_path, TRUE + gone, server)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "owner/Some-7B-GGUF: gated is true",
        "owner/Some-7B-GGUF: there is no Q4_K_M (but Q8_0)",
        "owner/Gone-GGUF: repo-not-found {'repo': 'owner/Gone-GGUF'}",
        "2 models of 2026-05-05, 3 differences",
    ]
    (asked, *_) = server.log("api")
    assert asked.agent.startswith("cove/")

"""Sessions: huggingface_hub speaks as the client's environment says, and as nobody else's."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from app.domain.notice import NoticeCode
from app.errors import KnownError
from app.network.door import Door
from app.network.hub import Hub
from app.network.ledger import Ledger
from tests.fakes.hub_server import HubServer


@pytest.fixture
def server():
    with HubServer() as running:
        running.add_repo("me/a", {"README.md": b"hello"}, private=True, token="hf_mine")
        yield running


@pytest.fixture
def door():
    made = Door(Ledger(), lambda: False)
    yield made
    made.close()


def test_the_session_s_token_is_sent(server: HubServer, door: Door, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_TOKEN", "hf_stranger")
    with Hub(door).session({**server.environment, "HF_TOKEN": "hf_mine"}, "test") as session:
        assert session.api.model_info("me/a").id == "me/a"
    (asked,) = server.log()
    assert asked.token == "hf_mine"
    assert asked.agent.startswith("cove/")


def test_no_token_is_found_elsewhere(server: HubServer, door: Door, monkeypatch: pytest.MonkeyPatch):
    from huggingface_hub.errors import RepositoryNotFoundError

    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    with Hub(door).session(server.environment, "test") as session, pytest.raises(RepositoryNotFoundError):
        session.api.model_info("me/a")
    assert [asked.token for asked in server.log()] == [""]


def test_sessions_on_two_threads_do_not_mix(server: HubServer, door: Door):
    hub = Hub(door)
    server.add_repo("me/b", {}, private=True, token="hf_other")
    together = threading.Barrier(2)

    def ask(repo: str, token: str) -> None:
        with hub.session({**server.environment, "HF_TOKEN": token}, repo) as session:
            for _ in range(10):
                together.wait(20)
                session.api.model_info(repo)

    threads = [
        threading.Thread(target=ask, args=each) for each in (("me/a", "hf_mine"), ("me/b", "hf_other"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(asked.path, asked.token, asked.status) for asked in server.log()} == {
        ("/api/models/me/a", "hf_mine", 200),
        ("/api/models/me/b", "hf_other", 200),
    }


def test_offline_is_said_before_anything_is_begun(server: HubServer):
    for door, more in ((Door(Ledger(), lambda: True), {}), (Door(Ledger(), bool), {"HF_HUB_OFFLINE": "1"})):
        with (
            pytest.raises(KnownError) as caught,
            Hub(door).session({**server.environment, **more}, "test"),
        ):
            pass
        assert caught.value.notice.code is NoticeCode.OFFLINE
    assert server.log() == []


def test_a_stream_is_read_as_it_comes(server: HubServer, door: Door):
    environment = {**server.environment, "HF_TOKEN": "hf_mine"}
    with Hub(door).session(environment, "test") as session:
        url = f"{server.url}/me/a/resolve/main/README.md"
        with session.stream(url, session.headers(), silence_s=5) as response:
            assert b"".join(response.iter_raw()) == b"hello"


def test_an_error_of_the_disk_is_not_taken_for_the_network_s(server: HubServer, door: Door):
    with Hub(door).session(server.environment, "test") as session:
        url = f"{server.url}/anything"
        with pytest.raises(OSError, match="disk"), session.stream(url, {}, silence_s=5):
            raise OSError("disk")


def test_telemetry_and_the_other_transfer_are_off(server: HubServer, door: Door):
    from huggingface_hub import constants
    from huggingface_hub.utils._runtime import is_xet_available

    with Hub(door).session(server.environment, "test"):
        assert constants.HF_HUB_DISABLE_TELEMETRY
        assert not is_xet_available()


def test_the_library_s_own_environment_is_not_asked(server: HubServer):
    """In a fresh process whose variables say offline and elsewhere, the session's still hold."""
    variables = {"HF_ENDPOINT": server.url, "HF_TOKEN": "hf_mine"}
    program = (
        "import sys, logging; logging.basicConfig(level=0)\n"
        "from app.network.door import Door; from app.network.hub import Hub\n"
        "from app.network.ledger import Ledger\n"
        "assert 'httpx2' not in sys.modules and 'huggingface_hub' not in sys.modules\n"
        f"with Hub(Door(Ledger(), bool)).session({variables}, 'test') as session:\n"
        "    print(session.api.model_info('me/a').id)\n"
        "assert 'hf_xet' not in sys.modules\n"
    )
    nowhere = "http://127.0.0.1:9"
    environment = dict.fromkeys(("HF_ENDPOINT", "HTTP_PROXY", "ALL_PROXY"), nowhere)
    environment |= dict.fromkeys(("HF_HUB_OFFLINE", "HF_DEBUG"), "1")
    environment |= dict.fromkeys(("HF_TOKEN", "AI_AGENT", "HF_HUB_USER_AGENT_ORIGIN"), "somebody")
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("me/a\n", 0), done.stderr
    assert "me/a" not in done.stderr  # nothing of it was logged
    (asked,) = server.log()
    assert asked.token == "hf_mine"
    assert "some" not in asked.agent

"""`cove pull` from a Hub on this machine: by quant, after a kill, and what goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.downloads.files import place_for
from app.paths import Paths, starter_model
from tests.downloads.test_kill import saved
from tests.e2e.processes import Cove, kill
from tests.fakes.gguf_file import gguf_bytes
from tests.fakes.hub_server import HubServer
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

REPO = "tests/SmolLM2-135M-Instruct-GGUF"


@pytest.fixture
def hub():
    with HubServer() as hub:
        yield hub


@pytest.fixture
def scripted(scripted: Cove, hub) -> Cove:
    scripted.environment |= hub.environment
    return scripted


def three_quants(hub, **replaced):
    files = {
        f"SmolLM2-135M-Instruct-{quant}.gguf": gguf_bytes(seed=i) for i, quant in enumerate(("Q2_K", "Q8_0"))
    }
    hub.add_repo(REPO, {**files, **replaced})


@pytest.mark.llama
def test_a_model_by_its_quant_answers(cove, hub):
    cove.environment |= hub.environment
    three_quants(hub, **{"SmolLM2-135M-Instruct-Q4_1.gguf": starter_model()})
    pulled = cove("pull", f"{REPO}:q4_1")
    assert pulled.code == 0, pulled
    model = pulled.out.strip()
    shown = cove("show", model, "--json").json
    assert shown["source"]["repo"] == REPO
    assert hub.sent_bytes() == pytest.approx(starter_model().stat().st_size, rel=0.05)
    answer = cove.ask(model, "What is the capital of France?", "--temperature", "0", "--max-tokens", "30")
    assert "Paris" in answer["text"]
    assert answer["model"] == model
    again = cove("pull", f"{REPO}:q4_1", "--json")
    assert again.json["model"] == model
    assert cove("rm", model).code == 0
    assert model not in cove("list").out


def test_after_a_kill_only_the_rest_is_fetched(scripted, hub):
    name, whole = "SmolLM2-135M-Instruct-Q4_1.gguf", gguf_bytes(12_000_000)
    three_quants(hub, **{name: whole})
    hub.rate = 6_000_000
    hub.fault("stall", after=9_000_000)  # it cannot be over before it is killed
    running = scripted.start("pull", f"{REPO}:q4_1")
    place = place_for(Paths(scripted.home).models, REPO, name)
    wait_until(lambda: saved(place) > 0, what="a part of the file that survives")
    running.kill()
    kill(scripted.hosts())
    kept = saved(place)
    hub.rate = 0
    pulled = scripted("pull", f"{REPO}:q4_1")
    assert pulled.code == 0, pulled
    assert hub.log("cdn", "GET")[-1].sent_bytes == len(whole) - kept
    path = scripted("show", pulled.out.strip(), "--json").json["path"]
    assert Path(path).read_bytes() == whole


def test_a_pull_survives_its_host(scripted, hub):
    """The client starts another host, asks again, and ends as if nothing had been."""
    three_quants(hub, **{"SmolLM2-135M-Instruct-Q4_1.gguf": gguf_bytes(9_000_000)})
    hub.rate = 6_000_000
    running = scripted.start("pull", f"{REPO}:q4_1")
    wait_until(lambda: hub.sent_bytes() > 3_000_000, what="a third of the file")
    kill(scripted.hosts())
    result = running.end()
    assert result.code == 0, result
    assert "q4_1" in result.out


def test_a_pull_goes_on_without_its_client(scripted, hub):
    three_quants(hub, **{"SmolLM2-135M-Instruct-Q4_1.gguf": gguf_bytes(6_000_000)})
    hub.rate = 6_000_000
    running = scripted.start("pull", f"{REPO}:q4_1")
    wait_until(lambda: hub.sent_bytes() > 1_000_000, what="the beginning")
    running.kill()
    wait_until(lambda: "q4_1" in scripted("list").out.replace("smollm2-135m-instruct:q4_1", "", 1))


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("tests/nothing", "no repository “tests/nothing”"),
        (f"{REPO}:q5_k_m", "has no quant “q5_k_m”"),
        ("tests/gated", "accept its terms"),
        ("tests/plain", "has no GGUF files"),
    ],
)
def test_what_cannot_be_had_is_one_line_and_leaves_nothing(scripted, hub, what, said):
    three_quants(hub)
    hub.add_repo("tests/gated", {"model-Q4_0.gguf": gguf_bytes()}, gated=True)
    hub.add_repo("tests/plain", {"README.md": b"none here"})
    result = scripted("pull", what)
    assert (result.code, result.out) == (1, "")
    assert said in result.err
    assert result.err.count("\n") == 1
    assert [path for path in (scripted.home / "models").rglob("*") if path.is_file()] == []


def test_no_network_is_one_line(scripted):
    scripted.environment["HF_ENDPOINT"] = "http://127.0.0.1:9"
    result = scripted("pull", REPO)
    assert result.code == 1
    assert "cannot be reached" in result.err
    scripted.environment["HF_HUB_OFFLINE"] = "1"
    assert "stay offline" in scripted("pull", REPO).err


def test_wrong_bytes_are_thrown_away(scripted, hub):
    three_quants(hub)
    hub.fault("flip", after=4000, times=100)
    result = scripted("pull", f"{REPO}:q8_0")
    assert result.code == 1
    assert "arrived damaged" in result.err
    assert "q8_0" not in scripted("list").out

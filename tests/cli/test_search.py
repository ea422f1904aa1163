"""`cove search`: the catalogue without words, the Hub with them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.cli import verb
from app.client.client import Client
from tests.fakes.hosts import identity
from tests.fakes.hub_server import HubServer


@pytest.fixture
def hub(cli, monkeypatch) -> Iterator[HubServer]:
    with HubServer() as server:

        def open_client(paths, *, listener=None, may_start=True):
            host = cli.start()
            connect = host.twin.connect
            return Client(
                lambda *, start: connect(), identity(), listener=listener, environment=server.environment
            ).start()

        monkeypatch.setattr(verb, "open_client", open_client)
        yield server


def test_without_words_it_recommends(cli):
    result = cli("search")
    assert result.code == 0
    head, first, *rest = result.out.splitlines()
    assert head.split()[0] == "MODEL"
    assert "unsloth/DeepSeek-R1-Distill" in first
    assert "recommended: fast" in first
    (flash,) = [line for line in rest if "V4-Flash" in line]
    assert "too large, needs 15" in flash  # 155 GB and its context
    assert "Sizes as of 2026" in result.err


def test_the_catalogue_as_json(cli):
    offers = cli("search", "--json").json
    assert [offer.get("role") for offer in offers[:4]] == ["fast", "balanced", "best", None]
    assert offers[0]["fit"]["verdict"] == "cpu"


def test_the_hub_is_searched(cli, hub: HubServer):
    files = {"a-Q4_K_M.gguf": bytes(2_000_000)}
    hub.add_repo("me/A-GGUF", files, gated=True, downloads=1234, likes=7, licence="mit", parameters=2 * 10**9)
    hub.add_repo("you/B-GGUF", files)
    result = cli("search", "a-gguf", "--sort", "likes")
    assert result.code == 0
    head, line = result.out.splitlines()
    assert head.split()[:2] == ["MODEL", "SIZE"]
    assert line.split() == [
        *("me/A-GGUF:Q4_K_M", "2.0", "MB", "on", "the", "processor", "2.0", "B"),
        *("1234", "7", "2026-01-01", "mit", "gated"),
    ]
    (model,) = cli("search", "--author", "you", "--json").json
    assert (model["repo"], model["size_bytes"]) == ("you/B-GGUF", 2_000_000)


def test_nothing_found_is_said(cli, hub: HubServer):
    result = cli("search", "nothing", "like", "it")
    assert (result.code, result.out) == (0, "")
    assert "no GGUF repository" in result.err
    assert cli("search", "nothing", "--json").json == []


def test_a_hub_that_refuses_is_worded(cli, hub: HubServer):
    hub.fault("status", where="api", status=503)
    result = cli("search", "words")
    assert result.code == 1
    assert "refused (status 503)" in result.err


def test_a_wrong_order_is_a_wrong_usage(cli):
    assert cli("search", "--sort", "beauty").code == 2
    assert cli("search", "--limit", "0").code == 2

"""The Hub as a place of models: listings, choices, pieces of files, and one error for whatever is in the way.

The real huggingface_hub speaks with the fake Hub."""

from __future__ import annotations

import datetime
import email.utils
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from app.domain.notice import Action, NoticeCode
from app.errors import KnownError
from app.models.hub import FileChangedError, Identity, ModelHub, RemoteRepo
from app.models.quant import FileEntry
from app.network.door import Door, PassingError
from app.network.ledger import Ledger
from tests.fakes.gguf_file import gguf_bytes
from tests.fakes.hub_server import HubServer

DATA = gguf_bytes(100_000)
FILES = {"README.md": b"# hello", "t-Q4_K_M.gguf": DATA, "t-Q8_0.gguf": gguf_bytes(200_000, seed=1)}


@pytest.fixture
def server():
    with HubServer() as running:
        running.add_repo("me/T-GGUF", FILES)
        yield running


@pytest.fixture
def door():
    made = Door(Ledger(), lambda: False)
    yield made
    made.close()


Visit = Callable[..., "contextmanager[RemoteRepo]"]


@pytest.fixture
def visit(server: HubServer, door: Door) -> Visit:
    @contextmanager
    def begin(repo: str = "me/T-GGUF", revision: str = "main", **more: str) -> Iterator[RemoteRepo]:
        with ModelHub(door).session(repo, revision, {**server.environment, **more}) as remote:
            yield remote

    return begin


def refusal(ask: Callable[[], object]) -> KnownError:
    with pytest.raises(KnownError) as caught:
        ask()
    return caught.value


def test_a_repo_lists_its_models(visit: Visit, server: HubServer):
    server.add_repo("me/T-GGUF", {**FILES, "mmproj-F16.gguf": DATA})
    with visit() as remote:
        listing = remote.listing()
    assert [(group.quant, group.size_bytes) for group in listing.groups] == [
        ("Q4_K_M", len(DATA)),
        ("Q8_0", len(FILES["t-Q8_0.gguf"])),
    ]
    repo = server.repos.get("me/T-GGUF")
    assert repo is not None
    assert listing.commit == repo.commit
    assert listing.groups[0].files[0].sha256 == repo.files["t-Q4_K_M.gguf"].sha256
    assert [file.path for file in listing.projectors] == ["mmproj-F16.gguf"]


def test_a_quant_is_chosen_at_one_commit(visit: Visit):
    with visit() as remote:
        assert remote.choose("q8_0").group.quant == "Q8_0"
        assert remote.choose(None).group.quant == "Q4_K_M"
        commit = remote.choose(None).commit
    with visit(revision=commit) as remote:
        assert remote.choose(None).commit == commit


def test_what_is_not_there_is_named(visit: Visit, server: HubServer):
    server.add_repo("me/text", {"README.md": b""})
    with visit() as remote:
        error = refusal(lambda: remote.choose("Q2_K"))
    assert error.notice.code is NoticeCode.QUANT_NOT_FOUND
    assert error.notice.facts == {"repo": "me/T-GGUF", "quant": "Q2_K", "available": "Q4_K_M, Q8_0"}
    with visit("me/text") as remote:
        assert refusal(lambda: remote.choose(None)).notice.code is NoticeCode.REPO_HAS_NO_GGUF
    for repo, token in (("me/nope", ""), ("me/nope", "hf_x"), ("../nope", ""), ("no such", "")):
        with visit(repo, HF_TOKEN=token) as remote:
            error = refusal(remote.listing)
        assert (error.notice.code, error.notice.facts) == (NoticeCode.REPO_NOT_FOUND, {"repo": repo})
    with visit(revision="v9") as remote:
        assert refusal(remote.listing).notice.facts == {"repo": "me/T-GGUF@v9"}


def test_a_gate_shows_before_the_first_byte(visit: Visit, server: HubServer):
    server.add_repo("me/gated", FILES, gated=True)
    for token in ("", "hf_without"):
        with visit("me/gated", HF_TOKEN=token) as remote:
            choice = remote.choose(None)
            error = refusal(lambda: remote.identify(choice.commit, choice.group.files[0]))  # noqa: B023
        assert error.notice.code is NoticeCode.REPO_GATED
        assert error.notice.actions == (Action.SIGN_IN,)
    with visit("me/gated", HF_TOKEN="hf_good") as remote:
        choice = remote.choose(None)
        assert remote.identify(choice.commit, choice.group.files[0]).size_bytes == len(DATA)
    assert all(asked.token in ("", "hf_without", "hf_good") for asked in server.log())


def test_a_wrong_token_is_a_matter_of_signing_in(visit: Visit):
    with visit(HF_TOKEN="nonsense") as remote:
        error = refusal(remote.listing)
    assert (error.notice.code, error.notice.facts["status"]) == (NoticeCode.HUB_REFUSED, 401)
    assert error.notice.actions == (Action.SIGN_IN,)


def test_a_busy_hub_is_a_passing_matter(visit: Visit, server: HubServer):
    in_a_minute = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=60)
    for status, retry_after, expected in (
        (503, "", None),
        (429, "7", 7.0),
        (429, "999999", 600.0),
        (500, email.utils.format_datetime(in_a_minute), 60.0),
        (502, "Sun, 06 Nov 1994 08:49:37 -0000", 0.0),
        (504, "soon", None),
    ):
        server.fault("status", where="api", status=status, retry_after=retry_after)
        with visit() as remote:
            error = refusal(remote.listing)
        assert isinstance(error, PassingError)
        assert error.notice.facts == {"status": status, "host": f"127.0.0.1:{server.port}"}
        assert error.retry_after_s == pytest.approx(expected, abs=20)
    server.fault("status", where="api", status=418)
    with visit() as remote:
        error = refusal(remote.listing)
    assert not isinstance(error, PassingError)
    assert error.notice.facts["status"] == 418


def test_the_hub_s_own_way_to_say_when_is_understood(visit: Visit, server: HubServer, monkeypatch):
    from tests.fakes.hub_handlers import HubHandler

    refuse = HubHandler.refuse
    limit = {"RateLimit": '"api";r=0;t=55'}
    monkeypatch.setattr(HubHandler, "refuse", lambda self, status, *_: refuse(self, status, "", "", limit))
    server.fault("status", where="api", status=429)
    with visit() as remote:
        error = refusal(remote.listing)
    assert isinstance(error, PassingError)
    assert error.retry_after_s == 55.0


def test_a_login_page_instead_of_a_listing_is_a_refusal(visit: Visit, server: HubServer):
    server.fault("html", where="api")
    with visit() as remote:
        error = refusal(remote.listing)
    assert (error.notice.code, error.notice.facts["status"]) == (NoticeCode.HUB_REFUSED, 200)


def test_endless_redirects_are_a_fault_of_the_network(visit: Visit, server: HubServer):
    server.fault("redirect", where="api", times=100, location="/api/models/me/T-GGUF")
    with visit() as remote:
        error = refusal(remote.listing)
    assert error.notice.code is NoticeCode.NETWORK_UNREACHABLE


# Files

ENTRY = FileEntry(path="t-Q4_K_M.gguf", size_bytes=len(DATA))


def known(remote: RemoteRepo) -> tuple[str, Identity]:
    commit = remote.choose(None).commit
    return commit, remote.identify(commit, ENTRY)


def test_a_file_is_known_by_its_hash(visit: Visit, server: HubServer):
    with visit() as remote:
        commit, identity = known(remote)
        readme = remote.identify(commit, FileEntry(path="README.md", size_bytes=0))
    repo = server.repos.get("me/T-GGUF")
    assert repo is not None
    sha256 = repo.files[ENTRY.path].sha256
    assert identity == Identity(size_bytes=len(DATA), etag=sha256, sha256=sha256)
    assert (readme.size_bytes, readme.sha256) == (7, "")
    assert readme.etag == repo.files["README.md"].blob_id


def test_two_identities_are_compared_by_what_both_know():
    full = Identity(size_bytes=1, etag="a", sha256="x")
    assert full.is_same(Identity(size_bytes=1, etag="b", sha256="x"))
    assert full.is_same(Identity(size_bytes=1, etag="a"))
    assert not full.is_same(Identity(size_bytes=1, etag="a", sha256="y"))
    assert not full.is_same(Identity(size_bytes=2, etag="a", sha256="x"))
    assert not full.is_same(Identity(size_bytes=1, etag="b"))


def fetched(remote: RemoteRepo, start: int, end: int, identity: Identity | None = None) -> tuple[int, bytes]:
    commit, found = known(remote)
    with remote.fetch(commit, ENTRY, identity or found, start, end, silence_s=5) as body:
        return body.offset, b"".join(body.chunks())


@pytest.mark.parametrize(("start", "end"), [(0, len(DATA)), (0, 100), (70_000, len(DATA)), (5, 6)])
def test_a_piece_is_fetched_from_the_storage(visit: Visit, server: HubServer, start: int, end: int):
    with visit(HF_TOKEN="hf_good") as remote:
        assert fetched(remote, start, end) == (start, DATA[start:end])
    (asked,) = server.log("cdn")
    assert asked.token == ""  # the token stays with the Hub
    assert {entry.token for entry in server.log("resolve")} == {"hf_good"}
    assert asked.range == ("" if (start, end) == (0, len(DATA)) else f"bytes={start}-{end - 1}")


def test_a_server_without_ranges_is_said_to_begin_at_the_beginning(visit: Visit, server: HubServer):
    server.fault("ignore-range")
    with visit() as remote:
        assert fetched(remote, 1000, 2000) == (0, DATA)


@pytest.mark.parametrize("kind", ["unavailable-range", "etag"])
def test_another_file_under_the_name_is_noticed(visit: Visit, server: HubServer, kind: str):
    with visit() as remote:
        _, identity = known(remote)
        server.fault(kind, where="cdn" if kind == "unavailable-range" else "resolve", method="GET", etag="x")
        with pytest.raises(FileChangedError):
            fetched(remote, 1000, 2000, identity)


def test_another_length_is_noticed(visit: Visit):
    with visit() as remote:
        _, identity = known(remote)
        longer = Identity(size_bytes=len(DATA) + 1, etag=identity.etag)
        for start, end in ((0, longer.size_bytes), (1000, 2000)):
            with pytest.raises(FileChangedError):
                fetched(remote, start, end, longer)


@pytest.mark.parametrize(
    ("fault", "status", "is_passing"),
    [
        ({"kind": "status", "status": 503}, 503, True),
        ({"kind": "status", "status": 403}, 403, True),  # of the storage: the signed address ran out
        ({"kind": "wrong-range"}, 206, True),
        ({"kind": "html"}, 200, False),
        ({"kind": "gzip"}, 200, False),
        ({"kind": "status", "status": 204}, 204, False),
        ({"kind": "status", "status": 403, "where": "resolve"}, 403, False),
        ({"kind": "status", "status": 404, "code": "EntryNotFound", "where": "resolve"}, 404, False),
        ({"kind": "redirect", "location": "ftp://x/y"}, None, True),
        ({"kind": "redirect", "location": "file:///etc/passwd"}, None, True),
    ],
)
def test_what_is_not_the_piece_is_refused(
    visit: Visit, server: HubServer, fault: dict[str, object], status: int | None, is_passing: bool
):
    with visit() as remote:
        _, identity = known(remote)
        server.fault(**{"method": "GET", **fault})  # type: ignore[arg-type]
        error = refusal(lambda: fetched(remote, 1000, 2000, identity))
    assert isinstance(error, PassingError) == is_passing
    assert error.notice.facts.get("status") == status

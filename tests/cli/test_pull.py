"""`cove pull` follows a transfer; the transfer itself is tested in tests/downloads and tests/e2e."""

from __future__ import annotations

import io
from contextlib import contextmanager

import pytest

from app.cli import pull
from app.cli.console import Console
from app.cli.pull import Bar, TransferFollower, parse
from app.cli.verb import UsageError, VerbError, Work
from app.client.protocol import PauseTransfer, Pull, Refused, Snapshot, TransferReply
from app.domain.notice import Notice, NoticeCode
from app.domain.transfer import Transfer, TransferFile, TransferState
from app.errors import KnownError
from app.events import TransferChanged
from app.paths import resolve
from tests.cli.conftest import Terminal
from tests.cli.fake_client import INTERRUPT, FakeClient, FakeInbox

COMMAND = Pull(repo="o/r", quant="q4")


def transfer(state=TransferState.RUNNING, done=0, transfer_id="t", **changes) -> Transfer:
    file = TransferFile(filename="f", size_bytes=4_000_000, done_bytes=done)
    return Transfer(id=transfer_id, repo="o/r", quant="q4", files=(file,), state=state, **changes)


DONE = transfer(TransferState.DONE, 4_000_000, model_id="r:q4")


class SilentBar:
    def show(self, transfer) -> None:
        pass

    def close(self) -> None:
        pass


def follower(*items, client=None) -> TransferFollower:
    return TransferFollower(client or FakeClient(), FakeInbox(*items), COMMAND, SilentBar())


@pytest.fixture
def work(tmp_path, capsys):
    return Work(Console(), resolve(tmp_path))


@pytest.fixture
def pulled(monkeypatch, cli):
    """Runs the verb on a script."""

    def run(*items, argv=("pull", "o/r:q4"), client=None, terminal=False):
        script = FakeInbox(*items)
        script.first_snapshot = lambda: None
        monkeypatch.setattr(pull, "Inbox", lambda console, wanted: script)

        @contextmanager
        def fake(self, listener=None, *, may_start=True):
            yield client or FakeClient()

        monkeypatch.setattr(Work, "client", fake)
        return cli(*argv, terminal=terminal)

    return run


@pytest.mark.parametrize(
    ("text", "repo", "quant"),
    [
        ("o/r", "o/r", None),
        ("o/r:Q4_K_M", "o/r", "Q4_K_M"),
        ("hf.co/o/r:q4", "o/r", "q4"),
        ("https://huggingface.co/o/r", "o/r", None),
        ("https://huggingface.co/o/r:q4", "o/r", "q4"),
    ],
)
def test_what_a_model_on_the_hub_is_called(text, repo, quant):
    assert parse(text, "main") == Pull(repo=repo, quant=quant)


@pytest.mark.parametrize("text", ["", "r", "/r", "o/", "o/r/f", "o:q4", "https://huggingface.co/"])
def test_what_is_no_name(text):
    with pytest.raises(UsageError):
        parse(text, "main")


def test_a_transfer_is_followed_to_its_end():
    other = TransferChanged(transfer=transfer(TransferState.FAILED, transfer_id="x"))
    items = (TransferReply(transfer=transfer()), other, TransferChanged(transfer=DONE))
    assert follower(*items).follow() == DONE


def test_what_is_here_already_is_done_at_once():
    assert follower(TransferReply(transfer=DONE)).follow() == DONE


def test_a_new_host_is_asked_again():
    client = FakeClient()
    items = (TransferReply(transfer=transfer()), Snapshot(epoch="e", seq=0), TransferReply(transfer=DONE))
    assert follower(*items, client=client).follow() == DONE
    assert client.asked == [COMMAND, COMMAND]


def test_a_refusal_is_an_error():
    with pytest.raises(KnownError, match="repo-gated"):
        follower(Refused(notice=Notice(code=NoticeCode.REPO_GATED))).follow()


def test_pausing_waits_until_it_is_paused():
    paused = transfer(TransferState.PAUSED, 5)
    client = FakeClient()
    followed = follower(TransferReply(transfer=transfer()), INTERRUPT, TransferChanged(transfer=paused))
    followed._client = client
    with pytest.raises(KeyboardInterrupt):
        followed.follow()
    assert followed.pause() == paused
    assert client.asked[-1] == PauseTransfer(transfer_id="t")


def test_pausing_before_anything_began():
    assert follower().pause() is None
    assert follower(Refused(notice=Notice(code=NoticeCode.OFFLINE))).pause() is None


def test_the_end_names_the_model(pulled):
    result = pulled(TransferReply(transfer=DONE))
    assert (result.code, result.out) == (0, "r:q4\n")
    assert "Try: cove run r:q4" in result.err


def test_the_end_as_json(pulled):
    result = pulled(TransferReply(transfer=DONE), argv=("pull", "--json", "o/r:q4"))
    assert result.json == {"model": "r:q4", "size_bytes": 4_000_000}


def test_ctrl_c_pauses_and_says_how_to_go_on(pulled):
    items = (
        TransferReply(transfer=transfer()),
        INTERRUPT,
        TransferChanged(transfer=transfer(TransferState.PAUSED, 1_000_000)),
    )
    result = pulled(*items)
    assert (result.code, result.out) == (130, "")
    assert result.err == "cove: paused; 1.0 MB of 4.0 MB are kept. The same command goes on from there.\n"
    assert pulled(INTERRUPT).code == 130


def test_a_failure_is_one_line(pulled):
    notice = Notice(code=NoticeCode.DOWNLOAD_CORRUPT, facts={"file": "f"})
    result = pulled(TransferReply(transfer=transfer(TransferState.FAILED, notice=notice)))
    assert result.code == 1
    assert result.err == "cove: f arrived damaged and was thrown away. The same command fetches it again.\n"


@pytest.mark.parametrize(
    ("state", "said"), [(TransferState.PAUSED, "are kept"), (TransferState.CANCELLED, "was deleted")]
)
def test_what_someone_else_did_to_it_is_said(work, state, said):
    with pytest.raises(VerbError, match=said):
        pull.finish(transfer(state), None, work)


def test_a_bar_on_a_terminal_only(pulled):
    items = [
        TransferReply(transfer=transfer()),
        TransferChanged(transfer=transfer(done=2_000_000)),
        TransferChanged(transfer=transfer(TransferState.VERIFYING, 4_000_000)),
        TransferChanged(transfer=DONE),
    ]
    seen = pulled(*items, terminal=True).err
    assert "2.00M/4.00M" in seen
    assert "Checking" in seen
    assert "%" not in pulled(*items).err


def test_a_bar_that_never_began(tmp_path):
    with Bar(Work(Console(io.StringIO(), Terminal()), resolve(tmp_path))) as bar:
        bar.close()


def test_a_name_that_is_none_is_wrong_usage(cli):
    assert cli("pull", "nonsense").code == 2

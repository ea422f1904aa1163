"""The queue: pull, pause, resume, cancel, twice, again, and after a restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import msgspec
import pytest

from app.domain.notice import NoticeCode
from app.domain.transfer import Transfer, TransferState
from app.downloads.job import Job
from app.downloads.patience import Limits
from app.errors import KnownError
from tests.downloads.rig import DATA, REPO, Rig
from tests.fakes.gguf_file import gguf_bytes
from tests.fakes.hub_server import HubServer
from tests.waiting import wait_until

S = TransferState
NAME = "tiny-Q4_K_M.gguf"


@pytest.fixture
def slow(server: HubServer) -> HubServer:
    server.rate = 400_000
    return server


def test_a_pulled_model_is_in_the_library(rig: Rig):
    done = rig.finished("q8_0")
    (model,) = rig.library.models()
    assert (done.model_id, model.id) == ("tiny:q8_0", "tiny:q8_0")
    assert model.source is not None
    assert (model.source.repo, model.source.filename) == (REPO, "tiny-Q8_0.gguf")
    assert model.sha256 == done.files[0].sha256
    assert rig.library.find(f"{REPO}:Q8_0") == model
    assert rig.table.rows == {}  # nothing to remember once the library does
    assert [transfer.id for transfer in rig.downloads.transfers()] == [done.id]
    assert rig.ledger.hosts() == (
        f"127.0.0.1:{rig.server.port}",
        rig.server.storage_url.removeprefix("http://"),
    )


def test_pulling_again_what_is_there_is_done_at_once(rig: Rig, server: HubServer):
    first = rig.finished()
    again = rig.begun("Q4_K_M")
    assert (again.id, again.state, again.model_id) == (first.id, S.DONE, first.model_id)
    rig.again()
    assert rig.begun().state is S.DONE
    assert server.sent_bytes() == len(DATA)


def test_a_newer_file_is_pulled_over_the_old(rig: Rig, server: HubServer):
    before = rig.finished()
    newer = gguf_bytes(1_500_000, seed=4)
    server.add_repo(REPO, {NAME: newer})
    done = rig.finished()
    assert (done.state, done.model_id) == (S.DONE, before.model_id)
    assert rig.content(NAME) == newer
    assert len(rig.library.models()) == 1


def test_a_model_that_was_removed_is_pulled_anew(rig: Rig, server: HubServer):
    done = rig.finished()
    rig.library.remove(done.model_id or "")
    assert rig.files() == {}
    assert rig.finished().state is S.DONE
    assert server.sent_bytes() == 2 * len(DATA)


def test_files_that_are_there_already_are_not_fetched_again(rig: Rig, server: HubServer):
    """The host died after the move and before the library knew."""
    rig.finished()
    rig.models.rows.clear()
    rig.again()
    assert rig.finished().state is S.DONE
    assert server.sent_bytes() == len(DATA)
    assert [model.id for model in rig.library.models()] == ["tiny:q4_k_m"]


def test_two_pulls_of_one_model_are_one_transfer(rig: Rig, slow: HubServer):
    first = rig.begun()
    rig.moving(first)
    second = rig.begun("q4_k_m")
    assert second.id == first.id
    assert second.state is S.RUNNING
    rig.downloads.cancel(first.id)
    rig.idle()
    assert len(slow.log("cdn")) == 1


def test_two_pulls_at_the_same_moment_are_one_transfer(rig: Rig, slow: HubServer):
    answers: list[Transfer | KnownError] = []
    for _ in range(6):
        rig.downloads.pull(REPO, None, "main", slow.environment, answers.append)
    wait_until(lambda: len(answers) == 6)
    assert len({answer.id for answer in answers if isinstance(answer, Transfer)}) == 1
    wait_until(lambda: slow.log("cdn"))
    rig.downloads.cancel(rig.downloads.transfers()[0].id)
    rig.idle()
    assert len(slow.log("cdn")) == 1


def test_a_refusal_is_answered_and_leaves_nothing(rig: Rig):
    for error, code in (
        (rig.refused("Q2_K"), NoticeCode.QUANT_NOT_FOUND),
        (rig.refused(repo="me/nope"), NoticeCode.REPO_NOT_FOUND),
        (rig.refused(HF_HUB_OFFLINE="1"), NoticeCode.OFFLINE),
        (rig.refused(HF_ENDPOINT="nonsense"), NoticeCode.NETWORK_UNREACHABLE),
        (rig.refused(HF_ENDPOINT="http://127.0.0.1:9"), NoticeCode.NETWORK_UNREACHABLE),
    ):
        assert error.notice.code is code
    rig.idle()
    assert (rig.said, rig.table.rows, rig.files()) == ([], {}, {})


def test_a_busy_hub_is_not_waited_for_in_silence(rig: Rig, server: HubServer):
    server.fault("status", where="api", status=429, retry_after="60")
    assert rig.refused().notice.facts["status"] == 429
    server.fault("status", where="api", status=503)
    assert rig.begun()


def test_a_hostile_name_is_refused(rig: Rig, server: HubServer):
    server.add_repo(REPO, {"../../evil-Q4_0.gguf": DATA})
    assert rig.refused().notice.code is NoticeCode.DOWNLOAD_CORRUPT
    assert server.log("cdn") == []


# Pause, resume, cancel


def test_a_pause_is_felt_at_once_and_costs_nothing(rig: Rig, slow: HubServer):
    transfer = rig.begun()
    rig.moving(transfer)
    rig.downloads.pause(transfer.id)
    paused = rig.ended(transfer)
    assert (paused.state, paused.notice, paused.bytes_per_second) == (S.PAUSED, None, 0)
    assert 0 < paused.done_bytes < len(DATA)
    assert rig.table.rows[transfer.id].state is S.PAUSED
    rig.downloads.pause(transfer.id)  # harmless
    slow.rate = 0
    again = rig.asked(lambda answer: rig.downloads.resume(transfer.id, slow.environment, answer))
    assert isinstance(again, Transfer)
    assert (again.id, again.done_bytes, again.created_ms) == (
        transfer.id,
        paused.done_bytes,
        transfer.created_ms,
    )
    assert rig.ended(transfer).state is S.DONE
    assert slow.log("cdn")[-1].range == f"bytes={paused.done_bytes}-{len(DATA) - 1}"


@pytest.mark.parametrize("kind", ["stall", "silent"])
def test_a_pause_does_not_wait_for_a_silent_server(rig: Rig, server: HubServer, kind: str):
    rig.again(Limits(silence_s=600.0))
    server.fault(kind, after=300_000)
    transfer = rig.begun()
    wait_until(lambda: any(asked.fault for asked in server.log("cdn")))
    rig.downloads.pause(transfer.id)
    assert rig.ended(transfer).state is S.PAUSED


def test_a_cancel_leaves_nothing(rig: Rig, slow: HubServer):
    transfer = rig.begun()
    rig.moving(transfer)
    rig.downloads.cancel(transfer.id)
    assert rig.ended(transfer).state is S.CANCELLED
    rig.idle()
    assert rig.removed == [transfer.id]
    assert (rig.files(), rig.table.rows, rig.downloads.transfers()) == ({}, {}, ())
    assert list(rig.paths.models.iterdir()) == []


def test_a_paused_transfer_can_be_cancelled(rig: Rig, slow: HubServer):
    transfer = rig.begun()
    rig.moving(transfer)
    rig.downloads.pause(transfer.id)
    rig.ended(transfer)
    rig.downloads.cancel(transfer.id)
    wait_until(lambda: rig.removed)
    assert (rig.files(), rig.table.rows) == ({}, {})


def test_a_cancelled_transfer_can_be_pulled_at_once(rig: Rig, slow: HubServer):
    transfer = rig.begun()
    rig.moving(transfer)
    rig.downloads.cancel(transfer.id)
    slow.rate = 0
    assert rig.finished().state is S.DONE
    assert rig.content(NAME) == DATA


def test_dismissing_what_is_done_keeps_the_model(rig: Rig):
    done = rig.finished()
    rig.idle()
    rig.downloads.cancel(done.id)
    wait_until(lambda: rig.removed == [done.id])
    assert rig.content(NAME) == DATA


def test_unknown_transfers_are_said_to_be_unknown(rig: Rig):
    for act in (rig.downloads.pause, rig.downloads.cancel, lambda each: rig.downloads.resume(each, {})):
        with pytest.raises(KnownError) as caught:
            act("nope")
        assert caught.value.notice.code is NoticeCode.TRANSFER_NOT_FOUND


def test_going_offline_pauses_and_says_why(rig: Rig, slow: HubServer):
    transfer = rig.begun()
    rig.moving(transfer)
    rig.is_offline = True
    paused = rig.ended(transfer)
    assert (paused.state, paused.notice and paused.notice.code) == (S.PAUSED, NoticeCode.OFFLINE)
    assert rig.refused().notice.code is NoticeCode.OFFLINE
    rig.is_offline = False
    slow.rate = 0
    assert rig.finished().state is S.DONE


# Not too fast


def test_the_rate_limit_holds_and_a_change_is_felt(rig: Rig, server: HubServer):
    limits = [400_000]
    rig.again(max_rate=lambda: limits[0])
    began = time.monotonic()
    transfer = rig.begun()
    rig.moving(transfer, 200_000)
    assert time.monotonic() - began >= 0.4
    limits[0] = 1
    rig.downloads.pause(transfer.id)
    assert rig.ended(transfer).state is S.PAUSED
    limits[0] = 0
    assert rig.finished().state is S.DONE
    assert rig.content(NAME) == DATA


# Shards

SHARDS = {
    f"Q8_0/big-Q8_0-0000{n}-of-00003.gguf": gguf_bytes(
        400_000, seed=n, more={"split.count": 3, "split.no": n - 1}
    )
    for n in (1, 2, 3)
}
BIG = "me/Big-GGUF"


def test_shards_come_one_after_the_other_and_are_one_model(rig: Rig, server: HubServer):
    server.add_repo(BIG, SHARDS)
    done = rig.finished(repo=BIG)
    assert [file.done_bytes for file in done.files] == [len(content) for content in SHARDS.values()]
    (model,) = rig.library.models()
    assert (model.id, model.size_bytes) == ("big:q8_0", sum(map(len, SHARDS.values())))
    assert rig.files() == {f"{BIG}/{name}": len(content) for name, content in SHARDS.items()}
    assert len(server.log("resolve", "HEAD")) == 1


def test_finished_shards_are_kept_over_a_pause_and_removed_by_a_cancel(rig: Rig, slow: HubServer):
    slow.add_repo(BIG, SHARDS)
    first = len(next(iter(SHARDS.values())))
    transfer = rig.begun(repo=BIG)
    rig.moving(transfer, first + 1)
    rig.again()
    paused = rig.downloads.transfers()[0]
    assert (paused.state, paused.files[0].done_bytes) == (S.PAUSED, first)
    rig.moving(rig.begun(repo=BIG), first + 1)
    assert not any(asked.range.startswith("bytes=0") for asked in slow.log("cdn"))
    assert len([asked for asked in slow.log("cdn") if asked.range == ""]) == 2  # one for each shard begun
    rig.downloads.cancel(transfer.id)
    rig.ended(transfer)
    rig.idle()
    assert list(rig.paths.models.iterdir()) == []


# Restarts


def test_a_closed_queue_goes_on_where_it_was(rig: Rig, slow: HubServer):
    transfer = rig.begun()
    rig.moving(transfer)
    rig.again()
    (left,) = rig.downloads.transfers()
    assert (left.id, left.state, left.notice) == (transfer.id, S.PAUSED, None)
    assert 0 < left.done_bytes < len(DATA)
    assert [said.state for said in rig.said] == [S.PAUSED]
    assert not rig.downloads.is_busy
    slow.rate = 0
    assert rig.finished().state is S.DONE
    assert slow.log("cdn")[-1].range.startswith(f"bytes={left.done_bytes}-")


def test_closing_does_not_wait_for_anything(rig: Rig, slow: HubServer):
    slow.fault("silent", where="api")
    rig.downloads.pull(REPO, None, "main", slow.environment)
    wait_until(lambda: slow.log("api"))
    assert rig.downloads.is_busy
    rig.close()
    assert not rig.downloads.is_busy
    rig.close()  # may be repeated


def test_closing_leaves_behind_what_cannot_be_ended(rig: Rig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.downloads.queue.JOIN_S", 0.01)
    held = threading.Event()
    rig.downloads._on_change = lambda _: held.wait(20)
    rig.downloads.pull(REPO, None, "main", rig.server.environment)
    wait_until(lambda: rig.table.rows)
    rig.close()
    assert rig.downloads.is_busy
    held.set()
    rig.idle()


def test_what_is_asked_while_closing_is_answered(rig: Rig):
    rig.close()
    error = rig.refused()
    assert error.notice.code is NoticeCode.DOWNLOAD_INTERRUPTED
    rig.idle()
    assert rig.table.rows == {}


def test_impossible_rows_are_left_out(rig: Rig, server: HubServer, expect_log: Callable[[str], None]):
    transfer = rig.finished()
    evil = msgspec.structs.replace(transfer.files[0], filename="../../x.gguf")
    rig.table.put(msgspec.structs.replace(transfer, state=S.RUNNING, files=(evil,)))
    expect_log("impossible files")
    rig.again()
    assert (rig.downloads.transfers(), rig.table.rows) == ((), {})


def test_a_bug_is_logged_and_said(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, expect_log: Callable[[str], None]
):
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Job, "_fetch", broken)
    expect_log("A download failed unexpectedly")
    failed = rig.finished()
    assert (failed.state, failed.notice and failed.notice.code) == (S.FAILED, NoticeCode.BUG)


def test_every_callback_comes_from_a_thread_of_its_own(rig: Rig):
    names: list[str] = []
    rig.downloads._on_change = lambda _: names.append(threading.current_thread().name)
    rig.pull()
    rig.idle()
    assert set(names) == {"download-pull"}

"""Downloads come, move and go."""

from __future__ import annotations

import msgspec
import pytest
from PySide6.QtTest import QAbstractItemModelTester

from app.client.protocol import CancelTransfer, PauseTransfer, Pull, ResumeTransfer
from app.domain.notice import Notice, NoticeCode
from app.domain.transfer import Transfer, TransferFile, TransferState
from app.events import TransferChanged, TransferRemoved
from ui.viewmodels.transfers import TRANSFER_ROLE, Transfers

RUNNING = Transfer(
    id="t",
    repo="owner/Model-GGUF",
    quant="Q4_K_M",
    files=(TransferFile(filename="a.gguf", size_bytes=100, done_bytes=40),),
    state=TransferState.RUNNING,
)


@pytest.fixture
def transfers(bridge):
    transfers = Transfers(bridge)
    transfers.tester = QAbstractItemModelTester(transfers)
    return transfers


def of_state(state, transfer_id="t"):
    return msgspec.structs.replace(RUNNING, state=state, id=transfer_id)


def test_those_of_the_snapshot_are_listed_but_for_what_is_over(host, deliver, transfers):
    host.transfers = [RUNNING, of_state(TransferState.DONE, "old"), of_state(TransferState.PAUSED, "p")]
    deliver()
    assert [transfers.index(row).data(TRANSFER_ROLE).id for row in range(transfers.rowCount())] == ["t", "p"]
    assert transfers.index(0).data() == "owner/Model-GGUF"


@pytest.mark.parametrize("is_other_host", [True, False])
def test_what_was_on_its_way_goes_on_with_the_next_host(host, deliver, transfers, is_other_host):
    """And what someone paused, while the window was not listening, stays so."""
    host.transfers = [RUNNING, of_state(TransferState.PAUSED, "p")]
    deliver()
    host.transfers = [of_state(TransferState.PAUSED), of_state(TransferState.PAUSED, "p")]
    epoch = "another" if is_other_host else host.snapshot().epoch
    host._listener.snapshot(msgspec.structs.replace(host.snapshot(), epoch=epoch))
    deliver()
    asked = [command for command in host.commands if isinstance(command, ResumeTransfer)]
    assert asked == ([ResumeTransfer(transfer_id="t")] if is_other_host else [])


@pytest.mark.parametrize("end", ["done", "cancelled", "removed"])
def test_one_that_ends_goes(host, deliver, transfers, end):
    finished: list[Transfer] = []
    transfers.finished.connect(finished.append)
    deliver()
    host.say(TransferChanged(transfer=of_state(TransferState.QUEUED)))
    host.say(TransferChanged(transfer=RUNNING))
    deliver()
    assert transfers.index(0).data(TRANSFER_ROLE) == RUNNING
    if end == "removed":
        host.say(TransferRemoved(transfer_id="t"))
    else:
        host.say(TransferChanged(transfer=of_state(TransferState(end))))
    host.say(TransferRemoved(transfer_id="t"))
    deliver()
    assert transfers.rowCount() == 0
    assert len(finished) == (end == "done")


def test_what_can_be_done_with_one(host, deliver, transfers):
    notices: list[Notice] = []
    transfers.refused.connect(notices.append)
    host.refusals[Pull] = Notice(code=NoticeCode.REPO_NOT_FOUND)
    transfers.pause("t")
    transfers.resume("t")
    transfers.cancel("t")
    transfers.pull("owner/repo", "Q8_0")
    deliver()
    assert host.commands == [
        PauseTransfer(transfer_id="t"),
        ResumeTransfer(transfer_id="t"),
        CancelTransfer(transfer_id="t"),
        Pull(repo="owner/repo", quant="Q8_0"),
    ]
    assert notices == [Notice(code=NoticeCode.REPO_NOT_FOUND)]

from __future__ import annotations

from app.domain.notice import Notice, NoticeCode
from app.domain.transfer import Transfer, TransferFile, TransferState
from app.store import Store


def test_a_transfer_comes_back_as_it_was_and_goes_when_done(store: Store):
    transfer = Transfer(
        id="t",
        repo="someone/model",
        quant="Q4_K_M",
        files=(TransferFile(filename="model.gguf", size_bytes=10, done_bytes=4, etag="e"),),
        state=TransferState.PAUSED,
        notice=Notice(code=NoticeCode.DOWNLOAD_INTERRUPTED, facts={"kept_bytes": 4}),
    )
    store.transfers.put(transfer)
    assert store.transfers.all() == [transfer]
    store.transfers.remove("t")
    assert store.transfers.all() == []

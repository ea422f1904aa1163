from __future__ import annotations

from app.domain.transfer import Transfer, TransferFile


def test_sizes_are_those_of_all_files():
    files = (
        TransferFile(filename="1.gguf", size_bytes=10, done_bytes=10),
        TransferFile(filename="2.gguf", size_bytes=20, done_bytes=5),
    )
    transfer = Transfer(id="t", repo="r", quant="q", files=files)
    assert (transfer.size_bytes, transfer.done_bytes) == (30, 15)
    assert Transfer(id="t", repo="r", quant="q").size_bytes == 0

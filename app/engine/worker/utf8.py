"""Tokens are bytes; a character may be spread over several of them."""

from __future__ import annotations

import codecs

_Decoder = codecs.getincrementaldecoder("utf-8")


class Utf8Decoder:
    """Turns byte pieces into text as soon as characters are whole. What can never become one is U+FFFD."""

    def __init__(self) -> None:
        self._decoder = _Decoder("replace")

    @property
    def is_empty(self) -> bool:
        """Whether no beginning of a character waits for its end."""
        return not self._decoder.getstate()[0]

    def feed(self, piece: bytes) -> str:
        return self._decoder.decode(piece)

    def finish(self) -> str:
        """Returns what a cut character leaves."""
        return self._decoder.decode(b"", final=True)

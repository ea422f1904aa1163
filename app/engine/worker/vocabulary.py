"""The tokens of one model: text to ids, ids to bytes, and which of them steer the model.

Knows nothing of prompts; `tokenize` makes those safe.
"""

from __future__ import annotations

import ctypes
from typing import Any

_UNKNOWN, _CONTROL = 1 << 0, 1 << 3
_LSTRIP, _RSTRIP = 1 << 7, 1 << 8
_PIECE_BYTES = 1024


class Vocabulary:
    """`control` maps the spelling of every token that only the template may write to its id; `lstrip` and
    `rstrip` are those that swallow the white space before or after them."""

    def __init__(self, api: Any, model: int) -> None:
        self._api = api
        self._pointer = api.llama_model_get_vocab(model)
        self._buffer = ctypes.create_string_buffer(_PIECE_BYTES)
        self._pieces: dict[int, bytes] = {}
        self._ends: dict[int, bool] = {}
        self.size: int = api.llama_vocab_n_tokens(self._pointer)
        self.bos: int = api.llama_vocab_bos(self._pointer)
        self.eos: int = api.llama_vocab_eos(self._pointer)
        self.adds_bos: bool = bool(api.llama_vocab_get_add_bos(self._pointer)) and self.bos >= 0
        self.control: dict[str, int] = {}
        self.lstrip: set[int] = set()
        self.rstrip: set[int] = set()
        self._read_attributes()
        self.control_ids = frozenset(self.control.values())
        self.suppressed = self._read_suppressed()

    def is_token(self, text: str) -> bool:
        """Whether `text` is exactly one token."""
        return text in self.control or len(self.tokenize(text, parse_special=True)) == 1

    def text(self, token: int) -> str:
        """Returns how a token is spelled in a template; "" for none."""
        return self._spelling(token) if 0 <= token < self.size else ""

    def tokenize(self, text: str, *, parse_special: bool) -> list[int]:
        """Returns the ids of `text`, without adding a beginning or end of sequence."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        while True:
            ids = (ctypes.c_int32 * room)()
            count = self._api.llama_tokenize(self._pointer, data, len(data), ids, room, False, parse_special)
            if count >= 0:
                return list(ids[:count])
            room = -count  # a normaliser made the text longer

    def piece(self, token: int) -> bytes:
        """Returns the bytes a token prints; control tokens print their spelling."""
        piece = self._pieces.get(token)
        if piece is None:
            piece = self._pieces[token] = self._read_piece(token)
        return piece

    def is_end(self, token: int) -> bool:
        """Whether the model says with this token that its answer is complete."""
        is_end = self._ends.get(token)
        if is_end is None:
            is_end = self._ends[token] = bool(self._api.llama_vocab_is_eog(self._pointer, token))
        return is_end

    def _read_piece(self, token: int) -> bytes:
        to_piece = self._api.llama_token_to_piece
        count = to_piece(self._pointer, token, self._buffer, len(self._buffer), 0, True)
        if count < 0:
            self._buffer = ctypes.create_string_buffer(-count)
            count = to_piece(self._pointer, token, self._buffer, len(self._buffer), 0, True)
        return ctypes.string_at(self._buffer, count)

    def _read_suppressed(self) -> tuple[int, ...]:
        """Returns the tokens that the model file says are never to be chosen."""
        count = ctypes.c_int32(0)
        tokens = self._api.llama_vocab_get_suppress_tokens(self._pointer, ctypes.byref(count))
        return (
            tuple(token for token in tokens[: count.value] if 0 <= token < self.size) if count.value else ()
        )

    def _read_attributes(self) -> None:
        attributes_of, pointer = self._api.llama_vocab_get_attr, self._pointer
        for token in range(self.size):
            attributes = attributes_of(pointer, token)
            if attributes & (_UNKNOWN | _CONTROL):
                spelling = self._spelling(token)
                if spelling:
                    self.control[spelling] = token
                if attributes & _LSTRIP:
                    self.lstrip.add(token)
                if attributes & _RSTRIP:
                    self.rstrip.add(token)

    def _spelling(self, token: int) -> str:
        raw: bytes | None = self._api.llama_vocab_get_text(self._pointer, token)
        return (raw or b"").decode("utf-8", "replace")

"""The vocabulary: every token once, its lists equally long, and no token missing that its tokenizer needs.

The tokens themselves are read from the file once more: a header keeps only where they are.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

from app.domain.filefault import FileFault
from app.errors import BugError
from app.models.gguf import STRING, GgufHeader
from app.models.rules.fault import Fault

TOKENS = "tokenizer.ggml.tokens"
MODEL = "tokenizer.ggml.model"
LISTS = ("tokenizer.ggml.scores", "tokenizer.ggml.token_type")
_SHOWN_BYTES = 40
_INT32, _BYTE = 5, 6
_BYTE_TOKEN = re.compile(rb"<0x[0-9A-Fa-f]{2}>")
_SPEECHLESS = frozenset(("none", "no_vocab", "test"))
# What stands for a text that cannot be spelled, by default; without it the token -1 is looked up.
_UNKNOWN = {"bert": 100, "t5": 2}
_NEED_UNKNOWN = frozenset(("bert", "t5", "whitespace", "hybriddna"))
_TEXT_BYTES = (*range(0xC0), *range(0xC2, 0xF5))
_RWKV_ESCAPES = {0x09: b"\\t", 0x0A: b"\\n", 0x0D: b"\\r", 0x5C: b"\\\\", 0x27: b"\\'"}
# How each spells a single byte. RWKV's tokenizer goes round for ever at a byte that is no token.
_SPELLS_BYTES: dict[str, Callable[[int], tuple[bytes, ...]]] = {
    "llama": lambda byte: (b"<0x%02X>" % byte, bytes([byte])),
    "plamo2": lambda byte: (b"<0x%02X>" % byte,),
    "rwkv": lambda byte: (bytes([byte]), b"\\x%02x" % byte, _RWKV_ESCAPES.get(byte, b"\\x%02x" % byte)),
}


def lists(header: GgufHeader) -> Iterator[Fault]:
    """Every token has a score and a type, where there are any."""
    tokens = header.arrays.get(TOKENS)
    for key in LISTS:
        place = header.arrays.get(key)
        if tokens is not None and place is not None and place.count < tokens.count:
            yield Fault(fault=FileFault.TOKENS, name=key, found=str(place.count), allowed=str(tokens.count))


def tokenizer(header: GgufHeader) -> Iterator[Fault]:
    """One that makes tokens of text: what has none at all cannot be talked to."""
    name = header.text(MODEL).split("\0")[0]
    if name in _SPEECHLESS:
        yield Fault(fault=FileFault.TOKENIZER, name=MODEL, found=name)
    tokens = header.arrays.get(TOKENS)
    unknown = header.metadata.get("tokenizer.ggml.unknown_token_id", _UNKNOWN.get(name, -1))
    if tokens is not None and name in _NEED_UNKNOWN:
        # llama.cpp ignores an id that is out of range; then the default has to be in it.
        ids = [number for number in (unknown, _UNKNOWN.get(name, -1)) if isinstance(number, int)]
        if not any(0 <= number < tokens.count for number in ids):
            yield Fault(fault=FileFault.TOKEN_MISSING, name="tokenizer.ggml.unknown_token_id")


def contents(header: GgufHeader, file: BinaryIO) -> Iterator[Fault]:
    """What the tokens themselves have to be: llama.cpp asserts that none is there twice, and looks for those
    of single bytes without asking whether it found one."""
    place = header.arrays.get(TOKENS)
    if place is None or place.kind != STRING:
        return
    file.seek(place.offset)
    tokens = _spellings(file.read(place.end - place.offset), place.count)
    known = set(tokens)
    if len(known) != len(tokens):
        yield _twice(tokens)
        return
    missing = next(iter(_missing_bytes(header.text(MODEL).split("\0")[0], known)), None)
    if missing is not None:
        yield Fault(fault=FileFault.TOKEN_MISSING, name=f"<0x{missing:02X}>")
    yield from _bytes_misspelled(header, file, tokens)


def _twice(tokens: list[bytes]) -> Fault:
    seen: set[bytes] = set()
    for number, token in enumerate(tokens):
        if token in seen:
            shown = token[:_SHOWN_BYTES].decode("utf-8", "replace")
            return Fault(fault=FileFault.TOKEN_TWICE, name=shown, found=str(number))
        seen.add(token)
    raise BugError("no token is there twice")


def _missing_bytes(name: str, known: set[bytes]) -> Iterator[int]:
    """Yields the bytes of UTF-8 that the tokenizer would look for in vain."""
    for byte in _TEXT_BYTES if name in _SPELLS_BYTES else ():
        if not known.intersection(_SPELLS_BYTES[name](byte)):
            yield byte


def _bytes_misspelled(header: GgufHeader, file: BinaryIO, tokens: list[bytes]) -> Iterator[Fault]:
    """Tokens that are said to be single bytes have to look like one."""
    place = header.arrays.get("tokenizer.ggml.token_type")
    if place is None or place.count < len(tokens) or place.kind != _INT32:
        return
    file.seek(place.offset)
    types = struct.unpack(f"<{len(tokens)}i", file.read(4 * len(tokens)))
    for token, kind in zip(tokens, types, strict=True):
        if kind == _BYTE and not _BYTE_TOKEN.fullmatch(token):
            yield Fault(
                fault=FileFault.TOKENS,
                name=token[:_SHOWN_BYTES].decode("utf-8", "replace"),
                allowed="<0x00>-<0xFF>",
            )
            return


def _spellings(data: bytes, count: int) -> list[bytes]:
    """Returns the tokens as llama.cpp sees them: up to a zero byte, and with a made-up name if empty."""
    unpack = struct.Struct("<Q").unpack_from
    tokens = []
    at = 0
    for _ in range(count):
        start = at + 8
        at = start + unpack(data, at)[0]
        tokens.append(data[start:at])
    has_zeros = b"\0" in b"".join(tokens)
    if has_zeros:
        tokens = [token.partition(b"\0")[0] for token in tokens]
    return [token or b"[EMPTY_%d]" % number for number, token in enumerate(tokens)]

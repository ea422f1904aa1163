"""A GGUF taken apart, so that a test can change any of its fields and put it together again, valid or not."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from pathlib import Path

from app.models.ggml_types import TENSOR_TYPES
from app.models.gguf import ARRAY, MAGIC, SCALARS, STRING

ALIGNMENT = 32
FLOATS = (6, 12)


@dataclass
class Item:
    """A value of the metadata; of an array `kind` is its items' type and `value` a list."""

    key: bytes
    kind: int
    value: object
    is_array: bool = False
    count: int | None = None  # instead of the array's real length


@dataclass
class DraftTensor:
    name: bytes
    shape: list[int]
    kind: int
    offset: int
    data: bytes = field(repr=False, default=b"")

    @property
    def size_bytes(self) -> int:
        """What its shape and type say it takes."""
        kind = TENSOR_TYPES.get(self.kind)
        return -(-math.prod(self.shape) // kind.block) * kind.size if kind else len(self.data)


@dataclass
class Draft:
    """`counts` replaces the real counts of tensors and keys."""

    items: list[Item]
    tensors: list[DraftTensor]
    version: int = 3
    magic: bytes = MAGIC
    counts: tuple[int, int] | None = None

    def item(self, key: str) -> Item:
        return next(item for item in self.items if item.key == key.encode())

    def set(self, key: str, value: object, kind: int = 4, *, is_array: bool = False) -> None:
        """Replaces a value, or adds it."""
        self.items = [item for item in self.items if item.key != key.encode()]
        self.items.append(Item(key.encode(), kind, value, is_array))

    def lay_out(self, most_bytes: int = 2**26) -> bool:
        """Puts the tensors one after the other, with as many bytes as their shapes say. False, with nothing
        done, if that would be more than `most_bytes`."""
        if sum(tensor.size_bytes for tensor in self.tensors) > most_bytes:
            return False
        at = 0
        for tensor in self.tensors:
            tensor.offset = at
            size = tensor.size_bytes
            tensor.data = (tensor.data * (size // max(len(tensor.data), 1) + 1))[:size].ljust(size, b"\0")
            at += size + -size % ALIGNMENT
        return True

    def header(self) -> bytes:
        tensors, keys = self.counts or (len(self.tensors), len(self.items))
        parts = [self.magic, struct.pack("<IQQ", self.version, tensors, keys)]
        for item in self.items:
            parts += [_text(item.key), _packed(item)]
        for tensor in self.tensors:
            layout = f"<I{len(tensor.shape)}QIQ"
            parts += [
                _text(tensor.name),
                struct.pack(layout, len(tensor.shape), *tensor.shape, tensor.kind, tensor.offset),
            ]
        whole = b"".join(parts)
        return whole + bytes(-len(whole) % ALIGNMENT)

    def whole(self) -> bytes:
        return self.header() + b"".join(
            tensor.data + bytes(-len(tensor.data) % ALIGNMENT) for tensor in self.tensors
        )


def read_draft(path: Path, *, with_data: bool = True) -> Draft:
    """Takes a valid file apart."""
    return _Reader(path.read_bytes()).draft(with_data)


def _text(content: bytes) -> bytes:
    return struct.pack("<Q", len(content)) + content


def _packed(item: Item) -> bytes:
    if not item.is_array:
        return struct.pack("<I", item.kind) + _scalar(item.kind, item.value)
    values = item.value
    assert isinstance(values, list)
    head = struct.pack("<IIQ", ARRAY, item.kind, len(values) if item.count is None else item.count)
    return head + b"".join(_scalar(item.kind, value) for value in values)


def _scalar(kind: int, value: object) -> bytes:
    """Returns the value as a wrong type would hold it, too: cut off, or a text where none should be."""
    if isinstance(value, bytes):
        return _text(value)
    if kind not in SCALARS or not isinstance(value, int | float):
        return b""
    layout = SCALARS[kind]
    if kind in FLOATS:
        return struct.pack(layout, float(value))
    size = struct.calcsize(layout)
    number = int(value) if math.isfinite(value) else 0
    return (number % 256**size).to_bytes(size, "little")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 4

    def draft(self, with_data: bool) -> Draft:
        version, tensor_count, key_count = self._take("<IQQ")
        items = [self._item() for _ in range(key_count)]
        tensors = [self._tensor() for _ in range(tensor_count)]
        start = self._at + -self._at % ALIGNMENT
        for tensor in tensors if with_data else []:
            tensor.data = self._data[start + tensor.offset :][: tensor.size_bytes]
        return Draft(items=items, tensors=tensors, version=version)

    def _item(self) -> Item:
        key = self._text()
        (kind,) = self._take("<I")
        if kind != ARRAY:
            return Item(key, kind, self._scalar(kind))
        kind, count = self._take("<IQ")
        if kind == STRING:
            return Item(key, kind, [self._text() for _ in range(count)], is_array=True)
        return Item(key, kind, list(self._take(f"<{count}{SCALARS[kind][1]}")), is_array=True)

    def _tensor(self) -> DraftTensor:
        name = self._text()
        (dimensions,) = self._take("<I")
        shape = list(self._take(f"<{dimensions}Q"))
        kind, offset = self._take("<IQ")
        return DraftTensor(name, shape, kind, offset)

    def _scalar(self, kind: int) -> object:
        return self._text() if kind == STRING else self._take(SCALARS[kind])[0]

    def _text(self) -> bytes:
        (length,) = self._take("<Q")
        self._at += length
        return self._data[self._at - length : self._at]

    def _take(self, layout: str) -> tuple[int, ...]:
        size = struct.calcsize(layout)
        self._at += size
        return struct.unpack(layout, self._data[self._at - size : self._at])

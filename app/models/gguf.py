"""Reads the header of a GGUF within fixed bounds, whatever the file holds.

Promises: any malformed input is refused with MODEL_CORRUPT, in bounded time and memory; nothing behind the
header is read. Knows the format only; whether llama.cpp supports the architecture is the engine's to say.
Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import BinaryIO, NoReturn

from app.domain.filefault import FileFault
from app.domain.notice import Action, NoticeCode
from app.domain.value import Value
from app.errors import KnownError
from app.models.ggml_types import FILE_TYPES, TENSOR_TYPES

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MAX_HEADER_BYTES = 64 * 1024 * 1024
MAX_KEYS = 65_536
MAX_TENSORS = 100_000  # the largest known models have some thousands; a million would take 250 MB here
MAX_STRING_BYTES = 16 * 1024 * 1024
MAX_ARRAY_ITEMS = 4_000_000
MAX_DIMENSIONS = 4
MAX_NAME_BYTES = 63  # of a tensor
MIN_ALIGNMENT, MAX_ALIGNMENT = 32, 4096  # less, and ggml's buffers abort on a mapped file
KEPT_ARRAY_ITEMS = 1024  # one item a layer is a fact worth keeping, one item a token is not
KEPT_ITEMS = 65_536  # of all arrays together
READ_BYTES = 1024 * 1024
GUESSED = 1024  # llama.cpp adds this to a file type it had to guess

STRING, ARRAY = 8, 9
SCALARS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}

Scalar = str | int | float | bool
Metadata = Scalar | tuple[Scalar, ...]


class TensorInfo(Value):
    """Where one tensor's weights lie; `offset` counts from `GgufHeader.data_offset`."""

    name: str
    shape: tuple[int, ...]
    kind: str
    offset: int
    size_bytes: int

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


class ArrayPlace(Value):
    """Where an array's items lie in the file, and of which type they are."""

    kind: int
    count: int
    offset: int
    end: int


class GgufHeader(Value):
    """What the header says. Arrays of more than 1,024 items are left out of `metadata`; `arrays` has the
    place of every array, `kinds` the type of every value (`ARRAY` for those)."""

    version: int
    metadata: dict[str, Metadata]
    kinds: dict[str, int]
    arrays: dict[str, ArrayPlace]
    tensors: tuple[TensorInfo, ...]
    data_offset: int
    file_bytes: int

    @property
    def architecture(self) -> str:
        return self.text("general.architecture")

    @property
    def kind(self) -> str:
        """`model`, or what else the file is: `adapter`, `mmproj`, `imatrix`."""
        return "mmproj" if self.architecture == "clip" else self.text("general.type") or "model"

    @property
    def name(self) -> str:
        return self.text("general.name") or self.text("general.basename")

    @property
    def quant(self) -> str:
        """Named by the recipe in the file, else by the type that most of its bytes are in."""
        recipe = self.metadata.get("general.file_type")
        if isinstance(recipe, int) and recipe % GUESSED in FILE_TYPES:
            return FILE_TYPES[recipe % GUESSED]
        bytes_of: dict[str, int] = {}
        for tensor in self.tensors:
            bytes_of[tensor.kind] = bytes_of.get(tensor.kind, 0) + tensor.size_bytes
        return max(bytes_of, key=lambda kind: bytes_of[kind], default="")

    @property
    def parameters(self) -> int:
        return sum(tensor.elements for tensor in self.tensors)

    @property
    def layers(self) -> int:
        return self.number("block_count")

    @property
    def context_tokens(self) -> int:
        return self.number("context_length")

    @property
    def has_template(self) -> bool:
        return bool(self.text("tokenizer.chat_template"))

    @property
    def shards(self) -> int:
        count = self.metadata.get("split.count")
        return count if isinstance(count, int) and count > 1 else 1

    @property
    def kv_heads(self) -> tuple[int, ...]:
        """KV heads of each layer (some architectures vary them); empty when the file does not say."""
        found = self.metadata.get(f"{self.architecture}.attention.head_count_kv")
        if isinstance(found, tuple):
            return tuple(int(count) for count in found if isinstance(count, int))
        heads = self.number("attention.head_count_kv") or self.number("attention.head_count")
        return (heads,) * min(self.layers, MAX_KEYS) if heads else ()

    @property
    def key_length(self) -> int:
        return self.number("attention.key_length") or self._head_length()

    @property
    def value_length(self) -> int:
        return self.number("attention.value_length") or self._head_length()

    def text(self, key: str) -> str:
        found = self.metadata.get(key)
        return found if isinstance(found, str) else ""

    def number(self, key: str) -> int:
        """Returns a whole number of this architecture (`block_count` is `llama.block_count`), 0 if unsaid."""
        found = self.metadata.get(f"{self.architecture}.{key}")
        return found if isinstance(found, int) and found > 0 else 0

    def _head_length(self) -> int:
        heads = self.number("attention.head_count")
        return self.number("embedding_length") // heads if heads else 0


class _Malformed(Exception):
    """Carries the `FileFault`."""


def read_header(path: Path) -> GgufHeader:
    """Reads a file's header. Raises KnownError: MODEL_FILE_MISSING when it cannot be read at all,
    MODEL_CORRUPT when it is no whole GGUF."""
    try:
        with path.open("rb") as file:
            return parse_header(file, str(path))
    except OSError as error:
        raise KnownError.of(
            NoticeCode.MODEL_FILE_MISSING, Action.CHOOSE_MODEL, path=str(path), detail=error.strerror or ""
        ) from error


def parse_header(file: BinaryIO, path: str = "", file_bytes: int | None = None) -> GgufHeader:
    """Reads a header from an open file. `file_bytes` is the length of the whole when `file` holds only its
    beginning."""
    whole_bytes = file.seek(0, 2) if file_bytes is None else file_bytes
    file.seek(0)
    try:
        return _Parser(file, whole_bytes).header()
    except _Malformed as error:
        raise KnownError.of(
            NoticeCode.MODEL_CORRUPT, Action.PULL_AGAIN, path=path, detail=str(error)
        ) from error


class _Parser:
    """A cursor over the header, which is read in steps as far as it is needed."""

    def __init__(self, file: BinaryIO, file_bytes: int) -> None:
        self._file = file
        self._file_bytes = file_bytes
        self._data = bytearray()
        self._at = 0
        self._kept_items = 0
        self._arrays: dict[str, ArrayPlace] = {}

    def header(self) -> GgufHeader:
        if self._bytes(4) != MAGIC:
            _refuse(FileFault.MAGIC)
        version = self._number("<I")
        if version not in VERSIONS:
            _refuse(FileFault.VERSION)
        tensor_count, key_count = self._number("<Q"), self._number("<Q")
        if tensor_count > MAX_TENSORS or key_count > MAX_KEYS:
            _refuse(FileFault.COUNTS)
        metadata, kinds = self._metadata(key_count)
        infos = self._tensor_infos(tensor_count)
        alignment = _alignment(metadata)
        data_offset = _aligned(self._at, alignment)
        self._check_places(infos, data_offset, alignment)
        return GgufHeader(
            version=version,
            metadata=metadata,
            kinds=kinds,
            arrays=self._arrays,
            tensors=infos,
            data_offset=data_offset,
            file_bytes=self._file_bytes,
        )

    def _metadata(self, count: int) -> tuple[dict[str, Metadata], dict[str, int]]:
        metadata: dict[str, Metadata] = {}
        kinds: dict[str, int] = {}
        for _ in range(count):
            key = self._string()
            if not key or key in kinds or "\0" in key:  # for llama.cpp a name ends there
                _refuse(FileFault.KEY)
            kinds[key] = kind = self._number("<I")
            if kind == ARRAY:
                items = self._array(key)
                if items is not None:
                    metadata[key] = items
            else:
                metadata[key] = self._scalar(kind)
        return metadata, kinds

    def _scalar(self, kind: int) -> Scalar:
        if kind == STRING:
            return self._string()
        if kind not in SCALARS:
            _refuse(FileFault.VALUE_TYPE)
        (found,) = struct.unpack(SCALARS[kind], self._bytes(struct.calcsize(SCALARS[kind])))
        value: int | float | bool = found
        return value

    def _array(self, key: str) -> tuple[Scalar, ...] | None:
        """Notes where the array is; returns its items if they are few. Nested arrays are refused."""
        kind, count = self._number("<I"), self._number("<Q")
        if count > MAX_ARRAY_ITEMS or (kind != STRING and kind not in SCALARS):
            _refuse(FileFault.ARRAY)
        start, items = self._at, None
        if count <= KEPT_ARRAY_ITEMS and self._kept_items + count <= KEPT_ITEMS:
            self._kept_items += count
            items = tuple(self._scalar(kind) for _ in range(count))
        elif kind == STRING:
            self._skip_strings(count)
        else:
            self._skip(count * struct.calcsize(SCALARS[kind]))
        self._arrays[key] = ArrayPlace(kind=kind, count=count, offset=start, end=self._at)
        return items

    def _tensor_infos(self, count: int) -> tuple[TensorInfo, ...]:
        infos: list[TensorInfo] = []
        names: set[str] = set()
        for _ in range(count):
            name = self._string(MAX_NAME_BYTES)
            if name in names or "\0" in name:
                _refuse(FileFault.TENSOR_NAME)
            names.add(name)
            infos.append(self._tensor_info(name))
        return tuple(infos)

    def _tensor_info(self, name: str) -> TensorInfo:
        dimensions = self._number("<I")
        if dimensions > MAX_DIMENSIONS:
            _refuse(FileFault.TENSOR_SHAPE)
        shape = tuple(self._number("<Q") for _ in range(dimensions))
        kind = TENSOR_TYPES.get(self._number("<I"))
        offset = self._number("<Q")
        if kind is None:
            _refuse(FileFault.TENSOR_TYPE)
        elements = math.prod(shape)
        if not 0 < elements < 2**63 or (shape and shape[0] % kind.block):
            _refuse(FileFault.TENSOR_SHAPE)
        size = -(-elements // kind.block) * kind.size
        return TensorInfo(name=name, shape=shape, kind=kind.name, offset=offset, size_bytes=size)

    def _check_places(self, infos: tuple[TensorInfo, ...], data_offset: int, alignment: int) -> None:
        # Like llama.cpp: tensors lie one after the other, each at the next multiple of the alignment.
        expected = 0
        for info in infos:
            if info.offset != expected:
                _refuse(FileFault.TENSOR_OFFSET)
            if data_offset + info.offset + info.size_bytes > self._file_bytes:
                _refuse(FileFault.TRUNCATED)
            expected += _aligned(info.size_bytes, alignment)

    def _number(self, layout: str) -> int:
        (found,) = struct.unpack(layout, self._bytes(struct.calcsize(layout)))
        number: int = found
        return number

    def _string(self, limit: int = MAX_STRING_BYTES) -> str:
        length = self._number("<Q")
        if length > limit:
            _refuse(FileFault.STRING)
        return self._bytes(length).decode("utf-8", "replace")

    def _bytes(self, count: int) -> bytes:
        start = self._at
        self._skip(count)
        return bytes(self._data[start : self._at])

    def _skip(self, count: int) -> None:
        end = self._at + count
        if end > len(self._data):
            self._read_to(end)
        self._at = end

    def _skip_strings(self, count: int) -> None:
        # A vocabulary has up to half a million of them: this loop is most of the reader's time.
        unpack = struct.Struct("<Q").unpack_from
        at = self._at
        have = len(self._data)
        for _ in range(count):
            if at + 8 > have:
                have = self._read_to(at + 8)
            at += 8 + unpack(self._data, at)[0]
            if at > have:
                have = self._read_to(at)
        self._at = at

    def _read_to(self, end: int) -> int:
        """Makes the bytes before `end` available; returns how many are."""
        if end > MAX_HEADER_BYTES:
            _refuse(FileFault.HEADER_SIZE)
        if end > self._file_bytes:
            _refuse(FileFault.TRUNCATED)
        while len(self._data) < end:
            more = self._file.read(max(READ_BYTES, end - len(self._data)))
            if not more:
                _refuse(FileFault.TRUNCATED)
            self._data += more
        return len(self._data)


def _aligned(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment


def _alignment(metadata: dict[str, Metadata]) -> int:
    found = metadata.get("general.alignment", 32)
    if (
        isinstance(found, bool)
        or not isinstance(found, int)
        or not MIN_ALIGNMENT <= found <= MAX_ALIGNMENT
        or found & (found - 1)
    ):
        _refuse(FileFault.ALIGNMENT)
    return found


def _refuse(detail: FileFault) -> NoReturn:
    raise _Malformed(detail)

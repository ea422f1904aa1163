"""The base of every value that crosses a process border or is stored."""

from __future__ import annotations

from typing import Any, TypeVar, dataclass_transform

import msgspec

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class ValueMeta(msgspec.StructMeta):
    """Makes every value frozen and keyword-only without each class having to say so."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> Any:
        options = {"frozen": True, "kw_only": True, "omit_defaults": True, **options}
        return super().__new__(cls, name, bases, namespace, **options)


class Value(msgspec.Struct, metaclass=ValueMeta):
    """An immutable value with a JSON form: `to_json` and `from_json` are each other's inverse.

    Unknown fields are ignored on reading, so that an older reader survives a newer writer.
    `msgspec.structs.replace(value, field=...)` makes a changed copy.
    """


def to_json(value: object) -> bytes:
    """Encodes a value (or plain data made of values) as UTF-8 JSON."""
    return msgspec.json.encode(value)


def from_json(data: bytes | str, kind: type[T]) -> T:
    """Decodes JSON into `kind`. Raises `ValueError` when the data does not fit."""
    return msgspec.json.decode(data, type=kind)

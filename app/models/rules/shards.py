"""A model in several files: each says which part it is, and together they have what the first one counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.domain.filefault import FileFault
from app.models.gguf import GgufHeader
from app.models.rules.fault import Fault


def disagreements(headers: Sequence[GgufHeader]) -> Iterator[tuple[int, Fault]]:
    """Yields the number of the file and what is wrong with it."""
    count = len(headers)
    if headers and headers[0].shards != count:
        yield 0, _fault("split.count", headers[0].shards, count)
    if count < 2:
        return
    names: set[str] = set()
    for number, header in enumerate(headers):
        part = header.metadata.get("split.no")
        if part != number:
            yield number, _fault("split.no", part, number)
        twice = names.intersection(tensor.name for tensor in header.tensors)
        if twice:
            yield number, Fault(fault=FileFault.SHARDS, name=min(twice))
        names.update(tensor.name for tensor in header.tensors)
    total = headers[0].metadata.get("split.tensors.count")
    if isinstance(total, int) and total != len(names):
        yield 0, _fault("split.tensors.count", total, len(names))


def _fault(key: str, found: object, allowed: int) -> Fault:
    return Fault(
        fault=FileFault.SHARDS,
        name=key,
        found="" if found is None else str(found),
        allowed=str(allowed),
    )

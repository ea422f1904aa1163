"""What memory llama.cpp says it took, read from its log: there is no call for it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.domain.engine import Buffer, BufferKind

_MIB = 1024 * 1024
_BUFFER = re.compile(r"(\S+)\s+(model|KV|RS|compute|output) buffer size =\s*([\d.]+) MiB")
_CACHE = re.compile(r"^(?:llama_kv_cache|llama_memory_recurrent)\S*: size =\s*([\d.]+) MiB")
_KINDS = {
    "model": BufferKind.WEIGHTS,
    "KV": BufferKind.KV,
    "RS": BufferKind.KV,
    "compute": BufferKind.COMPUTE,
    "output": BufferKind.OUTPUT,
}
_REPACKED = "CPU_REPACK"
# What a GPU's driver gives out of the host's memory ends in this; what is mapped is the host's too.
_HOST_SUFFIX = "_Host"
CPU = "CPU"


def buffers_of(lines: Iterable[str]) -> tuple[Buffer, ...]:
    """Returns one buffer for each device and kind that the lines name."""
    sizes: dict[tuple[str, BufferKind], int] = {}
    for line in lines:
        if found := _BUFFER.search(line):
            name, kind = found[1], _KINDS[found[2]]
            if name == _REPACKED:
                kind = BufferKind.REPACKED
            place = (_device(name), kind)
            sizes[place] = sizes.get(place, 0) + round(float(found[3]) * _MIB)
    return tuple(Buffer(device=device, kind=kind, size_bytes=size) for (device, kind), size in sizes.items())


def cache_bytes(lines: Iterable[str]) -> int:
    """Returns what all caches would take, which is also said where none is allocated."""
    return round(sum(float(found[1]) for line in lines if (found := _CACHE.match(line))) * _MIB)


def _device(name: str) -> str:
    return CPU if name.startswith(CPU) or name.endswith(_HOST_SUFFIX) else name

"""Says whether a model file may be given to native code, and if not, what is wrong with it.

Promises: a file that llama.cpp is known to die of is refused, in words that can be made of the notice's
facts; nothing but `KnownError` is ever raised, in time and memory that hang on the header's size alone. What
llama.cpp refuses by itself, politely, is left to it. Every death ever found became a rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from app.domain.filefault import FileFault
from app.domain.notice import Action, NoticeCode
from app.errors import KnownError
from app.models.gguf import GgufHeader, parse_header
from app.models.rules import charsmap, heads, numbers, projections, shards, state, values, vocabulary, weights
from app.models.rules.fault import Fault, Rule

VERSION = 4  # to be counted up with every new rule: files are looked at once more then
# In this order: each may trust what those before it have looked at.
RULES: tuple[Rule, ...] = (
    values.wrong_types,
    numbers.layers,
    numbers.context,
    numbers.experts,
    numbers.rope_scaling,
    numbers.epsilons,
    numbers.temperature,
    heads.heads,
    heads.lengths,
    heads.compressed,
    heads.sections,
    heads.windows,
    projections.uniform,
    projections.widths,
    projections.window_lengths,
    state.state,
    state.convolution,
    weights.types,
    weights.missing,
    vocabulary.lists,
    vocabulary.tokenizer,
)


def validate(paths: Sequence[Path]) -> tuple[GgufHeader, ...]:
    """Reads the headers of a model's files (its shards in order) and returns them.

    Raises KnownError: MODEL_FILE_MISSING, MODEL_CORRUPT (no whole GGUF), MODEL_REFUSED (one that native code
    would not survive).
    """
    headers = []
    for path in paths:
        try:
            with path.open("rb") as file:
                header = parse_header(file, str(path))
                for fault in _faults(header, file):
                    raise refusal(path, fault)
        except OSError as error:
            raise KnownError.of(
                NoticeCode.MODEL_FILE_MISSING,
                Action.CHOOSE_MODEL,
                path=str(path),
                detail=error.strerror or "",
            ) from error
        headers.append(header)
    for number, fault in shards.disagreements(headers):
        raise refusal(paths[number], fault)
    return tuple(headers)


def stamp(paths: Sequence[Path]) -> str:
    """Returns what tells these files, and the rules they are held to, from any others. Raises OSError."""
    found = [path.stat() for path in paths]
    return ":".join((str(VERSION), *(f"{file.st_size}-{file.st_mtime_ns}" for file in found)))


def refusal(path: Path, fault: Fault) -> KnownError:
    if fault.fault is FileFault.SHARDS:
        return KnownError.of(
            NoticeCode.MODEL_CORRUPT, Action.PULL_AGAIN, path=str(path), detail=fault.fault.value
        )
    return KnownError.of(
        NoticeCode.MODEL_REFUSED,
        Action.CHOOSE_MODEL,
        path=str(path),
        fault=fault.fault.value,
        value=fault.value,
    )


def _faults(header: GgufHeader, file: BinaryIO) -> Iterator[Fault]:
    """Rules for models only: an adapter and a projector have no layers of their own."""
    if header.kind != "model":
        return
    for rule in RULES:
        yield from rule(header)
    yield from vocabulary.contents(header, file)
    yield from charsmap.faults(header, file)

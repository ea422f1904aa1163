"""Quants by the names of their files: which files of a repo make one model, and which quant is meant.

Knows names only; what is really in a file, its header says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.domain.value import Value

# Longer spellings first. `i1-` (importance matrix) in front is a habit of one publisher, `UD-` of another:
# the second is part of the name people ask for, the first is not.
_QUANT = re.compile(
    r"(?:^|[-._])"
    r"(?P<quant>(?:UD-)?(?:I?Q[1-8](?:_(?:0|1|4|8|K|S|M|L|P|XS|XXS|XL|XXL|NL))*"
    r"|TQ[12]_0|BF16|FP?16|FP?32|MXFP4(?:_MOE)?|NVFP4))"
    r"(?=$|[-._])",
    re.IGNORECASE,
)
_SHARD = re.compile(r"^(?P<stem>.+)-(?P<index>\d{5})-of-(?P<count>\d{5})$")
_SPELLINGS = {"FP16": "F16", "FP32": "F32", "MXFP4_MOE": "MXFP4"}

# When nothing is named: the common best trade of size for quality, then its neighbours, then anything.
PREFERENCE = (
    *("Q4_K_M", "Q4_K_S", "Q5_K_M", "Q4_0", "UD-Q4_K_XL", "IQ4_XS", "IQ4_NL", "Q4_1", "Q4_K", "Q4"),
    *("MXFP4", "Q5_K_S", "Q5_0", "Q5_1", "Q6_K", "Q8_0", "Q3_K_M", "Q3_K_L", "Q3_K_S", "IQ3_M"),
)
MAX_SHARDS = 999


class FileEntry(Value):
    """One file of a repo's tree."""

    path: str
    size_bytes: int
    sha256: str = ""


class QuantGroup(Value):
    """The files that make one model: one file, or all its shards in order."""

    quant: str
    name: str  # the file's name without quant, shard and suffix
    files: tuple[FileEntry, ...]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


def quant_of(path: str) -> str:
    """Returns the quant that a file's name (or else its folder) speaks of, `""` if it speaks of none."""
    stem, *folders = reversed(_without_suffix(path).split("/"))
    for part in (_split_shard(stem)[0], *folders):
        if found := _last_quant(part):
            return spelled(found["quant"])
    return ""


def spelled(quant: str) -> str:
    """Returns a quant's name in its usual spelling: `fp16` is F16, `ud-q4_k_xl` is UD-Q4_K_XL."""
    upper = quant.strip().upper()
    return _SPELLINGS.get(upper, upper)


def base_name(path: str) -> str:
    """Returns what is left of a file's name without quant, shard numbers and suffix."""
    stem, _, _ = _split_shard(_without_suffix(path).rsplit("/", 1)[-1])
    found = _last_quant(stem)
    if found is None:
        return stem
    rest = stem[: found.start()] + stem[found.end() :]
    return re.sub(r"[-._]i1$", "", rest).strip("-._") or stem


def shard_of(path: str) -> tuple[int, int]:
    """Returns which shard of how many a file is; (1, 1) for a whole one."""
    _, index, count = _split_shard(_without_suffix(path))
    return index, count


def shard_paths(path: str) -> tuple[str, ...]:
    """Returns the paths of all shards that belong with this one, in order; a whole file stands alone."""
    stem, _, count = _split_shard(_without_suffix(path))
    if count == 1:
        return (path,)
    suffix = path[-len(".gguf") :]
    return tuple(f"{stem}-{index:05d}-of-{count:05d}{suffix}" for index in range(1, count + 1))


def is_projector(path: str) -> bool:
    """True for the vision or audio part that goes beside a model."""
    return "mmproj" in path.rsplit("/", 1)[-1].lower()


def is_model(path: str) -> bool:
    name = path.rsplit("/", 1)[-1].lower()
    return name.endswith(".gguf") and not is_projector(path) and "imatrix" not in name


def group(files: Iterable[FileEntry]) -> tuple[QuantGroup, ...]:
    """Returns the models in a repo's files, smallest first. Sets that lack a shard are left out."""
    by_path = {file.path: file for file in files if is_model(file.path)}
    groups = []
    for path in by_path:
        if shard_of(path)[0] != 1:
            continue
        members = [by_path.get(shard) for shard in shard_paths(path)]
        whole = tuple(member for member in members if member is not None)
        if len(whole) == len(members):
            groups.append(QuantGroup(quant=quant_of(path), name=base_name(path), files=whole))
    return tuple(sorted(groups, key=lambda entry: (entry.size_bytes, entry.files[0].path)))


def pick(groups: tuple[QuantGroup, ...], wanted: str | None, repo: str = "") -> QuantGroup | None:
    """Returns the group for a quant's (or a file's) name, or the best default when none is named.

    A repo may hold several models of one quant; then the one named like the repo is meant.
    """
    if wanted:
        return _named(groups, wanted, repo)
    for quant in PREFERENCE:
        if found := _named(groups, quant, repo):
            return found
    # Nothing common: the middle of what there is, neither the crudest nor the unquantized.
    return groups[(len(groups) - 1) // 2] if groups else None


def _named(groups: tuple[QuantGroup, ...], wanted: str, repo: str) -> QuantGroup | None:
    quant, name = spelled(wanted), wanted.lower()
    found = (
        [entry for entry in groups if entry.quant == quant]
        or [entry for entry in groups if entry.quant == f"UD-{quant}"]
        or [entry for entry in groups if entry.files[0].path.lower() in (name, f"{name}.gguf")]
    )
    title = repo.rsplit("/", 1)[-1].lower()
    return min(found, key=lambda entry: (entry.name.lower() not in title, entry.files[0].path), default=None)


def _without_suffix(path: str) -> str:
    return path[: -len(".gguf")] if path.lower().endswith(".gguf") else path


def _split_shard(stem: str) -> tuple[str, int, int]:
    found = _SHARD.match(stem)
    if found is None or not 1 <= int(found["index"]) <= int(found["count"]) <= MAX_SHARDS:
        return stem, 1, 1
    return found["stem"], int(found["index"]), int(found["count"])


def _last_quant(text: str) -> re.Match[str] | None:
    # Matches share their separators, so look from each start: `a-Q8_0-Q4_K_M` must end in Q4_K_M.
    last = None
    at = 0
    while found := _QUANT.search(text, at):
        last = found
        at = found.end()
    return last

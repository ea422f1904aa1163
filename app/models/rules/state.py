"""The state of recurrent layers: how an inner size is divided, which graphs assert and divide by."""

from __future__ import annotations

from collections.abc import Iterator

from app.domain.filefault import FileFault
from app.models.gguf import GgufHeader
from app.models.rules.architectures import DELTA_NETS, SCANS_BY_HEAD, TWICE_AS_WIDE
from app.models.rules.facts import full, whole
from app.models.rules.fault import Fault


def state(header: GgufHeader) -> Iterator[Fault]:
    inner, heads = whole(header, "ssm.inner_size"), whole(header, "ssm.time_step_rank")
    groups, size = whole(header, "ssm.group_count"), whole(header, "ssm.state_size")
    name = header.architecture
    if name in SCANS_BY_HEAD | DELTA_NETS and (not heads or inner % heads):
        yield _fault(header, "ssm.time_step_rank", heads, f"{inner} / n")
    elif name in SCANS_BY_HEAD and groups and inner % groups:
        yield _fault(header, "ssm.group_count", groups, f"{inner} / n")
    elif name in DELTA_NETS and inner != heads * size:
        yield _fault(header, "ssm.inner_size", inner, str(heads * size))
    elif name in DELTA_NETS and (not groups or heads % groups):
        yield _fault(header, "ssm.group_count", groups, f"{heads} / n")
    elif name in TWICE_AS_WIDE and inner != 2 * whole(header, "embedding_length"):
        yield _fault(header, "ssm.inner_size", inner, str(2 * whole(header, "embedding_length")))


def convolution(header: GgufHeader) -> Iterator[Fault]:
    """A short convolution looks at the token before at least."""
    for key in ("ssm.conv_kernel", "shortconv.l_cache"):
        found = header.metadata.get(full(header, key))
        if isinstance(found, int) and found < 2:
            yield _fault(header, key, found, "2-")


def _fault(header: GgufHeader, key: str, found: int, allowed: str) -> Fault:
    return Fault(fault=FileFault.NUMBER, name=full(header, key), found=str(found), allowed=allowed)

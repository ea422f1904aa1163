"""Plans for models that are here: header, search, and a dry run that has the last word.

What the dry run finds is kept by header, settings and devices: asking again is free. Where it cannot run, the
estimate stands and is marked as one.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from app.domain.engine import LoadPlan
from app.domain.model import Model, ModelOptions
from app.domain.placement import Placement
from app.domain.value import to_json
from app.engine.wire import Measured
from app.errors import KnownError
from app.models.gguf import GgufHeader, read_header
from app.models.quant import shard_paths
from app.planning.facts import computed_bytes, placement_of
from app.planning.memory import shares
from app.planning.placement import Found, Machine, search
from app.planning.shape import ModelShape, guessed_shape, shape_of

log = logging.getLogger(__name__)

DryRun = Callable[[LoadPlan], Measured | None]
KEPT_ANSWERS = 64


class _Known(msgspec.Struct, frozen=True):
    shape: ModelShape
    digest: str
    stamps: tuple[tuple[int, int], ...]  # size and time of each file


class Planner:
    """Not for two threads at once. `dry_run` may take seconds and is only asked where it can change
    something."""

    def __init__(self, dry_run: DryRun = lambda plan: None) -> None:
        self._dry_run = dry_run
        self._known: dict[str, _Known] = {}
        self._measured: dict[str, Measured] = {}

    def plan(self, model: Model, options: ModelOptions, machine: Machine) -> LoadPlan:
        """Returns how to load a model. Never raises for a file that cannot be read: loading it will say
        so."""
        try:
            known = self._know(model) if model.path else None
        except KnownError as error:
            log.info("%s is planned by its size alone: %s", model.id, error)
            known = None
        if known is None:
            return search(guessed_shape(model), wished_plan(model, options), options, machine).plan
        found, _measured = self._found(known, model, options, machine, is_needed=False)
        return found.plan

    def placement(self, model: Model, options: ModelOptions, machine: Machine) -> Placement:
        """Returns the same in facts. Raises `KnownError` for a file that cannot be read or is not
        supported."""
        known = self._know(model)
        found, measured = self._found(known, model, options, machine, is_needed=True)
        buffers = measured.buffers if measured is not None else None
        return placement_of(model.id, known.shape, found, options, machine, buffers)

    def _found(
        self, known: _Known, model: Model, options: ModelOptions, machine: Machine, *, is_needed: bool
    ) -> tuple[Found, Measured | None]:
        """Searches, and once more if llama.cpp wants more on some GPU than was estimated."""
        wished = wished_plan(model, options)
        found = search(known.shape, wished, options, machine)
        if not found.plan.devices and not is_needed:
            return found, None  # nothing can overflow
        measured = self._measure(known, found.plan, must_work=is_needed)
        beyond = _beyond(known.shape, found.plan, measured)
        if measured is None or not beyond:
            return found, measured
        found = search(known.shape, wished, options, machine, beyond)
        return found, self._measure(known, found.plan, must_work=is_needed)

    def _measure(self, known: _Known, plan: LoadPlan, *, must_work: bool) -> Measured | None:
        settings = msgspec.structs.replace(plan, model_id="", model_path="")
        key = known.digest + to_json(settings).decode()
        if key not in self._measured:
            try:
                measured = self._dry_run(plan)
            except KnownError:
                if must_work:
                    raise
                return None
            if measured is None:
                return None
            while len(self._measured) >= KEPT_ANSWERS:
                del self._measured[next(iter(self._measured))]
            self._measured[key] = measured
        return self._measured[key]

    def _know(self, model: Model) -> _Known:
        files = [Path(model.path).with_name(name) for name in shard_paths(Path(model.path).name)]
        stamps = tuple(_stamp(file) for file in files)
        known = self._known.get(model.path)
        if known is None or known.stamps != stamps:
            headers = [read_header(file) for file in files]
            known = _Known(shape=shape_of(headers), digest=_digest(headers), stamps=stamps)
            self._known[model.path] = known
        return known


def wished_plan(model: Model, options: ModelOptions) -> LoadPlan:
    """Returns what is not searched for."""
    return LoadPlan(
        model_id=model.id,
        model_path=model.path,
        threads=options.threads or 0,
        adapters=options.adapters or (),
    )


def _beyond(shape: ModelShape, plan: LoadPlan, measured: Measured | None) -> dict[str, int]:
    """Returns by how much each GPU's buffers are larger than estimated."""
    if measured is None:
        return {}
    more = {
        share.device: computed_bytes(measured.buffers, share.device) - share.compute
        for share in shares(shape, plan)[1:]
    }
    return {device: size for device, size in more.items() if size > 0}


def _digest(headers: list[GgufHeader]) -> str:
    return hashlib.sha256(b"".join(to_json(header) for header in headers)).hexdigest()


def _stamp(file: Path) -> tuple[int, int]:
    try:
        about = file.stat()
    except OSError:
        return 0, 0  # reading it says what is wrong
    return about.st_size, about.st_mtime_ns

"""The catalogue: models that Cove recommends, from resources/catalogue.toml.

Promises that every field of what it returns is sound, or raises a BugError that names the entry and what is
wrong with it. Reads no network; what a family needs to be at its best counts for models that are not in the
catalogue too, as long as they are named like it.
"""

from __future__ import annotations

import datetime
import functools
import re
import tomllib
from pathlib import Path

import msgspec

import resources
from app.domain.catalogue import CatalogueModel, CatalogueShape, GoodAt, Reasoning
from app.domain.generation import Sampling
from app.domain.samplers import fault
from app.domain.value import Value
from app.errors import BugError
from app.models.quant import FileEntry, QuantGroup, pick, spelled

FILE = Path(resources.__file__).parent / "catalogue.toml"

_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
# Of a file by its model's parameters: below, no quant is; above, not even F32.
_LEAST_BITS, _MOST_BITS = 1.0, 36.0
_MOST_LAYERS = 1000
_MOST_HEAD_SIZE = 1024
_LEAST_CONTEXT = 512


class Family(Value, forbid_unknown_fields=True):
    """Models that begin alike are meant alike. An empty system prompt leaves it to the template."""

    maker: str
    names: tuple[str, ...]
    system_prompt: str = ""
    sampling: Sampling = Sampling()

    def has(self, name: str) -> int:
        """Returns how much of a model's name is this family's, 0 for none."""
        return max((len(start) for start in self.names if name.startswith(start)), default=0)


class Catalogue(Value):
    """`checked` is the day on which sizes were last what the Hub said."""

    checked: datetime.date
    models: tuple[CatalogueModel, ...]
    families: dict[str, Family]

    def family_of(self, name: str) -> Family | None:
        """Returns the family of a model by its name (a file's, a repo's or its own)."""
        plain = name.lower().replace(" ", "-").replace("_", "-")
        best = max(self.families.values(), key=lambda family: family.has(plain), default=None)
        return best if best is not None and best.has(plain) else None


class _Shape(Value, forbid_unknown_fields=True):
    parameters: int
    layers: int
    kv_heads: int
    head_size: int
    context_tokens: int
    active_parameters: int = 0  # all of them


class _Model(Value, forbid_unknown_fields=True):
    repo: str
    family: str
    good_at: tuple[GoodAt, ...]
    languages: tuple[str, ...]
    licence: str
    reasoning: Reasoning
    shape: _Shape
    sizes: dict[str, int]
    gated: bool = False


class _File(Value, forbid_unknown_fields=True):
    checked: datetime.date
    families: dict[str, Family]
    models: tuple[_Model, ...]


@functools.cache
def catalogue() -> Catalogue:
    """Returns the catalogue that comes with Cove."""
    return read(FILE)


def read(path: Path) -> Catalogue:
    """Reads a catalogue. Raises BugError with all that is wrong with it."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        file = msgspec.convert(raw, _File)
    except (OSError, ValueError) as error:  # also what TOML and msgspec find
        raise BugError(f"{path.name}: {error}") from error
    faults = [*_unknown_sampling(raw), *_family_faults(file.families)]
    for index, model in enumerate(file.models):
        faults += [f"models[{index}] ({model.repo}): {fault}" for fault in _faults(model, file.families)]
    faults += _repeated([model.repo.lower() for model in file.models])
    if faults:
        raise BugError(f"{path.name}: {'; '.join(faults)}")
    models = tuple(_made(model, file.families[model.family]) for model in file.models)
    return Catalogue(checked=file.checked, families=file.families, models=models)


def usual_quant(model: CatalogueModel) -> str:
    """Returns the quant that a pull without one takes, as far as the catalogue knows."""
    groups = tuple(
        QuantGroup(quant=quant, name="", files=(FileEntry(path=quant, size_bytes=size),))
        for quant, size in sorted(model.sizes.items(), key=lambda item: item[1])
    )
    chosen = pick(groups, None)
    assert chosen is not None  # a catalogue without sizes is not read
    return chosen.quant


def _made(model: _Model, family: Family) -> CatalogueModel:
    shape = model.shape
    return CatalogueModel(
        repo=model.repo,
        family=model.family,
        maker=family.maker,
        good_at=model.good_at,
        languages=model.languages,
        licence=model.licence,
        reasoning=model.reasoning,
        shape=CatalogueShape(
            parameters=shape.parameters,
            active_parameters=shape.active_parameters or shape.parameters,
            layers=shape.layers,
            kv_heads=shape.kv_heads,
            head_size=shape.head_size,
            context_tokens=shape.context_tokens,
        ),
        sizes=model.sizes,
        sampling=family.sampling,
        is_gated=model.gated,
    )


def _faults(model: _Model, families: dict[str, Family]) -> list[str]:
    checks = (
        (_REPO.fullmatch(model.repo) is not None, "repo must be OWNER/REPO"),
        (model.family in families, f"there is no family {model.family!r}"),
        (_is_set(model.good_at), "good_at must name things, each once"),
        (_is_set(model.languages), "languages must name some, each once"),
        (all(map(_LANGUAGE.fullmatch, model.languages)), "languages are codes such as en or vi"),
        (bool(model.licence.strip()), "licence is empty"),
        (bool(model.sizes), "sizes are empty"),
    )
    return [text for is_right, text in checks if not is_right] + _shape_faults(model) + _size_faults(model)


def _shape_faults(model: _Model) -> list[str]:
    shape = model.shape
    checks = (
        (shape.parameters > 0, "shape.parameters must be more than 0"),
        (0 <= shape.active_parameters <= shape.parameters, "shape.active_parameters are more than all"),
        (0 < shape.layers <= _MOST_LAYERS, f"shape.layers must be 1 to {_MOST_LAYERS}"),
        (0 < shape.kv_heads <= _MOST_HEAD_SIZE, f"shape.kv_heads must be 1 to {_MOST_HEAD_SIZE}"),
        (0 < shape.head_size <= _MOST_HEAD_SIZE, f"shape.head_size must be 1 to {_MOST_HEAD_SIZE}"),
        (shape.context_tokens >= _LEAST_CONTEXT, f"shape.context_tokens must be {_LEAST_CONTEXT} or more"),
    )
    return [text for is_right, text in checks if not is_right]


def _size_faults(model: _Model) -> list[str]:
    faults = [
        f"sizes: {quant} is spelled {spelled(quant)}" for quant in model.sizes if spelled(quant) != quant
    ]
    for quant, size in model.sizes.items():
        bits = 8 * size / max(model.shape.parameters, 1)
        if not _LEAST_BITS <= bits <= _MOST_BITS:
            faults.append(f"sizes.{quant} is {bits:.2f} bits for each parameter")
    return faults


def _family_faults(families: dict[str, Family]) -> list[str]:
    faults = []
    for name, family in families.items():
        checks = (
            (_NAME.fullmatch(name) is not None, "its name must be in lower case, with dashes"),
            (bool(family.maker.strip()), "maker is empty"),
            (_is_set(family.names), "names must be some, each once"),
            (all(map(_NAME.fullmatch, family.names)), "names must be in lower case, with dashes"),
            (fault(family.sampling) is None, f"sampling: {fault(family.sampling)}"),
        )
        faults += [f"families.{name}: {text}" for is_right, text in checks if not is_right]
    starts = [start for family in families.values() for start in family.names]
    return faults + _repeated(starts)


def _unknown_sampling(raw: dict[str, dict[str, dict[str, dict[str, object]]]]) -> list[str]:
    # Values forgive unknown fields, a newer writer's; here they are slips of the pen.
    known = set(Sampling.__struct_fields__)
    return [
        f"families.{name}: there is no sampler {key!r}"
        for name, family in raw["families"].items()
        for key in family.get("sampling", {})
        if key not in known
    ]


def _is_set(items: tuple[object, ...]) -> bool:
    return bool(items) and len(set(items)) == len(items)


def _repeated(names: list[str]) -> list[str]:
    return [f"{name} is there twice" for name in sorted({name for name in names if names.count(name) > 1})]

"""What a model's file says about how to sample it (`general.sampling.*` of its header)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain.generation import Sampling
from app.domain.samplers import KNOBS, ORDER, sound

_PREFIX = "general.sampling."
_KEYS = {
    **{name: name for name in ("top_k", "top_p", "min_p", "xtc_probability", "xtc_threshold")},
    **{name: name for name in ("penalty_last_n", "mirostat", "mirostat_tau", "mirostat_eta")},
    "temp": "temperature",
    "penalty_repeat": "repeat_penalty",
}
_SPELLINGS = {"temp": "temperature", "typ_p": "typical_p", "typical": "typical_p"}
_WHOLE = {knob.name for knob in KNOBS if knob.is_whole}


def stored_sampling(metadata: Mapping[str, object]) -> Sampling:
    """Returns what the header says; what is out of range or of another kind is not said."""
    found: dict[str, Any] = {}
    for key, name in _KEYS.items():
        value = metadata.get(_PREFIX + key)
        if type(value) in (int, float):
            found[name] = _number(name, value)
    order = metadata.get(_PREFIX + "sequence")
    if isinstance(order, str):
        found["order"] = _order(order)
    return sound(Sampling(**found))


def _number(name: str, value: Any) -> float | int | None:
    if name not in _WHOLE:
        return float(f"{value:.7g}")  # the file has 32-bit floats: 0.6 and not 0.6000000238
    whole = int(value) if value == value and abs(value) < 2**53 else None
    return 0 if name == "top_k" and whole is not None and whole < 0 else whole


def _order(text: str) -> tuple[str, ...] | None:
    names = [_SPELLINGS.get(name.strip(), name.strip()) for name in text.split(";")]
    known = tuple(dict.fromkeys(name for name in names if name in ORDER))
    return known or None

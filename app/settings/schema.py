"""The one table of settings. File, dialog, command line and docs are made from it; nothing else lists them.

Knows neither the file nor what a setting does. What a setting is called in the dialog is worded in
`ui/texts/` under its `text_id`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.domain.notice import Fact, NoticeCode
from app.domain.samplers import KNOBS
from app.errors import KnownError

MINUTE_S = 60
DAY_S = 24 * 60 * MINUTE_S


class Kind(StrEnum):
    TEXT = "text"
    WHOLE = "whole"  # int
    NUMBER = "number"  # float
    SWITCH = "switch"  # bool


_LARGEST = 2**53  # whole numbers beyond it would lose digits on their way through JSON
_TYPES: dict[Kind, tuple[type, ...]] = {
    Kind.TEXT: (str,),
    Kind.WHOLE: (int,),
    Kind.NUMBER: (float, int),
    Kind.SWITCH: (bool,),
}
_KEPT: dict[Kind, Callable[[Any], Fact]] = {
    Kind.TEXT: str,
    Kind.WHOLE: int,
    Kind.NUMBER: float,
    Kind.SWITCH: bool,
}
_SWITCH_WORDS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting. `key` is "group.name"; ranges include their ends; an empty `choices` allows any text."""

    key: str
    kind: Kind
    default: Fact
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    needs_restart: bool = False  # of the host, before a change is felt

    @property
    def group(self) -> str:
        return self.key.partition(".")[0]

    @property
    def name(self) -> str:
        return self.key.partition(".")[2]

    @property
    def text_id(self) -> str:
        return f"setting-{self.key.replace('.', '-').replace('_', '-')}"

    def check(self, value: object) -> Fact:
        """Returns the value as it is kept. Raises KnownError (SETTING_INVALID)."""
        if type(value) not in _TYPES[self.kind]:  # not isinstance: True is no number here
            raise invalid(self.key, value)
        if isinstance(value, str) and not self._is_choice(value):
            raise invalid(self.key, value)
        if isinstance(value, int | float) and not self._is_in_range(value):
            raise invalid(self.key, value)
        return _KEPT[self.kind](value)

    def parse(self, text: str) -> Fact:
        """Returns the value that was typed as `text`. Raises KnownError (SETTING_INVALID)."""
        try:
            return self.check(_PARSERS[self.kind](text))
        except (ValueError, KeyError):
            raise invalid(self.key, text) from None

    def _is_choice(self, value: str) -> bool:
        is_storable = not any("\ud800" <= character <= "\udfff" for character in value)
        return is_storable and (not self.choices or value in self.choices)

    def _is_in_range(self, value: float) -> bool:
        lowest = -_LARGEST if self.minimum is None else self.minimum
        highest = _LARGEST if self.maximum is None else self.maximum
        return lowest <= value <= highest  # never true of NaN


_PARSERS: dict[Kind, Callable[[str], object]] = {
    Kind.TEXT: str,
    Kind.WHOLE: int,
    Kind.NUMBER: float,
    Kind.SWITCH: lambda text: _SWITCH_WORDS[text.strip().lower()],
}


def invalid(key: str, value: object) -> KnownError:
    return KnownError.of(NoticeCode.SETTING_INVALID, key=key, value=str(value)[:200])


_USUAL = {knob.name: knob.usual for knob in KNOBS}
SETTINGS: tuple[Setting, ...] = (
    Setting(key="appearance.theme", kind=Kind.TEXT, default="system", choices=("system", "light", "dark")),
    Setting(key="appearance.language", kind=Kind.TEXT, default="system", choices=("system", "en", "vi")),
    Setting(key="models.default", kind=Kind.TEXT, default=""),
    Setting(key="models.keep_alive_s", kind=Kind.WHOLE, default=5 * MINUTE_S, minimum=0, maximum=DAY_S),
    # Empty: the folder "models" in the home.
    Setting(key="models.folder", kind=Kind.TEXT, default="", needs_restart=True),
    Setting(key="network.offline", kind=Kind.SWITCH, default=False),
    # For all downloads together; 0: as many as come.
    Setting(key="network.max_bytes_per_second", kind=Kind.WHOLE, default=0, minimum=0, maximum=10**12),
    Setting(key="chat.save_partial_ms", kind=Kind.WHOLE, default=500, minimum=50, maximum=10_000),
    Setting(key="chat.context_policy", kind=Kind.TEXT, default="roll", choices=("roll", "stop")),
    Setting(
        key="sampling.temperature", kind=Kind.NUMBER, default=_USUAL["temperature"], minimum=0.0, maximum=5.0
    ),
    Setting(key="sampling.top_k", kind=Kind.WHOLE, default=_USUAL["top_k"], minimum=0, maximum=1_000_000),
    Setting(key="sampling.top_p", kind=Kind.NUMBER, default=_USUAL["top_p"], minimum=0.0, maximum=1.0),
    Setting(key="sampling.min_p", kind=Kind.NUMBER, default=_USUAL["min_p"], minimum=0.0, maximum=1.0),
    Setting(key="engine.gpu", kind=Kind.TEXT, default="auto", choices=("auto", "off")),
    Setting(key="host.linger_s", kind=Kind.WHOLE, default=10, minimum=0, maximum=DAY_S),
)
BY_KEY: dict[str, Setting] = {setting.key: setting for setting in SETTINGS}

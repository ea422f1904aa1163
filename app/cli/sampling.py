"""The sampler flags of `cove run`: one table, made into options and read back as settings."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from app.cli.numbers import number, whole
from app.cli.verb import Options, UsageError
from app.domain.generation import EFFORTS, LogitBias, Sampling, Trigger
from app.domain.samplers import KNOBS, ORDER, Knob

# For each number a line of help; the range and the usual value are the table's of `app/domain/samplers.py`.
_HELP = {
    "temperature": "0 always takes the likeliest token",
    "temperature_range": "how far the temperature follows the model's uncertainty",
    "temperature_exponent": "how steeply it does",
    "top_k": "only the so many likeliest; 0: all",
    "top_p": "only the likeliest that together are so likely; 1: all",
    "min_p": "only those with this part of the likeliest's chance; 0: all",
    "typical_p": "only those about as surprising as is typical here; 1: all",
    "top_n_sigma": "only those within so many deviations of the best; 0: all",
    "xtc_probability": "how often the likeliest of several good ones are left out; 0: never",
    "xtc_threshold": "what counts as a good one",
    "dry_multiplier": "how hard a repeated passage is punished; 0: not at all",
    "dry_base": "how much harder for each further token",
    "dry_allowed_length": "how long a repeated passage may be",
    "dry_last_n": "how far back passages are looked for; -1: everywhere",
    "mirostat": "hold the surprise constant, version 1 or 2; 0: off",
    "mirostat_tau": "the surprise to hold",
    "mirostat_eta": "how fast it is corrected",
    "adaptive_target": "prefer tokens with about this chance; below 0: off",
    "adaptive_decay": "for how long earlier tokens count for that",
    "repeat_penalty": "divides the logits of recent tokens; 1: off",
    "frequency_penalty": "takes off for each time a token was said recently",
    "presence_penalty": "takes off once for a token said recently",
    "penalty_last_n": "how many tokens are recent; -1: all",
}
_NUMBERS = (*(knob.name for knob in KNOBS), "seed", "max_tokens", "effort", "reasoning_budget")
_ON = {"on": True, "off": False}
_SPELLED = {"inf": math.inf, "-inf": -math.inf}


def add_flags(parser: Any) -> None:
    group = parser.add_argument_group("sampling (what is not given is left to what suits the model)")
    for knob in KNOBS:
        text = f"{_HELP[knob.name]} ({knob.usual:g})"
        group.add_argument(_flag(knob.name), metavar="N", type=_reader(knob), help=text)
    group.add_argument("--samplers", metavar="A,B,...", help=f"the order ({','.join(ORDER)})")
    group.add_argument("--dry-breaker", metavar="TEXT", action="append", help="ends repeated passages")
    text = "for or against a token (by number, or the tokens of a text): 198=-inf, ' sorry'=-5"
    group.add_argument("--logit-bias", metavar="TOKEN=N", action="append", type=_bias, help=text)
    group.add_argument("--grammar", metavar="GBNF", help="the answer has to fit it")
    group.add_argument("--grammar-file", metavar="FILE", help="the same, from a file")
    text = "the grammar holds from this word on"
    group.add_argument("--grammar-trigger", metavar="WORD", action="append", help=text)
    group.add_argument("--stop", metavar="TEXT", action="append", help="the answer ends before it")
    group.add_argument("--seed", type=whole(0, 2**32 - 1), help="the same seed draws the same tokens")
    group.add_argument("--max-tokens", metavar="N", type=whole(1), help="where an answer is cut")
    group = parser.add_argument_group("reasoning (of models that can)")
    group.add_argument("--thinking", choices=tuple(_ON), help="whether the model thinks before it answers")
    group.add_argument("--effort", choices=EFFORTS, help="how hard, where the model knows levels of it")
    text = "after so many tokens of thoughts it answers (half of the free context)"
    group.add_argument("--reasoning-budget", metavar="N", type=whole(0), help=text)


def sampling_of(options: Options, base: Sampling) -> Sampling:
    """What was said on the command line, and for the rest `base`."""
    said = {name: getattr(options, name) for name in _NUMBERS}
    said["thinking"] = _ON.get(options.thinking)
    if options.samplers is not None:
        said["order"] = _order(options.samplers)
    if options.dry_breaker:
        said["dry_breakers"] = tuple(_unescaped(text) for text in options.dry_breaker)
    if options.logit_bias:
        said["logit_bias"] = tuple(options.logit_bias)
    if options.stop:
        said["stop"] = tuple(_unescaped(text) for text in options.stop)
    said["grammar"] = _grammar(options)
    if options.grammar_trigger:
        said["grammar_triggers"] = tuple(Trigger(word=word) for word in options.grammar_trigger)
    return msgspec.structs.replace(base, **{name: value for name, value in said.items() if value is not None})


def as_json(sampling: Sampling) -> dict[str, Any]:
    """What an answer was made with, without what is off."""
    said: dict[str, Any] = msgspec.to_builtins(sampling)
    return said


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _reader(knob: Knob) -> Callable[[str], float]:
    if knob.is_whole:
        return whole(int(knob.lowest), int(knob.highest))
    return number(knob.lowest, knob.highest)


def _order(text: str) -> tuple[str, ...]:
    names = tuple(
        name.strip().replace("-", "_") for name in text.replace(";", ",").split(",") if name.strip()
    )
    unknown = [name for name in names if name not in ORDER or names.count(name) > 1]
    if unknown:
        raise UsageError(f"--samplers: {unknown[0]} is not one of {', '.join(ORDER)}, each once")
    return names


def _bias(text: str) -> LogitBias:
    token, sign, amount = text.rpartition("=")
    if not sign or not token:
        raise ValueError(text)
    bias = _SPELLED.get(amount.lower())
    bias = float(amount) if bias is None else bias
    if math.isnan(bias) or bias == math.inf:
        raise ValueError(text)
    kept = None if bias == -math.inf else bias
    if token.isascii() and token.isdigit():
        return LogitBias(token=int(token), bias=kept)
    return LogitBias(text=token, bias=kept)


_bias.__name__ = "bias"  # argparse says "invalid bias value"


def _grammar(options: Options) -> str | None:
    if options.grammar_file is None:
        grammar: str | None = options.grammar
        return grammar
    if options.grammar is not None:
        raise UsageError("give --grammar or --grammar-file, not both")
    try:
        return Path(options.grammar_file).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"the grammar {options.grammar_file} cannot be read: {reason}") from error


def _unescaped(text: str) -> str:
    return text.replace("\\n", "\n").replace("\\t", "\t")

"""Choosing the next token: our adjustments of a few logits, llama.cpp's samplers, a grammar.

Every number is checked before native code sees it. The grammar stands outside the chain: it only looks at
the token that was chosen, and only a refusal makes the chain choose again, among what the grammar allows.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from typing import Any

from app.domain.generation import Sampling
from app.domain.notice import NoticeCode
from app.domain.samplers import complete, fault
from app.engine.worker import chain
from app.engine.worker.chain import Candidates, Chain
from app.engine.worker.grammar import Constraint
from app.engine.worker.penalties import Adjustment, Biases, Dry, Penalties
from app.engine.worker.vocabulary import Vocabulary
from app.errors import KnownError

_OURS = ("penalties", "dry")  # samplers that are ours
_MORE, _MOST_LOOKED_AT = 64, 1000  # of the best tokens, for some that a grammar allows


class Sampler:
    """Samples rows of a context for one answer. While `is_thinking` the grammar is not asked: it is meant
    for the answer. Raises KnownError (BAD_REQUEST) for settings that cannot be, and for a grammar that
    leaves no token."""

    def __init__(
        self, api: Any, vocabulary: Vocabulary, sampling: Sampling, prompt: Sequence[int] = ()
    ) -> None:
        wrong = fault(sampling)
        if wrong is not None:
            raise KnownError.of(NoticeCode.BAD_REQUEST, detail=wrong)
        self.is_thinking = False
        self._api = api
        self._size = vocabulary.size
        self._sampling: Any = complete(sampling)  # no field is None now that may not be
        self._row_address = 0
        self._row: memoryview[float] = memoryview(b"").cast("f")
        self._candidates: Candidates | None = None
        self._best: Chain | None = None  # takes the best tokens of a row
        self._constraint = self._make_constraint(vocabulary)
        self._first: list[Adjustment] = [*self._biases(vocabulary)]
        self._steps: list[Chain | Adjustment] = []
        self._prompt = prompt
        self._enough = 0  # so many of the best tokens decide everything; 0: all do
        self._make_steps(vocabulary)
        self._adjustments = [*self._first, *(step for step in self._steps if not isinstance(step, Chain))]
        only = self._steps[0] if len(self._steps) == 1 else None
        # The usual case: one native call a token.
        self._chain = only if isinstance(only, Chain) else None
        self._is_plain = self._chain is not None and not self._adjustments and self._constraint is None

    def sample(self, context: int, row: int = -1) -> int:
        """Returns the next token by the logits of a row of the last batch, and counts it as said. The
        row's logits may be changed by this."""
        if self._is_plain:
            return self._chain.sample(context, row)  # type: ignore[union-attr]
        logits = self._logits(context, row)
        for adjustment in self._first:
            adjustment.apply(logits)
        token = self._chain.sample(context, row) if self._chain is not None else self._draw(logits)
        if self._constraint is not None and not self.is_thinking:
            token = self._fitting(self._constraint, logits, token)
            self._constraint.accept(token)
        for adjustment in self._adjustments:
            adjustment.accept(token)
        return token

    def accept(self, token: int) -> None:
        """Counts a token as said that was not sampled; the grammar does not hear of it."""
        for adjustment in self._adjustments:
            adjustment.accept(token)

    def close(self) -> None:
        for step in self._steps:
            if isinstance(step, Chain):
                step.close()
        self._steps.clear()
        if self._best is not None:
            self._best.close()
            self._best = None

    def _fitting(self, constraint: Constraint, logits: memoryview[float], token: int) -> int:
        while constraint.is_waiting and not constraint.allows(token):
            # It would begin the grammar with something that does not fit.
            logits[token] = -math.inf
            token = self._draw(logits)
        if constraint.allows(token):
            return token
        allowed = None if constraint.has_mask else self._best_allowed(constraint, logits)
        if allowed is None:
            allowed = [token for token in constraint.allowed() if logits[token] > -math.inf]
        if not allowed:
            raise KnownError.of(NoticeCode.BAD_REQUEST, detail="grammar: 0")
        return self._draw(logits, allowed)

    def _best_allowed(self, constraint: Constraint, logits: memoryview[float]) -> list[int] | None:
        """Returns the best of the allowed tokens, so many that more would change nothing; None when they
        are not among the best of all, and all allowed ones have to be found."""
        looked_at = 2 * self._enough + _MORE
        if not self._enough or looked_at >= min(self._size, _MOST_LOOKED_AT):
            return None
        if self._best is None:
            self._best = Chain(self._api, [self._api.llama_sampler_init_top_k(looked_at)])
        candidates = self._filled(logits)
        self._best.apply(candidates)
        best = [token for token in candidates.tokens() if logits[token] > -math.inf]
        fitting = [token for token in best if constraint.allows(token)]
        return fitting if len(fitting) >= self._enough else None

    def _draw(self, logits: memoryview[float], tokens: list[int] | None = None) -> int:
        """Chooses step by step, among certain tokens or all."""
        candidates = self._filled(logits, tokens)
        for step in self._steps:
            if isinstance(step, Chain):
                step.apply(candidates)
            else:
                candidates.adjust(step)
        token = candidates.selected()
        for step in self._steps:
            if isinstance(step, Chain):
                step.accept(token)
        return token

    def _filled(self, logits: memoryview[float], tokens: list[int] | None = None) -> Candidates:
        if self._candidates is None:
            self._candidates = Candidates(self._api, self._size)
        self._candidates.fill(logits, tokens)
        return self._candidates

    def _logits(self, context: int, row: int) -> memoryview[float]:
        pointer = self._api.llama_get_logits_ith(context, row)
        address = ctypes.addressof(pointer.contents)
        if address != self._row_address:
            self._row_address = address
            self._row = memoryview((ctypes.c_float * self._size).from_address(address)).cast("B").cast("f")
        return self._row

    def _make_steps(self, vocabulary: Vocabulary) -> None:
        sampling, seed = self._sampling, chain.seed_of(self._sampling)
        is_greedy = sampling.temperature + sampling.temperature_range < chain.LEAST_TEMPERATURE
        # What only draws among many has no say where the likeliest is wanted or mirostat draws.
        only = "top_k" if is_greedy else "temperature" if sampling.mirostat else None
        natives: list[int] = []
        for name in sampling.order:
            if name in _OURS:
                added = self._make_ours(name, vocabulary)
                if added and natives:
                    self._steps.append(Chain(self._api, natives))
                    natives = []
                # Before the first native sampler they can change the row itself.
                (self._steps if self._steps else self._first).extend(added)
            elif only in (None, name):
                made = chain.members(self._api, name, sampling, seed)
                if made and name == "top_k" and not natives and not self._steps:
                    self._enough = sampling.top_k
                natives += made
        if is_greedy and not self._steps:
            self._enough = 1
        natives += (
            chain.greedy(self._api) if is_greedy else chain.selector(self._api, self._size, sampling, seed)
        )
        self._steps.append(Chain(self._api, natives))

    def _make_ours(self, name: str, vocabulary: Vocabulary) -> list[Adjustment]:
        sampling = self._sampling
        if name == "dry":
            if not sampling.dry_multiplier or not sampling.dry_last_n:
                return []
            dry = Dry(
                *(sampling.dry_multiplier, sampling.dry_base, sampling.dry_allowed_length),
                *(sampling.dry_last_n, sampling.dry_breakers, vocabulary.piece),
            )
            dry.begin(_last(self._prompt, sampling.dry_last_n))
            return [dry]
        numbers = (sampling.repeat_penalty, sampling.frequency_penalty, sampling.presence_penalty)
        if numbers == (1, 0, 0) or not sampling.penalty_last_n:
            return []
        penalties = Penalties(*numbers, sampling.penalty_last_n)
        for token in _last(self._prompt, sampling.penalty_last_n):
            penalties.accept(token)
        return [penalties]

    def _biases(self, vocabulary: Vocabulary) -> list[Biases]:
        """Returns what is forbidden or favoured: by the vocabulary, and by who asks."""
        biases: dict[int, float] = dict.fromkeys(vocabulary.suppressed, -math.inf)
        for each in self._sampling.logit_bias:
            tokens = (
                [each.token] if each.token is not None else vocabulary.tokenize(each.text, parse_special=True)
            )
            for token in set(tokens):
                if not 0 <= token < self._size:
                    raise KnownError.of(NoticeCode.BAD_REQUEST, detail=f"logit_bias: {token}")
                bias = -math.inf if each.bias is None else each.bias
                biases[token] = biases.get(token, 0.0) + bias
        if sum(bias == -math.inf for bias in biases.values()) >= self._size:
            raise KnownError.of(NoticeCode.BAD_REQUEST, detail="logit_bias: 0")
        return [Biases(biases)] if biases else []

    def _make_constraint(self, vocabulary: Vocabulary) -> Constraint | None:
        if not self._sampling.grammar:
            return None
        return Constraint(vocabulary, self._sampling.grammar, self._sampling.grammar_triggers)


def _last(tokens: Sequence[int], count: int) -> Sequence[int]:
    return tokens if count < 0 else tokens[-count:]

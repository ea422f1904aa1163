"""One answer: from its request to its terminal event, as a series of decode steps.

`Generation.run` is a generator: it yields the rows it wants evaluated and goes on when they are. Whoever
drives it can look at the pipe between steps, and later put the rows of several answers into one batch.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

from app.domain.generation import Phase, StopReason, Timings
from app.domain.notice import Action, NoticeCode
from app.engine.base import Failed, Finished, GenerateRequest, PhaseMoved, RequestEvent, TextGrew
from app.engine.worker.context import ABORTED, NO_ROOM, Context
from app.engine.worker.model import Model
from app.engine.worker.pace import Pace
from app.engine.worker.prefix import Slot
from app.engine.worker.prompt import PromptMaker
from app.engine.worker.reasoning import ReasoningSplitter, Tags
from app.engine.worker.sampler import Sampler
from app.engine.worker.template import RenderCancelledError
from app.engine.worker.textflow import TextFlow
from app.errors import KnownError

log = logging.getLogger(__name__)

FRAME_SECONDS = 0.016  # text is sent this often at most; the first piece at once
PROGRESS_SECONDS = 0.05


@dataclass(slots=True)
class Rows:
    """Tokens to evaluate at consecutive positions; `run` is sent what `Context.decode` returned."""

    tokens: list[int]
    position: int
    wants_logits: bool = True


@dataclass(slots=True)
class Desk:
    """What an answer is made with."""

    api: object
    model: Model
    context: Context
    slot: Slot
    prompts: PromptMaker
    pace: Pace


class Generation:
    """Makes one answer. Emits exactly one terminal event before `run` ends, unless it raises a bug."""

    def __init__(
        self,
        request: GenerateRequest,
        desk: Desk,
        emit: Callable[[RequestEvent], None],
        is_cancelled: Callable[[str], bool],
    ) -> None:
        self.request = request
        self._desk = desk
        self._emit = emit
        self._is_cancelled_id = is_cancelled
        self._flow: TextFlow | None = None
        self._watch = _Stopwatch()
        self._told_at = 0.0

    def timings(self) -> Timings:
        return self._watch.timings()

    def run(self) -> Generator[Rows, int, None]:
        try:
            reason = yield from self._answer()
        except RenderCancelledError:
            reason = StopReason.CANCELLED
        except KnownError as error:
            log.info("request %s: %s", self.request.id, error)
            self._tell()
            self._emit(Failed(id=self.request.id, notice=error.notice, timings=self.timings()))
            return
        if self._flow is not None and reason is not StopReason.CANCELLED:
            self._flow.finish()
        self._tell()
        timings = self.timings()
        log.info(
            "request %s: %s; prompt %d + %d in %.0f ms, answer %d in %.0f ms",
            *(self.request.id, reason.value, timings.cache_n, timings.prompt_n, timings.prompt_ms),
            *(timings.predicted_n, timings.predicted_ms),
        )
        self._emit(Finished(id=self.request.id, stop_reason=reason, timings=timings))

    def _answer(self) -> Generator[Rows, int, StopReason]:
        slot = self._desk.slot
        self._emit(PhaseMoved(id=self.request.id, phase=Phase.TEMPLATE))
        prompt = self._desk.prompts.make(self.request, slot.said(), self._is_cancelled)
        if len(prompt.tokens) >= self._desk.context.tokens:
            raise self._too_long(len(prompt.tokens))
        splitter = ReasoningSplitter(prompt.formats, prompt.state, prompt.tags)
        self._flow = TextFlow(self.request.sampling.stop, splitter)
        if not (yield from self._prefill(list(prompt.tokens))):
            return StopReason.CANCELLED
        self._emit(PhaseMoved(id=self.request.id, phase=Phase.DECODE))
        sampler = Sampler(self._desk.api, self._desk.model.vocabulary, self.request.sampling, prompt.tokens)
        try:
            return (yield from self._decode(sampler, self._flow, self._shown(prompt.formats)))
        finally:
            sampler.close()

    def _prefill(self, tokens: list[int]) -> Generator[Rows, int, bool]:
        """Evaluates what the cache lacks; False when cancelled."""
        slot, pace, total = self._desk.slot, self._desk.pace, len(tokens)
        done = slot.reuse(tokens)
        self._watch.begin(cached=done, total=total)
        self._emit(PhaseMoved(id=self.request.id, phase=Phase.PREFILL, done=done, total=total))
        told_at = time.monotonic()
        while done < total:
            if self._is_cancelled():
                return False
            rows = tokens[done : done + pace.next_tokens()]
            begun = time.monotonic()
            result = yield Rows(rows, done, wants_logits=done + len(rows) == total)
            if result == ABORTED:
                slot.recover()
                return False
            if result == NO_ROOM:
                raise self._too_long(total)
            pace.note(len(rows), time.monotonic() - begun)
            slot.tokens.extend(rows)
            done += len(rows)
            now = time.monotonic()
            if done == total or now - told_at >= PROGRESS_SECONDS:
                told_at = now
                self._emit(PhaseMoved(id=self.request.id, phase=Phase.PREFILL, done=done, total=total))
        return True

    def _decode(
        self, sampler: Sampler, flow: TextFlow, shown: Callable[[int], bytes]
    ) -> Generator[Rows, int, StopReason]:
        """The hot loop: everything here runs once a token."""
        slot, context, watch = self._desk.slot, self._desk.context, self._watch
        most = self.request.sampling.max_tokens
        is_end = self._desk.model.vocabulary.is_end
        reason = StopReason.LENGTH if most is not None and most <= 0 else None
        while reason is None:
            sampler.is_thinking = flow.is_thinking
            token = sampler.sample(context.pointer)
            now = watch.sampled()
            if is_end(token):
                return StopReason.END
            watch.made += 1
            slot.unevaluated = [token]
            self._read(flow, shown(token), now)
            reason = self._limit_reached(flow, most)
            if reason is None:
                reason = self._result_reason((yield Rows(slot.unevaluated, len(slot.tokens))))
            if reason is None:
                slot.tokens.append(token)
                slot.unevaluated = []
        return reason

    def _read(self, flow: TextFlow, piece: bytes, now: float) -> None:
        flow.feed(piece)
        if flow.is_thinking:
            self._watch.thought(now)
        if flow.has_text and now - self._told_at >= FRAME_SECONDS:
            self._told_at = now
            self._tell()

    def _limit_reached(self, flow: TextFlow, most: int | None) -> StopReason | None:
        if flow.is_stopped:
            return StopReason.STOP_STRING
        if self._watch.made == most:
            return StopReason.LENGTH
        if len(self._desk.slot.tokens) >= self._desk.context.tokens:
            return StopReason.CONTEXT_FULL
        return StopReason.CANCELLED if self._is_cancelled() else None

    def _result_reason(self, result: int) -> StopReason | None:
        if result == ABORTED:
            self._desk.slot.recover()
            return StopReason.CANCELLED
        return StopReason.CONTEXT_FULL if result == NO_ROOM else None

    def _is_cancelled(self) -> bool:
        return self._is_cancelled_id(self.request.id)

    def _shown(self, formats: tuple[Tags, ...]) -> Callable[[int], bytes]:
        """Returns what a token prints. Control tokens print nothing, except those that mark reasoning."""
        vocabulary = self._desk.model.vocabulary
        marks = [mark for tags in formats for mark in (tags.open, tags.close)]
        hidden = {
            token
            for spelling, token in vocabulary.control.items()
            if not any(spelling in mark for mark in marks)
        }
        piece = vocabulary.piece
        return lambda token: b"" if token in hidden else piece(token)

    def _tell(self) -> None:
        """Sends the text collected so far."""
        if self._flow is not None and self._flow.has_text:
            content, reasoning = self._flow.take()
            self._emit(TextGrew(id=self.request.id, content=content, reasoning=reasoning))

    def _too_long(self, prompt_tokens: int) -> KnownError:
        return KnownError.of(
            NoticeCode.PROMPT_TOO_LONG,
            Action.SHORTEN,
            prompt_tokens=prompt_tokens,
            context_tokens=self._desk.context.tokens,
        )


class _Stopwatch:
    """Counts and times of one answer. The prompt's time ends when its first token is chosen."""

    def __init__(self) -> None:
        self.made = 0
        self._cached = self._total = self._thoughts = 0
        self._begun = self._first = self._last = self._thought = 0.0

    def begin(self, *, cached: int, total: int) -> None:
        self._cached, self._total = cached, total
        self._begun = time.monotonic()

    def sampled(self) -> float:
        now = self._last = time.monotonic()
        if not self._first:
            self._first = now
        return now

    def thought(self, now: float) -> None:
        self._thoughts += 1
        self._thought = now

    def timings(self) -> Timings:
        if not self._begun:
            return Timings()
        now = time.monotonic()
        first = self._first or now
        return Timings(
            cache_n=self._cached,
            prompt_n=self._total - self._cached,
            prompt_ms=(first - self._begun) * 1000,
            predicted_n=self.made,
            predicted_ms=((self._last or now) - first) * 1000,
            reasoning_ms=(self._thought - first) * 1000 if self._thoughts else 0.0,
            reasoning_n=self._thoughts,
        )

"""One answer: from its request to its terminal event, as a series of decode steps.

A generation says which rows it wants evaluated and goes on when they are. Whoever drives it puts the rows of
several into one batch, and may park its slot between two steps.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass

from app.domain.context import reserved_tokens
from app.domain.generation import Phase, StopReason
from app.domain.notice import Action, Notice, NoticeCode
from app.engine.base import (
    Failed,
    Finished,
    GenerateRequest,
    Noticed,
    PhaseMoved,
    RequestEvent,
    TextGrew,
)
from app.engine.worker.context import NO_ROOM
from app.engine.worker.model import Model
from app.engine.worker.prompt import Prompt, PromptMaker
from app.engine.worker.reasoning.limits import ThoughtLimit, budget_for
from app.engine.worker.reasoning.marks import Marks
from app.engine.worker.reasoning.reader import splitter_for
from app.engine.worker.sampler import Sampler
from app.engine.worker.slot import Slot
from app.engine.worker.stopwatch import Stopwatch
from app.engine.worker.template import RenderCancelledError
from app.engine.worker.textflow import TextFlow
from app.errors import KnownError

log = logging.getLogger(__name__)

FRAME_SECONDS = 0.016  # text is sent this often at most; the first piece at once
PROGRESS_SECONDS = 0.05
_REPEATS = Notice(code=NoticeCode.REASONING_REPEATS, actions=(Action.ANSWER_NOW,))


@dataclass(slots=True)
class Rows:
    """Tokens to evaluate at consecutive positions. Of a prompt any beginning may be taken."""

    tokens: Sequence[int]
    position: int
    is_prompt: bool = False
    wants_logits: bool = True


@dataclass(slots=True)
class Outcome:
    """What became of rows: how many were taken, what `Context.decode` returned, and in which row of the
    batch the logits of the last one are."""

    result: int
    taken: int
    row: int


@dataclass(slots=True)
class Desk:
    """What answers are made with."""

    api: object
    model: Model
    context_pointer: int
    context_tokens: int
    prompts: PromptMaker


class Generation:
    """Makes one answer: `prepare`, `begin`, then `advance` for as long as `wants` is not None. Emits exactly
    one terminal event."""

    def __init__(self, request: GenerateRequest, desk: Desk, emit: Callable[[RequestEvent], None]) -> None:
        self.request = request
        self.wants: Rows | None = None
        self.is_over = False
        self.slot: Slot | None = None
        self._desk = desk
        self._emit = emit
        self._prompt: Prompt | None = None
        self._flow: TextFlow | None = None
        self._sampler: Sampler | None = None
        self._steps: Generator[Rows, Outcome, StopReason] | None = None
        self._watch = Stopwatch()
        self._told_at = 0.0
        self._limit = ThoughtLimit(0)
        self._is_hurried = False

    @property
    def prompt(self) -> Sequence[int] | None:
        """The prompt's tokens, once prepared."""
        return None if self._prompt is None else self._prompt.tokens

    def prepare(
        self, said: Callable[[], Iterable[Sequence[int]]], is_cancelled: Callable[[str], bool]
    ) -> None:
        """Makes the prompt. `said` tells what the cache's conversations consist of."""
        self._emit(PhaseMoved(id=self.request.id, phase=Phase.TEMPLATE))
        try:
            prompt = self._desk.prompts.make(self.request, said, lambda: is_cancelled(self.request.id))
            if len(prompt.tokens) + self._reserved() > self._desk.context_tokens:
                raise self._too_long(len(prompt.tokens))
        except RenderCancelledError:
            self.cancel()
        except KnownError as error:
            self.fail(error.notice)
        else:
            self._prompt = prompt

    def begin(self, slot: Slot, at: float) -> None:
        """Goes on in a slot that holds a beginning of the prompt and nothing else. Work on it began `at`."""
        assert self._prompt is not None
        self.slot = slot
        self._watch.begin(at, cached=len(slot.tokens), total=len(self._prompt.tokens))
        self._steps = self._answer(slot, self._prompt)
        self._go_on(lambda steps: next(steps))

    def advance(self, outcome: Outcome) -> None:
        """Takes what became of `wants` and wants something else, or is over."""
        self._go_on(lambda steps: steps.send(outcome))

    def answer_now(self) -> None:
        """Ends its thoughts as soon as there are any, or not at all when it has come to the answer."""
        self._is_hurried = True
        self._limit.hurry()

    def tell_phase(self) -> None:
        """Says again where the answer is, after it had to wait."""
        phase = Phase.PREFILL if self.wants is not None and self.wants.is_prompt else Phase.DECODE
        total = len(self._prompt.tokens) if self._prompt is not None else 0
        done = self.wants.position if self.wants is not None and phase is Phase.PREFILL else total
        self._emit(PhaseMoved(id=self.request.id, phase=phase, done=done, total=total))

    def tell_queued(self) -> None:
        self._emit(PhaseMoved(id=self.request.id, phase=Phase.QUEUED))

    def cancel(self) -> None:
        """Ends it between two steps; text still held back is dropped."""
        self._end(StopReason.CANCELLED)

    def fail(self, notice: Notice) -> None:
        self._close()
        log.info("request %s: %s", self.request.id, notice.code)
        self._emit(Failed(id=self.request.id, notice=notice, timings=self._watch.timings()))

    def _go_on(self, step: Callable[[Generator[Rows, Outcome, StopReason]], Rows]) -> None:
        assert self._steps is not None
        try:
            self.wants = step(self._steps)
        except StopIteration as end:
            if self._flow is not None:
                self._flow.finish()
            self._end(end.value)
        except KnownError as error:
            self.fail(error.notice)

    def _end(self, reason: StopReason) -> None:
        self._close()
        timings = self._watch.timings()
        log.info(
            "request %s: %s; prompt %d + %d in %.0f ms, answer %d in %.0f ms",
            *(self.request.id, reason.value, timings.cache_n, timings.prompt_n, timings.prompt_ms),
            *(timings.predicted_n, timings.predicted_ms),
        )
        self._emit(Finished(id=self.request.id, stop_reason=reason, timings=timings))

    def _close(self) -> None:
        self.wants = None
        self.is_over = True
        if self._steps is not None:
            self._steps.close()
        if self._sampler is not None:
            self._sampler.close()
            self._sampler = None
        self._tell()

    def _answer(self, slot: Slot, prompt: Prompt) -> Generator[Rows, Outcome, StopReason]:
        splitter = splitter_for(prompt.formats, prompt.tag_marks, prompt.state, prompt.tags)
        self._flow = flow = TextFlow(self.request.sampling.stop, splitter, prompt.tag_marks)
        vocabulary = self._desk.model.vocabulary
        free = self._desk.context_tokens - len(prompt.tokens)
        self._limit = ThoughtLimit(budget_for(self.request.reasoning_budget, free))
        if self._is_hurried:
            self._limit.hurry()
        # Before the prompt is read: what is wrong with the settings should be said at once.
        self._sampler = sampler = Sampler(self._desk.api, vocabulary, self.request.sampling, prompt.tokens)
        row = yield from self._prefill(slot, prompt)
        self._emit(PhaseMoved(id=self.request.id, phase=Phase.DECODE))
        return (yield from self._decode(slot, sampler, flow, self._shown(prompt.tag_marks), row))

    def _prefill(self, slot: Slot, prompt: Prompt) -> Generator[Rows, Outcome, int]:
        """Evaluates what the cache lacks. Returns the row of the logits."""
        tokens, total = prompt.tokens, len(prompt.tokens)
        done, row, told_at = len(slot.tokens), -1, 0.0
        for stop in [*(mark for mark in prompt.marks if done < mark < total), total]:
            slot.checkpoint()
            while done < stop:
                now = time.monotonic()
                if now - told_at >= PROGRESS_SECONDS:
                    told_at = now
                    self._tell_prefill(done, total)
                outcome = yield Rows(tokens[done:stop], done, is_prompt=True, wants_logits=stop == total)
                if outcome.result == NO_ROOM:
                    raise self._too_long(total)
                slot.tokens.extend(tokens[done : done + outcome.taken])
                done, row = done + outcome.taken, outcome.row
        self._tell_prefill(done, total)
        return row

    def _decode(
        self, slot: Slot, sampler: Sampler, flow: TextFlow, shown: Callable[[int], bytes | str], row: int
    ) -> Generator[Rows, Outcome, StopReason]:
        """The hot loop: everything here runs once a token."""
        pointer, watch = self._desk.context_pointer, self._watch
        most = self.request.sampling.max_tokens
        is_end = self._desk.model.vocabulary.is_end
        reason = StopReason.LENGTH if most is not None and most <= 0 else None
        while reason is None:
            sampler.is_thinking = flow.is_thinking
            if sampler.is_thinking and self._must_answer(flow):
                row = yield from self._close_thoughts(slot, sampler, flow, shown, most)
                reason = StopReason.CONTEXT_FULL if row < 0 else self._limit_reached(slot, flow, most)
                continue
            token = sampler.sample(pointer, row)
            now = watch.sampled()
            if is_end(token):
                return StopReason.END
            watch.made += 1
            slot.unevaluated = [token]
            if sampler.is_thinking and self._limit.note(token):
                self._emit(Noticed(id=self.request.id, notice=_REPEATS))
            self._read(flow, shown(token), now)
            reason = self._limit_reached(slot, flow, most)
            if reason is None:
                outcome = yield Rows(slot.unevaluated, len(slot.tokens))
                if outcome.result == NO_ROOM:
                    return StopReason.CONTEXT_FULL
                row = outcome.row
                slot.tokens.append(token)
                slot.unevaluated = []
        return reason

    def _must_answer(self, flow: TextFlow) -> bool:
        return flow.open_tags is not None and self._limit.is_reached(is_whole=flow.is_whole)

    def _close_thoughts(
        self,
        slot: Slot,
        sampler: Sampler,
        flow: TextFlow,
        shown: Callable[[int], bytes | str],
        most: int | None,
    ) -> Generator[Rows, Outcome, int]:
        """Says for the model that it has thought enough; it goes on from there. Returns the row of the
        logits, -1 when there is no room."""
        assert flow.open_tags is not None
        assert self._prompt is not None
        tokens = self._desk.prompts.ending(flow.open_tags, self._prompt.tag_marks)
        if most is not None:
            tokens = tokens[: most - self._watch.made]
        now = time.monotonic()
        for token in tokens:
            sampler.accept(token)
            self._read(flow, shown(token), now)
        self._watch.made += len(tokens)
        slot.unevaluated = tokens
        row = -1
        while slot.unevaluated:
            outcome = yield Rows(slot.unevaluated, len(slot.tokens), is_prompt=True)
            if outcome.result == NO_ROOM:
                return -1
            slot.tokens.extend(slot.unevaluated[: outcome.taken])
            slot.unevaluated = slot.unevaluated[outcome.taken :]
            row = outcome.row
        return row

    def _read(self, flow: TextFlow, piece: bytes | str, now: float) -> None:
        flow.feed(piece)
        if flow.is_thinking:
            self._watch.thought(now)
        if flow.has_text and now - self._told_at >= FRAME_SECONDS:
            self._told_at = now
            self._tell()

    def _limit_reached(self, slot: Slot, flow: TextFlow, most: int | None) -> StopReason | None:
        if flow.is_stopped:
            return StopReason.STOP_STRING
        if most is not None and self._watch.made >= most:
            return StopReason.LENGTH
        return StopReason.CONTEXT_FULL if len(slot.tokens) >= self._desk.context_tokens else None

    def _shown(self, marks: Marks) -> Callable[[int], bytes | str]:
        """Returns what of a token is read: control tokens say nothing, unless they mark reasoning."""
        vocabulary = self._desk.model.vocabulary
        of_token, hidden, piece = marks.of_token, vocabulary.control_ids, vocabulary.piece

        def shown(token: int) -> bytes | str:
            mark = of_token.get(token)
            if mark is not None:
                return mark
            return b"" if token in hidden else piece(token)

        return shown

    def _tell(self) -> None:
        """Sends the text collected so far."""
        if self._flow is not None and self._flow.has_text:
            content, reasoning = self._flow.take()
            self._emit(TextGrew(id=self.request.id, content=content, reasoning=reasoning))

    def _tell_prefill(self, done: int, total: int) -> None:
        self._emit(PhaseMoved(id=self.request.id, phase=Phase.PREFILL, done=done, total=total))

    def _reserved(self) -> int:
        request = self.request
        return reserved_tokens(self._desk.context_tokens, request.sampling.max_tokens, request.reserve_share)

    def _too_long(self, prompt_tokens: int) -> KnownError:
        return KnownError.of(
            NoticeCode.PROMPT_TOO_LONG,
            Action.SHORTEN,
            prompt_tokens=prompt_tokens,
            context_tokens=self._desk.context_tokens,
        )

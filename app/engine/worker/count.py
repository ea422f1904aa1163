"""How many tokens a request's prompt has, exactly as it would be evaluated. Evaluates nothing.

Works on a whole model and on one of which only the vocabulary was loaded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from app.domain.generation import StopReason
from app.engine.base import Counted, Failed, Finished, GenerateRequest, RequestEvent
from app.engine.worker.control import Control
from app.engine.worker.prompt import PromptMaker, Said
from app.engine.worker.template import RenderCancelledError
from app.errors import BugError, KnownError

log = logging.getLogger(__name__)


class Counter:
    """Counts for one model. `said` tells what its conversations consist of, and `cached` how much of a
    prompt they have."""

    def __init__(
        self,
        prompts: PromptMaker,
        context_tokens: int,
        control: Control,
        *,
        said: Said = tuple,
        cached: Callable[[list[int]], int] = lambda _: 0,
    ) -> None:
        self._prompts = prompts
        self._context_tokens = context_tokens
        self._control = control
        self._said = said
        self._cached = cached

    def count(self, request: GenerateRequest) -> RequestEvent:
        """Returns the terminal event. What is wrong with one request is wrong with that one only."""
        try:
            return self._count(request)
        except RenderCancelledError:
            return Finished(id=request.id, stop_reason=StopReason.CANCELLED)
        except KnownError as error:
            return Failed(id=request.id, notice=error.notice)
        except Exception as error:
            log.exception("count %s", request.id)
            return Failed(id=request.id, notice=BugError(repr(error)[:300]).notice)
        finally:
            self._control.end(request.id)

    def _count(self, request: GenerateRequest) -> Counted:
        is_cancelled = self._control.is_cancelled
        prompt = self._prompts.make(request, self._said, lambda: is_cancelled(request.id))
        return Counted(
            id=request.id,
            tokens=len(prompt.tokens),
            context_tokens=self._context_tokens,
            cached_tokens=self._cached(prompt.tokens),
        )

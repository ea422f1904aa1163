"""How many threads a context computes with, as its governors say: one for single tokens, one for prompts."""

from __future__ import annotations

import logging
from typing import Any

from app.engine.worker.governor import Governor

log = logging.getLogger(__name__)


class Crew:
    """Is told how long each step took and sets the context's threads."""

    def __init__(self, api: Any, context: int, threads: int) -> None:
        self._api = api
        self._context = context
        self._decode = Governor(threads)
        self._prefill = Governor(threads, window=3, recent=9)
        self._rows = 0  # of the last step without a prompt

    def note(self, rows: int, prompt_tokens: int, seconds: float) -> None:
        """A step took so long. `prompt_tokens` of its rows belong to prompts."""
        before = self._decode.threads, self._prefill.threads
        if prompt_tokens:
            self._rows = 0
            self._prefill.note(seconds / rows)
        else:
            self._note_tokens(rows, seconds)
        now = self._decode.threads, self._prefill.threads
        if now != before:
            log.info("threads: %d for single tokens, %d for prompts", *now)
            self._api.llama_set_n_threads(self._context, *now)

    def _note_tokens(self, rows: int, seconds: float) -> None:
        if rows != self._rows:  # answers side by side make longer steps
            self._rows = rows
            self._decode.forget()
        self._decode.note(seconds)

"""A model in memory: loaded with progress and cancel, described, freed.

Knows how a plan says where layers go; knows nothing of contexts and prompts.
"""

from __future__ import annotations

import ctypes
import functools
import logging
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.domain.engine import LoadPlan
from app.domain.notice import Action, NoticeCode
from app.engine.worker.bindings import Library
from app.engine.worker.buffers import buffers_of
from app.engine.worker.loadfaults import notice_of_failed_load
from app.engine.worker.placing import parameters_of
from app.engine.worker.readahead import read_ahead
from app.engine.worker.vocabulary import Vocabulary
from app.errors import CoveError, KnownError

log = logging.getLogger(__name__)

PROGRESS_SECONDS = 0.05
_OFFLOADED = re.compile(r"offloaded (\d+)/(\d+) layers to GPU")
_TEXT_BYTES = 256


class Model:
    """One loaded model. `close` frees it; contexts must be gone by then."""

    def __init__(self, library: Library, plan: LoadPlan, pointer: int) -> None:
        api = library.api
        self.plan = plan
        self.pointer = pointer
        self._api = api
        self.logits: int = api.llama_vocab_n_tokens(api.llama_model_get_vocab(pointer))
        self.window_tokens: int = api.llama_model_n_swa(pointer)
        self.trained_tokens: int = api.llama_model_n_ctx_train(pointer)
        # Their state is a summary of all tokens: no end of it can be cut off.
        self.is_recurrent = bool(api.llama_model_is_recurrent(pointer) or api.llama_model_is_hybrid(pointer))
        self.gpu_layers, self.layers = self._placement(library.log.lines())
        self.buffers = buffers_of(library.log.lines())
        self.description = self._read_description()
        template: bytes | None = api.llama_model_chat_template(pointer, None)
        self.template = _jinja((template or b"").decode("utf-8", "replace"))

    @functools.cached_property
    def vocabulary(self) -> Vocabulary:
        """Read when first needed: a dry run has no use for it, and a header may come without."""
        return Vocabulary(self._api, self.pointer)

    @property
    def keeps_all(self) -> bool:
        """Whether its memory can go back to any place."""
        return not self.window_tokens and not self.is_recurrent

    def close(self) -> None:
        self._api.llama_model_free(self.pointer)

    def _placement(self, lines: tuple[str, ...]) -> tuple[int, int]:
        for line in lines:
            found = _OFFLOADED.search(line)
            if found:
                return int(found[1]), int(found[2])
        return 0, self._api.llama_model_n_layer(self.pointer) + 1  # the output counts as a layer

    def _read_description(self) -> str:
        buffer = ctypes.create_string_buffer(_TEXT_BYTES)
        self._api.llama_model_desc(self.pointer, buffer, _TEXT_BYTES)
        return buffer.value.decode("utf-8", "replace")


def load_model(
    library: Library,
    plan: LoadPlan,
    on_progress: Callable[[float], None],
    is_cancelled: Callable[[], bool],
    *,
    is_dry: bool = False,
) -> Model:
    """Loads what the plan says. Raises `KnownError` for a missing, damaged or unsupported file, for too
    little memory, and when cancelled. A dry load has everything but the weights."""
    if not Path(plan.model_path).is_file():
        raise KnownError.of(
            NoticeCode.MODEL_FILE_MISSING, Action.PULL_AGAIN, Action.CHOOSE_MODEL, path=plan.model_path
        )
    parameters, keep = parameters_of(library, plan)
    if is_dry:
        parameters.no_alloc = True
        parameters.load_mode = library.api.LLAMA_LOAD_MODE_NONE  # llama.cpp aborts with any other
    reads_ahead = plan.memory_map and not plan.vocab_only and not is_dry
    tell = _Teller(on_progress, reading=0.5 if reads_ahead else 0.0)
    if reads_ahead:
        try:
            read_ahead(Path(plan.model_path), tell.read, is_cancelled)
        except OSError as error:
            raise _unreadable(plan, error) from error
    library.log.forget()
    callback = _progress_callback(library.api, tell.placed, is_cancelled)
    parameters.progress_callback = callback
    pointer = library.api.llama_model_load_from_file(os.fsencode(plan.model_path), parameters)
    del keep  # borrowed by C until here
    if pointer is None:
        raise _failure(library, plan, is_cancelled)
    return Model(library, plan, pointer)


class _Teller:
    """Tells progress not too often: `reading` the file is so large a part of it, placing it the rest."""

    def __init__(self, on_progress: Callable[[float], None], reading: float) -> None:
        self._on_progress = on_progress
        self._reading = reading
        self._told_at = 0.0

    def read(self, progress: float) -> None:
        self._tell(progress * self._reading)

    def placed(self, progress: float) -> None:
        self._tell(self._reading + progress * (1 - self._reading))

    def _tell(self, progress: float) -> None:
        now = time.monotonic()
        if now - self._told_at >= PROGRESS_SECONDS:
            self._told_at = now
            self._on_progress(progress)


def _progress_callback(api: Any, tell: Callable[[float], None], is_cancelled: Callable[[], bool]) -> Any:
    def progressed(progress: float, _user_data: Any) -> bool:
        tell(progress)
        return not is_cancelled()  # llama.cpp gives up when told False

    return api.llama_progress_callback(progressed)


def _unreadable(plan: LoadPlan, error: OSError) -> KnownError:
    return KnownError.of(
        NoticeCode.MODEL_LOAD_FAILED,
        Action.RETRY,
        Action.CHOOSE_MODEL,
        model=plan.model_id,
        detail=error.strerror or str(error),
    )


def _failure(library: Library, plan: LoadPlan, is_cancelled: Callable[[], bool]) -> CoveError:
    if is_cancelled():
        return KnownError.of(NoticeCode.MODEL_LOAD_CANCELLED, Action.RETRY, model=plan.model_id)
    return KnownError(notice_of_failed_load(plan, library.log.lines()))


def _jinja(template: str) -> str:
    # The metadata may hold the mere name of a template (seen: "mistral-v7-tekken"); rendered as Jinja it
    # would become the prompt.
    return template if "{%" in template or "{{" in template else ""

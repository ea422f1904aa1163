"""A loaded model at work: evaluates rows of tokens, of several sequences at once.

Knows nothing of requests and of what a sequence is for.
"""

from __future__ import annotations

import ctypes
import logging
import sys
from collections.abc import Sequence
from typing import Any

from app.domain.notice import Action, NoticeCode
from app.engine.worker.adapters import apply_adapters
from app.engine.worker.batch import Batch, Part
from app.engine.worker.bindings import Library
from app.engine.worker.buffers import buffers_of
from app.engine.worker.crew import Crew
from app.engine.worker.loadfaults import notice_of_failed_load, notice_of_memory
from app.engine.worker.memory import Memory
from app.engine.worker.model import Model
from app.engine.worker.placing import uses_gpu
from app.engine.worker.stepclock import StepClock
from app.engine.worker.threads import compute_threads
from app.errors import KnownError

log = logging.getLogger(__name__)

REFERENCE_TOKENS = 32  # a step in reference mode has no more; `exactness` may find that it must be one
DECODED, NO_ROOM, ABORTED = 0, 1, 2
_KV_TYPES = {"f32": 0, "f16": 1, "q8_0": 8, "q4_0": 2, "q5_1": 7, "bf16": 30}
_AUTO, _ON = -1, 1
_LAST_LINES = 20  # of the native log: what was said about the step that failed


class Context:
    """One context with its batch and its memory for `slots` sequences at once. `step_tokens` is the most rows
    one `decode` takes; `seconds` is what the last one took."""

    def __init__(self, library: Library, model: Model, clock: StepClock, abort_flag: Any) -> None:
        self._api = library.api
        self._log = library.log
        self._plan = model.plan
        self._clock = clock
        self._abort_flag = abort_flag
        self._abort_callback = _abort_callback(library.api)
        # What else is in the cache changes the order of sums, and so the last bits.
        self.slots = 1 if model.plan.reference else max(1, model.plan.slots)
        self.is_abortable = model.gpu_layers == 0  # only the CPU backend asks whether to go on
        parameters = self._parameters(model)
        library.log.forget()
        pointer: int | None = self._api.llama_init_from_model(model.pointer, parameters)
        if pointer is None:
            raise KnownError(notice_of_failed_load(model.plan, library.log.lines()))
        self.pointer = pointer
        self.buffers = buffers_of(library.log.lines())
        self.tokens: int = self._api.llama_n_ctx_seq(pointer)
        self.step_tokens: int = self._api.llama_n_batch(pointer)
        memory: int | None = self._api.llama_get_memory(pointer)
        if memory is None:  # it embeds texts or diffuses, it does not continue them
            self._api.llama_free(pointer)
            raise KnownError.of(
                NoticeCode.MODEL_UNSUPPORTED, Action.CHOOSE_MODEL, architecture=model.description
            )
        self.memory = Memory(self._api, pointer, memory)
        try:
            apply_adapters(library, model, pointer)
        except KnownError:
            self._api.llama_free(pointer)
            raise
        self.seconds = 0.0
        self._logits_bytes = 4 * model.logits
        # A number of threads that was asked for is kept, and results depend on it to the last bit.
        is_free = self.is_abortable and not model.plan.threads and not model.plan.reference
        self._crew = Crew(self._api, pointer, parameters.n_threads) if is_free else None
        self._batch = Batch(self._api, self.step_tokens)

    def decode(self, parts: Sequence[Part]) -> int:
        """Evaluates the parts in one step of at most `step_tokens` rows.

        Returns DECODED, NO_ROOM or ABORTED. Raises `KnownError` when the device failed.
        """
        rows = self._batch.fill(parts)
        self._clock.begin(rows)
        result: int = self._api.llama_decode(self.pointer, self._batch.native)
        # A GPU works on after the call; what is timed and reported as done should be done.
        self._api.llama_synchronize(self.pointer)
        self.seconds = self._clock.end()
        if self._crew is not None and result == DECODED:
            prompt_tokens = sum(len(part.tokens) for part in parts if part.is_prompt)
            self._crew.note(rows, prompt_tokens, self.seconds)
        if result < 0:
            raise self._failure(result)
        return result

    def logits(self, row: int = -1) -> bytes:
        """Returns the logits of a row of the batch decoded last, as they are in memory."""
        return ctypes.string_at(self._api.llama_get_logits_ith(self.pointer, row), self._logits_bytes)

    def close(self) -> None:
        self._batch.close()
        self._api.llama_free(self.pointer)

    def _parameters(self, model: Model) -> Any:
        plan = model.plan
        parameters = self._api.llama_context_default_params()
        wanted = plan.context_tokens if plan.context_tokens > 0 else model.trained_tokens
        parameters.n_ctx = min(wanted, model.trained_tokens) if model.trained_tokens > 0 else wanted
        step = REFERENCE_TOKENS if plan.reference else max(plan.batch_tokens, REFERENCE_TOKENS)
        parameters.n_batch = parameters.n_ubatch = min(max(step, self.slots), parameters.n_ctx)
        parameters.n_seq_max = self.slots
        parameters.n_outputs_max = self.slots  # the default reserves logits for a whole batch
        parameters.n_threads = parameters.n_threads_batch = compute_threads(plan.threads)
        parameters.flash_attn_type = _ON if plan.reference else _AUTO
        parameters.type_k = parameters.type_v = _kv_type(plan.kv_type)
        parameters.offload_kqv = parameters.op_offload = uses_gpu(plan)
        parameters.swa_full = False
        parameters.kv_unified = True
        parameters.abort_callback = self._abort_callback
        parameters.abort_callback_data = ctypes.cast(self._abort_flag, ctypes.c_void_p)
        return parameters

    def _failure(self, result: int) -> KnownError:
        memory = notice_of_memory(self._plan, self._log.lines()[-_LAST_LINES:])
        if memory is not None:
            return KnownError(memory)
        detail = f"llama_decode returned {result}"
        return KnownError.of(NoticeCode.ENGINE_DRIVER_FAILED, Action.RETRY, Action.OPEN_LOG, detail=detail)


def _abort_callback(api: Any) -> Any:
    """Returns libc's strlen as the callback: over the two bytes of the flag it is 0 or 1. llama.cpp asks
    hundreds of times a token; a Python function would cost as much as the token."""
    libc = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
    return ctypes.cast(libc.strlen, api.ggml_abort_callback)


def _kv_type(name: str) -> int:
    if name not in _KV_TYPES:
        raise KnownError.of(NoticeCode.BAD_REQUEST, detail=f"KV cache type {name}")
    return _KV_TYPES[name]

"""The working memory of a loaded model: decodes rows of tokens, cuts and clears the KV cache.

Positions are always given explicitly: what llama.cpp would derive itself is wrong after a cut in a
sliding-window cache. Knows nothing of requests.
"""

from __future__ import annotations

import ctypes
import logging
import sys
from collections.abc import Sequence
from typing import Any

from app.domain.notice import Action, NoticeCode
from app.engine.worker.bindings import Library
from app.engine.worker.governor import Governor
from app.engine.worker.loadfaults import notice_of_failed_load, notice_of_memory
from app.engine.worker.model import Model, uses_gpu
from app.engine.worker.stepclock import StepClock
from app.engine.worker.threads import compute_threads
from app.errors import KnownError

log = logging.getLogger(__name__)

REFERENCE_TOKENS = 32  # a step in reference mode has no more; `exactness` may find that it must be one
SLOTS = 1
DECODED, NO_ROOM, ABORTED = 0, 1, 2
_KV_TYPES = {"f32": 0, "f16": 1, "q8_0": 8, "q4_0": 2, "q5_1": 7, "bf16": 30}
_AUTO, _ON = -1, 1
_LAST_LINES = 20  # of the native log: what was said about the step that failed


class Context:
    """One context with its batch. `step_tokens` is the most one `decode` takes."""

    def __init__(self, library: Library, model: Model, clock: StepClock, abort_flag: Any) -> None:
        self._api = library.api
        self._log = library.log
        self._plan = model.plan
        self._clock = clock
        self._abort_flag = abort_flag
        self._abort_callback = _abort_callback(library.api)
        self.is_abortable = model.gpu_layers == 0  # only the CPU backend asks whether to go on
        parameters = self._parameters(model)
        library.log.forget()
        self._pointer = self._api.llama_init_from_model(model.pointer, parameters)
        if self._pointer is None:
            raise KnownError(notice_of_failed_load(model.plan, library.log.lines()))
        self.tokens: int = self._api.llama_n_ctx_seq(self._pointer)
        self.step_tokens: int = self._api.llama_n_batch(self._pointer)
        self._memory = self._api.llama_get_memory(self._pointer)
        if self._memory is None:  # it embeds texts or diffuses, it does not continue them
            self._api.llama_free(self._pointer)
            raise KnownError.of(
                NoticeCode.MODEL_UNSUPPORTED, Action.CHOOSE_MODEL, architecture=model.description
            )
        self._logits_bytes = 4 * model.vocabulary.size
        # A number of threads that was asked for is kept, and results depend on it to the last bit.
        is_free = self.is_abortable and not model.plan.threads and not model.plan.reference
        self._crew = _Crew(self._api, self._pointer, parameters.n_threads) if is_free else None
        self._make_batch()

    @property
    def pointer(self) -> int:
        pointer: int = self._pointer
        return pointer

    def decode(self, tokens: Sequence[int], position: int, *, wants_logits: bool = True) -> int:
        """Evaluates `tokens` at `position` and following; logits are those of the last one.

        Returns DECODED, NO_ROOM or ABORTED. Raises `KnownError` when the device failed.
        """
        batch, count = self._batch, len(tokens)
        if count == 1:  # the hot path: one token made, one token in
            self._token[0] = tokens[0]
            self._position[0] = position
        else:
            ctypes.memmove(self._token, (ctypes.c_int32 * count)(*tokens), 4 * count)
            ctypes.memmove(
                self._position, (ctypes.c_int32 * count)(*range(position, position + count)), 4 * count
            )
        batch.n_tokens = count
        self._logits[count - 1] = wants_logits
        self._clock.begin(count)
        result: int = self._api.llama_decode(self._pointer, batch)
        # A GPU works on after the call; what is timed and reported as done should be done.
        self._api.llama_synchronize(self._pointer)
        seconds = self._clock.end()
        self._logits[count - 1] = 0
        if self._crew is not None and result == DECODED:
            self._crew.note(count, seconds)
        if result < 0:
            raise self._failure(result)
        return result

    def logits(self) -> bytes:
        """Returns the logits of the row decoded last, as they are in memory."""
        return ctypes.string_at(self._api.llama_get_logits_ith(self._pointer, -1), self._logits_bytes)

    def cut(self, position: int, sequence: int = 0) -> bool:
        """Forgets everything from `position` on; False if the memory cannot."""
        return bool(self._api.llama_memory_seq_rm(self._memory, sequence, position, -1))

    def first_position(self, sequence: int = 0) -> int:
        """Returns the first position every part of the memory still has; -1 when empty."""
        first: int = self._api.llama_memory_seq_pos_min(self._memory, sequence)
        return first

    def last_position(self, sequence: int = 0) -> int:
        last: int = self._api.llama_memory_seq_pos_max(self._memory, sequence)
        return last

    def clear(self) -> None:
        self._api.llama_memory_clear(self._memory, False)

    def close(self) -> None:
        self._api.llama_batch_free(self._batch)
        self._api.llama_free(self._pointer)

    def _parameters(self, model: Model) -> Any:
        plan = model.plan
        parameters = self._api.llama_context_default_params()
        wanted = plan.context_tokens if plan.context_tokens > 0 else model.trained_tokens
        parameters.n_ctx = min(wanted, model.trained_tokens) if model.trained_tokens > 0 else wanted
        step = REFERENCE_TOKENS if plan.reference else max(plan.batch_tokens, REFERENCE_TOKENS)
        parameters.n_batch = parameters.n_ubatch = min(step, parameters.n_ctx)
        parameters.n_seq_max = SLOTS
        parameters.n_outputs_max = SLOTS  # the default reserves logits for a whole batch
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

    def _make_batch(self) -> None:
        self._batch = batch = self._api.llama_batch_init(self.step_tokens, 0, SLOTS)
        # Each access of a structure's field makes a new object: these are looked up once.
        self._token, self._position, self._logits = batch.token, batch.pos, batch.logits
        for row in range(self.step_tokens):
            batch.n_seq_id[row] = 1
            batch.seq_id[row][0] = 0
            batch.logits[row] = 0


class _Crew:
    """The threads of a context, as many as its governors say: one for single tokens, one for prompts."""

    def __init__(self, api: Any, context: int, threads: int) -> None:
        self._api = api
        self._context = context
        self._decode = Governor(threads)
        self._prefill = Governor(threads, window=3, recent=9)

    def note(self, tokens: int, seconds: float) -> None:
        before = self._decode.threads, self._prefill.threads
        if tokens == 1:
            self._decode.note(seconds)
        else:
            self._decode.forget()
            self._prefill.note(seconds / tokens)
        now = self._decode.threads, self._prefill.threads
        if now != before:
            log.info("threads: %d for single tokens, %d for prompts", *now)
            self._api.llama_set_n_threads(self._context, *now)


def _abort_callback(api: Any) -> Any:
    """Returns libc's strlen as the callback: over the two bytes of the flag it is 0 or 1. llama.cpp asks
    hundreds of times a token; a Python function would cost as much as the token."""
    libc = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
    return ctypes.cast(libc.strlen, api.ggml_abort_callback)


def _kv_type(name: str) -> int:
    if name not in _KV_TYPES:
        raise KnownError.of(NoticeCode.BAD_REQUEST, detail=f"KV cache type {name}")
    return _KV_TYPES[name]

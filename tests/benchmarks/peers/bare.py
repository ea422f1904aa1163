"""The least that makes tokens: llama_decode and a greedy sampler in a loop. Uses nothing of ours.

Every answer starts on an empty cache, its prompt is evaluated in steps of a whole ubatch, no text is made.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as api

UBATCH = 512


class Contender:
    def __init__(self, model: str, context: int, threads: int, slots: int) -> None:
        _load_backends()
        model_parameters = api.llama_model_default_params()
        none = (ctypes.c_void_p * 1)(None)  # an empty list keeps llama.cpp off every GPU
        model_parameters.devices = ctypes.cast(none, ctypes.c_void_p)
        self._model = api.llama_model_load_from_file(os.fsencode(model), model_parameters)
        self._vocabulary = api.llama_model_get_vocab(self._model)
        parameters = api.llama_context_default_params()
        parameters.n_ctx, parameters.n_seq_max, parameters.n_outputs_max = context, slots, slots
        parameters.n_batch = parameters.n_ubatch = UBATCH
        parameters.kv_unified, parameters.swa_full = True, False
        parameters.n_threads = parameters.n_threads_batch = threads
        self._context = api.llama_init_from_model(self._model, parameters)
        self._memory = api.llama_get_memory(self._context)
        self._batch = api.llama_batch_init(UBATCH, 0, 1)
        self._chain = api.llama_sampler_chain_init(api.llama_sampler_chain_default_params())
        api.llama_sampler_chain_add(self._chain, api.llama_sampler_init_greedy())

    def answer(self, chat: list[dict[str, str]], tokens: int) -> dict[str, Any]:
        begun = time.perf_counter()
        api.llama_memory_clear(self._memory, False)
        prompt = self._tokens(chat)
        self._prefill(prompt, 0)
        token = api.llama_sampler_sample(self._chain, self._context, -1)
        first = time.perf_counter() - begun
        made = 1
        decode, sample = api.llama_decode, api.llama_sampler_sample
        context, chain, batch, clock = self._context, self._chain, self._batch, time.process_time
        row, positions = batch.token, batch.pos
        batch.n_tokens, batch.n_seq_id[0], batch.seq_id[0][0], batch.logits[0] = 1, 1, 0, 1
        in_c = 0.0
        while made < tokens and not api.llama_vocab_is_eog(self._vocabulary, token):
            row[0], positions[0] = token, len(prompt) + made - 1
            entered = clock()
            decode(context, batch)
            token = sample(chain, context, -1)
            in_c += clock() - entered
            made += 1
        last = time.perf_counter() - begun
        return {"first": first, "last": last, "count": made, "prompt_n": len(prompt), "in_c": in_c}

    def parallel(self, chats: list[list[dict[str, str]]], tokens: int) -> dict[str, Any]:
        """The answers are of equal length and none ends early."""
        begun = time.perf_counter()
        api.llama_memory_clear(self._memory, False)
        latest: list[int] = []
        ends: list[int] = []
        for sequence, chat in enumerate(chats):
            prompt = self._tokens(chat)
            self._prefill(prompt, sequence)
            latest.append(api.llama_sampler_sample(self._chain, self._context, -1))
            ends.append(len(prompt))
        batch, rows = self._batch, range(len(chats))
        batch.n_tokens = len(chats)
        for row in rows:
            batch.n_seq_id[row], batch.seq_id[row][0], batch.logits[row] = 1, row, 1
        row_tokens, positions = batch.token, batch.pos
        for made in range(tokens - 1):
            for row in rows:
                row_tokens[row], positions[row] = latest[row], ends[row] + made
            api.llama_decode(self._context, batch)
            for row in rows:
                latest[row] = api.llama_sampler_sample(self._chain, self._context, row)
        return {"seconds": time.perf_counter() - begun, "count": tokens * len(chats)}

    def _prefill(self, tokens: Sequence[int], sequence: int) -> None:
        batch = self._batch
        for start in range(0, len(tokens), UBATCH):
            part = tokens[start : start + UBATCH]
            count = len(part)
            ctypes.memmove(batch.token, (ctypes.c_int32 * count)(*part), 4 * count)
            ctypes.memmove(batch.pos, (ctypes.c_int32 * count)(*range(start, start + count)), 4 * count)
            for row in range(count):
                batch.n_seq_id[row], batch.seq_id[row][0], batch.logits[row] = 1, sequence, 0
            batch.logits[count - 1] = 1
            batch.n_tokens = count
            assert api.llama_decode(self._context, batch) == 0

    def _tokens(self, chat: list[dict[str, str]]) -> list[int]:
        turns = [f"<|im_start|>{message['role']}\n{message['content']}<|im_end|>\n" for message in chat]
        data = "".join([*turns, "<|im_start|>assistant\n"]).encode()
        room = (ctypes.c_int32 * (len(data) + 8))()
        count = api.llama_tokenize(self._vocabulary, data, len(data), room, len(room), True, True)
        return list(room[:count])


def _load_backends() -> None:
    folder = Path(api.__file__).resolve().parent / "lib"
    library = ctypes.CDLL(str(next(p for n in ("libggml.so.0", "libggml.so") if (p := folder / n).exists())))
    library.ggml_backend_reg_count.restype = ctypes.c_size_t
    if library.ggml_backend_reg_count() == 0:
        library.ggml_backend_load_all_from_path.argtypes = [ctypes.c_char_p]
        library.ggml_backend_load_all_from_path(os.fsencode(folder))

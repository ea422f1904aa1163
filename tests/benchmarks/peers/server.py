"""llama.cpp's own server as a library (`xllamacpp`): continuous batching, prompt cache, no HTTP in between.

Its wheel is compiled for old processors too, so its absolute speed on a CPU is not llama.cpp's best; ratios
of its own rows (reuse, slots, length) are to be compared.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import xllamacpp

from tests.benchmarks.peers.bare import UBATCH


class Contender:
    def __init__(self, model: str, context: int, threads: int, slots: int) -> None:
        parameters = xllamacpp.CommonParams()
        parameters.model.path = model
        parameters.n_ctx = context
        parameters.n_batch = parameters.n_ubatch = UBATCH
        parameters.n_parallel = slots
        parameters.kv_unified = True
        parameters.n_gpu_layers = 0
        parameters.fit_params = False
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
        self._server = xllamacpp.Server(parameters)

    def answer(self, chat: list[dict[str, str]], tokens: int) -> dict[str, Any]:
        begun = time.perf_counter()
        moments: list[float] = []
        pieces: list[str] = []
        end: dict[str, Any] = {}

        def came(chunk: dict[str, Any]) -> None:
            if piece := chunk["choices"][0]["delta"].get("content"):
                moments.append(time.perf_counter() - begun)
                pieces.append(piece)
            end.update(chunk.get("timings", {}))

        request = {"messages": chat, "max_tokens": tokens, "temperature": 0, "stream": True}
        self._server.handle_chat_completions(request, came)
        return {
            "first": moments[0],
            "last": moments[-1],
            "count": end["predicted_n"],
            "prompt_n": end["cache_n"] + end["prompt_n"],
            "text": "".join(pieces),
        }

    def parallel(self, chats: list[list[dict[str, str]]], tokens: int) -> dict[str, Any]:
        begun = time.perf_counter()
        with ThreadPoolExecutor(len(chats)) as pool:
            answers = list(pool.map(lambda chat: self.answer(chat, tokens), chats))
        seconds = time.perf_counter() - begun
        return {"seconds": seconds, "count": sum(answer["count"] for answer in answers)}

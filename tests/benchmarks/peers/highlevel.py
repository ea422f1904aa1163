"""The bindings' own `llama_cpp.Llama`, streaming: what most Python programs use. It has one slot."""

from __future__ import annotations

import time
from typing import Any

from llama_cpp import Llama

from tests.benchmarks.peers.bare import UBATCH, _load_backends


class Contender:
    def __init__(self, model: str, context: int, threads: int, slots: int) -> None:
        _load_backends()
        self._llama = Llama(
            model,
            n_ctx=context,
            n_batch=UBATCH,
            n_ubatch=UBATCH,
            n_threads=threads,
            n_threads_batch=threads,
            flash_attn=True,
            verbose=False,
        )

    def answer(self, chat: list[dict[str, str]], tokens: int) -> dict[str, Any]:
        begun = time.perf_counter()
        moments: list[float] = []
        text = ""
        for chunk in self._llama.create_chat_completion(
            chat, stream=True, temperature=0.0, repeat_penalty=1.0, max_tokens=tokens
        ):
            if piece := chunk["choices"][0]["delta"].get("content"):
                moments.append(time.perf_counter() - begun)
                text += piece
        return {"first": moments[0], "last": moments[-1], "count": len(moments), "text": text}

    def parallel(self, chats: list[list[dict[str, str]]], tokens: int) -> dict[str, Any]:
        begun = time.perf_counter()
        count = sum(self.answer(chat, tokens)["count"] for chat in chats)
        return {"seconds": time.perf_counter() - begun, "count": count}

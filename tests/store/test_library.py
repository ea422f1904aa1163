from __future__ import annotations

from app.domain.model import Model, ModelOptions, ModelSource
from app.store import Store


def test_a_model_comes_back_as_it_was(store: Store):
    model = Model(
        id="qwen:q4_k_m",
        name="Qwen",
        path="/models/qwen.gguf",
        size_bytes=5_000_000_000,
        architecture="qwen3",
        has_template=True,
        source=ModelSource(repo="someone/qwen", revision="main", filename="qwen.gguf"),
        options=ModelOptions(context_tokens=8192, chat_template="{{ messages }}"),
    )
    store.library.put(model)
    assert store.library.all() == [model]

"""A model in the library: one GGUF on disk (or its first shard) and what its header says."""

from __future__ import annotations

from app.domain.engine import Adapter
from app.domain.generation import Sampling
from app.domain.value import Value


class ModelSource(Value):
    """Where a model came from on the Hub."""

    repo: str
    revision: str = ""
    filename: str = ""


class ModelOptions(Value):
    """How a person wants one model loaded and sampled; None leaves the choice to the plan."""

    context_tokens: int | None = None
    gpu_layers: int | None = None
    threads: int | None = None
    kv_type: str | None = None
    batch_tokens: int | None = None
    cpu_expert_layers: int | None = None
    devices: tuple[str, ...] | None = None
    chat_template: str | None = None
    adapters: tuple[Adapter, ...] | None = None
    sampling: Sampling = Sampling()  # before what suits the model, after what a chat chose


class Vetted(Value):
    """Which checks a model's files have passed. Each is what the files were then (sizes, times, and the
    rules' version): another stamp means that it has to be done again."""

    header: str = ""
    template: str = ""
    tensors: str = ""  # only of what was downloaded


class Model(Value):
    """One model that can be loaded. `id` is stable and unique in the library, for example
    `smollm2-135m-instruct:q4_1`: the file's or repo's name and the quant, in lower case."""

    id: str
    name: str
    path: str
    size_bytes: int
    architecture: str = ""
    quant: str = ""
    context_tokens: int = 0  # what it was trained for
    layers: int = 0
    parameters: int = 0
    has_template: bool = False
    is_starter: bool = False
    system_prompt: str = ""  # for chats that have none of their own
    sampling: Sampling = Sampling()  # what suits it, for what chats leave as it is
    is_missing: bool = False  # its file was not there when last looked for
    sha256: str = ""
    source: ModelSource | None = None
    added_ms: int = 0
    options: ModelOptions = ModelOptions()
    vetted: Vetted = Vetted()

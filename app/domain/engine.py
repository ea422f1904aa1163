"""What the rest of Cove knows of an engine child: how a model is placed and how the child is doing."""

from __future__ import annotations

from enum import StrEnum

from app.domain.notice import Notice
from app.domain.value import Value


class Adapter(Value):
    """A LoRA adapter: a GGUF of small changes to a model's weights, which count `scale` times."""

    path: str
    scale: float = 1.0


class LoadPlan(Value):
    """How one model is placed on this machine. Two equal plans load the same way.

    `gpu_layers` counts from the last layer; -1 is all of them. `threads` 0 is the number of physical cores.
    `reference` trades speed for exactness (CPU only, flash attention on, at most 32 tokens a step), so that
    the same prompt gives the same bits. Without `memory_map` the file is read into memory of its own.
    `slots` answers are made at once and share the context; conversations that rest may take `park_bytes`.
    With `vocab_only` nothing is loaded but what it takes to count tokens.
    `tensor_split` is how many layers each of `devices` gets of those that are offloaded; empty leaves it to
    llama.cpp. The experts of the first `cpu_expert_layers` layers stay on the CPU, wherever the layers are.
    """

    model_id: str
    model_path: str
    context_tokens: int = 4096
    gpu_layers: int = 0
    batch_tokens: int = 512
    threads: int = 0
    kv_type: str = "f16"
    devices: tuple[str, ...] = ()
    check_tensors: bool = False
    reference: bool = False
    memory_map: bool = True
    slots: int = 4
    park_bytes: int = 2 * 1024**3
    vocab_only: bool = False
    adapters: tuple[Adapter, ...] = ()
    tensor_split: tuple[float, ...] = ()
    cpu_expert_layers: int = 0

    @property
    def files(self) -> tuple[str, ...]:
        """What the child has to read: all that a confined one can. Of a model in several files the first."""
        return (self.model_path, *(adapter.path for adapter in self.adapters))


class EngineState(StrEnum):
    """`app/engine/supervisor.py` holds the table of legal moves."""

    IDLE = "idle"  # no child
    STARTING = "starting"  # child spawned, no handshake yet
    LOADING = "loading"
    READY = "ready"
    STOPPING = "stopping"
    FAILED = "failed"  # gave up on this plan; a new request may try again, a third death may not


class Device(Value):
    """Something a model can be placed on, as ggml reports it."""

    name: str
    description: str = ""
    kind: str = "cpu"  # cpu, gpu, igpu, accel
    total_bytes: int = 0
    free_bytes: int = 0


class Guard(StrEnum):
    """Whether something is denied to an engine child, and if not, why not."""

    ON = "on"
    ALLOWED = "allowed"  # on purpose: what it computes with is on other machines
    TURNED_OFF = "turned-off"  # COVE_UNCONFINED is set
    NOT_SUPPORTED = "not-supported"  # this kernel or processor cannot
    REFUSED = "refused"  # it could, but a container or its administrator does not let it
    OTHER_SYSTEM = "other-system"  # only done on Linux


class Confinement(Value):
    """What an engine child (which parses foreign files) gave up before it read any.

    `network`: all sockets. `files`: reading a user's files but the model's, writing any but the drivers'
    cache, running other programs. `signals`: ending other processes. `calls`: what else break-ins use.
    `limits`: core dumps and open files. `landlock` is the version that guards files, 0 for none.
    """

    network: Guard = Guard.OTHER_SYSTEM
    files: Guard = Guard.OTHER_SYSTEM
    signals: Guard = Guard.OTHER_SYSTEM
    calls: Guard = Guard.OTHER_SYSTEM
    limits: Guard = Guard.OTHER_SYSTEM
    landlock: int = 0


class BufferKind(StrEnum):
    WEIGHTS = "weights"
    REPACKED = "repacked"  # weights once more, as a CPU computes with them
    KV = "kv"  # recurrent states included
    COMPUTE = "compute"
    OUTPUT = "output"  # logits on their way out; in the host's memory


class Buffer(Value):
    """Memory that llama.cpp took (or would take): `device` is a device's name, "CPU" all of the host's
    memory."""

    device: str
    kind: BufferKind
    size_bytes: int


class LoadedModel(Value):
    """What a child holds once a model is loaded. `can_think`, `can_switch` (reasoning off) and `efforts` are
    what its own template lets people choose."""

    context_tokens: int
    layers: int
    gpu_layers: int
    description: str = ""
    has_template: bool = False
    can_think: bool = False
    can_switch: bool = False
    efforts: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()
    buffers: tuple[Buffer, ...] = ()


class EngineStatus(Value):
    """One engine as `ps`, the model picker and events show it. `progress` runs 0..1 while loading."""

    model_id: str
    state: EngineState
    pid: int | None = None
    progress: float = 0.0
    plan: LoadPlan | None = None
    loaded: LoadedModel | None = None
    active_requests: int = 0
    notice: Notice | None = None

"""Where a model would lie on this machine, how fast that would be, and why it is not more."""

from __future__ import annotations

from enum import StrEnum

from app.domain.value import Value


class Limit(StrEnum):
    """What keeps a plan from putting (more of) a model on graphics cards."""

    NOTHING = "nothing"  # all of it is there
    GPU_MEMORY = "gpu-memory"
    NO_GPU = "no-gpu"
    SOFTWARE_GPU = "software-gpu"  # what calls itself a card is the processor
    CHOSEN = "chosen"  # a person set it so
    SLOWER = "slower"  # it would fit, and be slower


class DeviceShare(Value):
    """What one device takes of a model. `free_bytes` is what was free before, `kept_bytes` what of it is
    kept free on purpose. `layers` counts the output as one; on the CPU are those that no card has."""

    device: str
    description: str = ""
    kind: str = "cpu"
    layers: int = 0
    weights_bytes: int = 0
    kv_bytes: int = 0
    compute_bytes: int = 0
    total_bytes: int = 0
    free_bytes: int = 0
    kept_bytes: int = 0

    @property
    def used_bytes(self) -> int:
        return self.weights_bytes + self.kv_bytes + self.compute_bytes


class Placement(Value):
    """A plan in facts. The CPU's share comes first. Of `all_layers` (the output counts as one) `gpu_layers`
    are on cards, and of `expert_layers` layers with experts the first `cpu_expert_layers` have them on the
    CPU.

    `is_measured`: llama.cpp itself said what it takes to compute in; otherwise that is an estimate.
    `missing_bytes` is what cards lack for all of it. A plan that does not fit (`fits`) may still load,
    slowly, or fail.
    """

    model_id: str
    context_tokens: int = 0
    kv_type: str = "f16"
    batch_tokens: int = 512
    gpu_layers: int = 0
    all_layers: int = 0
    expert_layers: int = 0
    cpu_expert_layers: int = 0
    shares: tuple[DeviceShare, ...] = ()
    low_tokens_s: float = 0.0
    high_tokens_s: float = 0.0
    limit: Limit = Limit.NOTHING
    missing_bytes: int = 0
    fits: bool = True
    is_measured: bool = False

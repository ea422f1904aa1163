"""How large a tiny model is. Every figure can be varied, as long as heads divide the embedding."""

from __future__ import annotations

from dataclasses import dataclass, field

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# As templates of reasoning models do: thoughts of earlier answers are left out.
THINKING = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and '</think>' in m.content %}{{ m.content.split('</think>')[-1] }}"
    "{% else %}{{ m.content }}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
)
# Real models of these tie their output to the embedding.
TIED = frozenset({"gemma3", "lfm2"})


@dataclass(frozen=True)
class Shape:
    """`weights` is how matrices are kept: F32, F16, Q8_0 or Q4_0. `window` counts where the architecture has
    a sliding window, `experts` where it has experts. A `vocabulary` has at least 512 tokens."""

    architecture: str
    layers: int = 4
    embedding: int = 128
    heads: int = 4
    kv_heads: int = 2
    feed_forward: int = 256
    vocabulary: int = 1024
    trained: int = 8192
    window: int = 32
    experts: int = 8
    experts_used: int = 2
    expert_feed_forward: int = 64
    state: int = 32
    weights: str = "F16"
    template: str | None = field(default=CHATML, repr=True)
    tied: bool | None = None
    may_end: bool = False
    seed: int = 0

    @property
    def head(self) -> int:
        return self.embedding // self.heads

    @property
    def is_tied(self) -> bool:
        return self.architecture in TIED if self.tied is None else self.tied

    def is_attention(self, layer: int) -> bool:
        """Of hybrids that alternate: whether this layer attends instead of keeping a state."""
        return layer % 2 == 1

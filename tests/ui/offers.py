"""Three recommendations as a host makes them, for tests of the window and its pictures."""

from __future__ import annotations

from app.domain.catalogue import CatalogueModel, CatalogueShape, Fit, GoodAt, Offer, Reasoning, Role, Verdict

_SHAPE = CatalogueShape(
    parameters=8_000_000_000,
    active_parameters=8_000_000_000,
    layers=32,
    kv_heads=8,
    head_size=128,
    context_tokens=131_072,
)


def offer(role: Role, name: str, size_bytes: int, verdict: Verdict, *good_at: GoodAt) -> Offer:
    model = CatalogueModel(
        repo=f"unsloth/{name}-GGUF",
        family="deepseek-r1",
        maker="DeepSeek",
        good_at=good_at,
        languages=("en", "zh"),
        licence="MIT",
        reasoning=Reasoning.ALWAYS,
        shape=_SHAPE,
        sizes={"Q4_K_M": size_bytes},
    )
    fit = Fit(verdict=verdict, needs_bytes=size_bytes + 1_000_000_000)
    return Offer(model=model, quant="Q4_K_M", size_bytes=size_bytes, fit=fit, role=role)


_HARD = (GoodAt.REASONING, GoodAt.MATHEMATICS, GoodAt.CODE)
OFFERS = [
    offer(
        Role.FAST,
        "DeepSeek-R1-Distill-Qwen-1.5B",
        1_070_000_000,
        Verdict.GPU,
        *(GoodAt.SMALL_MACHINES, GoodAt.REASONING, GoodAt.MATHEMATICS),
    ),
    offer(Role.BALANCED, "DeepSeek-R1-0528-Qwen3-8B", 5_050_000_000, Verdict.GPU, *_HARD),
    offer(Role.BEST, "DeepSeek-R1-Distill-Qwen-14B", 9_020_000_000, Verdict.PARTLY_GPU, *_HARD),
]

"""A plan in the words of the command line: where it lies, how fast, and why not more."""

from __future__ import annotations

from app.cli.sizes import readable_bytes
from app.domain.placement import DeviceShare, Limit, Placement

LIMITS: dict[Limit, str] = {
    Limit.NOTHING: "",
    Limit.GPU_MEMORY: (
        "Not more, because {missing} of GPU memory are missing for all of it; a shorter context (--ctx), a"
        " smaller KV cache (--kv-type q8_0) or a smaller quant needs less."
    ),
    Limit.NO_GPU: "No GPU is used: none was found. `cove doctor` tells why.",
    Limit.SOFTWARE_GPU: "No GPU is used: what calls itself one is the processor in disguise.",
    Limit.CHOSEN: "Not more, because you chose so.",
    Limit.SLOWER: "Not more, because it would be slower.",
}
TOO_LARGE = (
    "It does not fit into memory: parts of it are read from the disk again for each token. Take a smaller"
    " quant or model."
)
TOO_LARGE_FOR_GPU = "The GPU has too little memory for that: loading it will fail. Take fewer layers."


def lines(placement: Placement, name: str) -> list[str]:
    """Returns the plan, the most important first."""
    said = [f"{name}: {where(placement)}{_speed(placement)}"]
    said += [f"  {_share(share)}" for share in placement.shares]
    cache = f"KV cache {placement.kv_type}, prompts in steps of {placement.batch_tokens}"
    said.append(f"  context {placement.context_tokens} tokens, {cache}")
    if reason := why(placement):
        said.append(reason)
    if not placement.is_measured:
        said.append("What it computes in is estimated: llama.cpp could not be asked.")
    return said


def where(placement: Placement) -> str:
    """Returns for example "31 of 40 layers on RTX 3060"."""
    cards = [share for share in placement.shares if share.kind != "cpu" and share.layers]
    if not cards:
        return "all on the processor"
    names = " and ".join(_name(card) for card in cards)
    said = f"{placement.gpu_layers} of {placement.all_layers} layers on {names}"
    if placement.cpu_expert_layers:
        said += f", the experts of {placement.cpu_expert_layers} on the processor"
    return said


def why(placement: Placement) -> str:
    """Returns why it is not more, or what is wrong with it; nothing when all is well."""
    if not placement.fits:
        is_over = any(
            share.used_bytes > share.free_bytes - share.kept_bytes for share in placement.shares[1:]
        )
        return TOO_LARGE_FOR_GPU if is_over else TOO_LARGE
    return LIMITS[placement.limit].format(missing=readable_bytes(placement.missing_bytes))


def _speed(placement: Placement) -> str:
    if not placement.high_tokens_s:
        return ""
    speeds = (placement.low_tokens_s, placement.high_tokens_s)
    low, high = (f"{speed:.0f}" if speed >= 2 else f"{speed:.1f}" for speed in speeds)
    return f"; about {low}-{high} tokens/s" if low != high else f"; about {low} tokens/s"


def _share(share: DeviceShare) -> str:
    parts = {"weights": share.weights_bytes, "KV cache": share.kv_bytes, "compute": share.compute_bytes}
    said = ", ".join(f"{readable_bytes(size)} {what}" for what, size in parts.items() if size)
    whole = f"{share.device}: {readable_bytes(share.used_bytes)}"
    if share.total_bytes:
        whole += f" of {readable_bytes(share.total_bytes)}"
    kept = f"; {readable_bytes(share.kept_bytes)} kept free" if share.kept_bytes > 0 else ""
    return f"{whole} ({said}){kept}"


def _name(share: DeviceShare) -> str:
    return share.description or share.device

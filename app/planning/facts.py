"""A plan in facts that can be shown: what lies where, how fast, and why not more of it on graphics cards."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.engine import Buffer, BufferKind, Device
from app.domain.model import ModelOptions
from app.domain.placement import DeviceShare, Limit, Placement
from app.planning.budget import Budget, is_software
from app.planning.memory import CPU, Share, shares
from app.planning.placement import Found, Machine
from app.planning.shape import ModelShape
from app.planning.speed import speed_range

_COMPUTED = (BufferKind.COMPUTE, BufferKind.OUTPUT)


def placement_of(
    model_id: str,
    shape: ModelShape,
    found: Found,
    options: ModelOptions,
    machine: Machine,
    measured: Sequence[Buffer] | None = None,
) -> Placement:
    plan = found.plan
    low, high = speed_range(found.layout.seconds, bool(machine.bandwidths))
    if found.layout.is_over_ram:
        low = high = 0.0  # it hangs on the disk, of which nothing is known
    return Placement(
        model_id=model_id,
        context_tokens=plan.context_tokens,
        kv_type=plan.kv_type,
        batch_tokens=plan.batch_tokens,
        gpu_layers=plan.gpu_layers,
        all_layers=len(shape.layers) + 1,
        expert_layers=sum(1 for layer in shape.layers if layer.experts),
        cpu_expert_layers=plan.cpu_expert_layers,
        shares=tuple(
            _device_share(share, budget, measured)
            for share, budget in zip(shares(shape, plan), (found.ram, *found.gpus), strict=False)
        ),
        low_tokens_s=low,
        high_tokens_s=high,
        limit=limit_of(found, options, machine.devices),
        missing_bytes=0 if found.is_whole else found.missing_bytes,
        fits=found.layout.fits,
        is_measured=measured is not None,
    )


def limit_of(found: Found, options: ModelOptions, devices: Sequence[Device]) -> Limit:
    if found.is_whole:
        return Limit.NOTHING
    if options.gpu_layers is not None or options.cpu_expert_layers is not None or options.devices is not None:
        return Limit.CHOSEN
    gpus = [device for device in devices if device.kind in ("gpu", "igpu")]
    if not gpus:
        return Limit.NO_GPU
    if all(is_software(device) for device in gpus):
        return Limit.SOFTWARE_GPU
    return Limit.GPU_MEMORY if found.missing_bytes else Limit.SLOWER


def computed_bytes(buffers: Sequence[Buffer], device: str) -> int:
    return sum(b.size_bytes for b in buffers if b.device == device and b.kind in _COMPUTED)


def _device_share(share: Share, budget: Budget, measured: Sequence[Buffer] | None) -> DeviceShare:
    device = budget.device
    is_known = device.total_bytes > 0
    return DeviceShare(
        device=share.device,
        description=device.description,
        kind="cpu" if share.device == CPU else device.kind,
        layers=share.layers,
        weights_bytes=share.weights,
        kv_bytes=share.kv,
        compute_bytes=share.compute if measured is None else computed_bytes(measured, share.device),
        total_bytes=device.total_bytes,
        free_bytes=device.free_bytes if is_known else 0,
        kept_bytes=budget.kept_bytes if is_known else 0,
    )

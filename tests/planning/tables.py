"""Machines on paper."""

from __future__ import annotations

from app.domain.engine import Device, LoadPlan
from app.planning.placement import Machine

GIB = 1024**3
WISHED = LoadPlan(model_id="m", model_path="/m.gguf")


def card(name: str, gib: float, kind: str = "gpu", description: str = "RTX") -> Device:
    """A graphics card of which a desktop has taken a fourteenth."""
    total = int(gib * GIB)
    return Device(
        name=name, description=description, kind=kind, total_bytes=total, free_bytes=total * 13 // 14
    )


TABLES: dict[str, tuple[Device, ...]] = {
    "8 GB": (card("G0", 8),),
    "12 GB": (card("G0", 12),),
    "16 GB": (card("G0", 16),),
    "24 GB": (card("G0", 24),),
    "12 + 8 GB": (card("G0", 8), card("G1", 12)),
    "integrated": (card("G0", 24, "igpu", "Radeon Graphics"),),
    "software": (card("G0", 99, description="llvmpipe (LLVM 15.0.6, 256 bits)"),),
    "none": (),
}


def machine(devices: tuple[Device, ...], ram_gib: float = 32.0) -> Machine:
    total = int(ram_gib * GIB)
    return Machine(devices=devices, memory_bytes=total, available_bytes=total * 7 // 8)

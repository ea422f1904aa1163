"""The devices a plan may use, and how much of each.

Something is kept free on a card for the desktop and the driver, and in RAM for everything else. A software
device is never among them by itself; an integrated one only where there is no card, since it shares the RAM.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.domain.engine import Device
from app.domain.value import Value
from app.planning.speed import SOFTWARE_BANDWIDTH, bandwidth

MIB = 1024**2
KEPT_OF_GPU = 0.05
KEPT_ON_GPU = 512 * MIB
KEPT_OF_RAM = 0.1
KEPT_IN_RAM = 1024 * MIB
_SOFTWARE_NAMES = ("llvmpipe", "lavapipe", "swiftshader", "softpipe", "microsoft basic render")


class Budget(Value):
    """A device and what a model may take of it. `is_shared`: what it takes is missing in RAM."""

    device: Device
    bytes: int
    bandwidth: float
    is_shared: bool = False

    @property
    def kept_bytes(self) -> int:
        return self.device.free_bytes - self.bytes


def gpu_budgets(
    devices: Sequence[Device], chosen: Sequence[str] | None, measured: Mapping[str, float]
) -> tuple[Budget, ...]:
    """Returns the GPUs to use, the fastest first; those that a person chose, in that order."""
    if chosen is not None:
        named = {device.name: device for device in devices}
        used = [named[name] for name in chosen if name in named and named[name].kind != "cpu"]
    else:
        real = [device for device in devices if device.kind in ("gpu", "igpu") and not is_software(device)]
        cards = [device for device in real if device.kind == "gpu"]
        used = sorted(cards or real[:1], key=lambda d: (-bandwidth(d, measured), -d.free_bytes, d.name))
    return tuple(
        Budget(
            device=device,
            bytes=max(0, device.free_bytes - int(device.free_bytes * KEPT_OF_GPU) - KEPT_ON_GPU),
            bandwidth=_pace(device, measured),
            is_shared=device.kind == "igpu",
        )
        for device in used
    )


def ram_budget(
    devices: Sequence[Device], total_bytes: int, available_bytes: int, measured: Mapping[str, float]
) -> Budget:
    """Returns the CPU's. `available_bytes` is what other programs leave of RAM (0: all of it); a total of 0
    means that nobody knows."""
    cpu = next((device for device in devices if device.kind == "cpu"), Device(name="CPU"))
    free = available_bytes or total_bytes or 2**62
    kept = max(int(free * KEPT_OF_RAM), KEPT_IN_RAM) if total_bytes else 0
    known = Device(
        name="CPU", description=cpu.description, kind="cpu", total_bytes=total_bytes, free_bytes=free
    )
    return Budget(device=known, bytes=max(0, free - kept), bandwidth=bandwidth(known, measured))


def is_software(device: Device) -> bool:
    """Tells whether a device that calls itself a GPU is the CPU in disguise (and slower than that)."""
    name = f"{device.name} {device.description}".lower()
    return any(software in name for software in _SOFTWARE_NAMES)


def _pace(device: Device, measured: Mapping[str, float]) -> float:
    is_guess = device.name not in measured
    return SOFTWARE_BANDWIDTH if is_guess and is_software(device) else bandwidth(device, measured)

"""A child that is only a record of what it was told, for the supervisor's own tests."""

from __future__ import annotations

from app.engine.process import LifeSigns
from app.engine.wire import ToChild


class FakeChild:
    """`told` holds what it was sent; `calls` how it was treated."""

    def __init__(self, pid: int = 100) -> None:
        self.pid = pid
        self.told: list[ToChild] = []
        self.calls: list[str] = []
        self.signs: LifeSigns | None = LifeSigns(cpu_s=0.0, io_bytes=0)

    def send(self, frame: ToChild) -> None:
        self.told.append(frame)

    def end(self) -> None:
        self.calls.append("end")

    def kill(self) -> None:
        self.calls.append("kill")

    def life_signs(self) -> LifeSigns | None:
        return self.signs

"""The Hub as a place where models are. (Signatures; the body follows.)"""

from __future__ import annotations

from app.network.hub import Hub


class ModelHub:
    def __init__(self, hub: Hub) -> None: ...

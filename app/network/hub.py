"""huggingface_hub's session behind the door. (Signatures; the body follows.)"""

from __future__ import annotations

from app.network.door import Door


class Hub:
    def __init__(self, door: Door) -> None: ...

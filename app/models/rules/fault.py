"""One thing that is wrong with a file, as a rule found it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from app.domain.filefault import FileFault
from app.domain.value import Value
from app.models.gguf import GgufHeader


class Fault(Value):
    """`name` is the key or tensor; `found` and `allowed` are short words or figures, never sentences."""

    fault: FileFault
    name: str = ""
    found: str = ""
    allowed: str = ""

    @property
    def value(self) -> str:
        """Returns all of it in figures: `llama.block_count = 600 (1-512)`."""
        found = f"{self.name} = {self.found}" if self.found else self.name
        return f"{found} ({self.allowed})" if self.allowed else found


Rule = Callable[[GgufHeader], Iterator[Fault]]

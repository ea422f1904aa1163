"""A download queue over a home, a fake Hub beside it, and everything it says, kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.domain.model import Model
from app.domain.transfer import Transfer, TransferState
from app.downloads.patience import Limits
from app.downloads.queue import Downloads
from app.errors import KnownError
from app.models.hub import ModelHub
from app.models.library import Library
from app.network.door import Door
from app.network.ledger import Ledger
from app.paths import Paths
from tests.fakes.gguf_file import gguf_bytes
from tests.fakes.hub_server import HubServer
from tests.fakes.tables import MemoryTable
from tests.waiting import wait_until

S = TransferState
ENDED = (S.DONE, S.FAILED, S.PAUSED, S.CANCELLED)
# A busy machine can be silent for a while: only tests of silence itself wait for less.
QUICK = Limits(
    first_delays_s=(0.0, 0.01), delays_s=(0.0, 0.01, 0.02, 0.02), silence_s=10.0, reserve_bytes=1000
)
IMPATIENT = replace(QUICK, silence_s=0.3)
REPO = "me/Tiny-GGUF"
DATA = gguf_bytes(1_500_000)


class Rig:
    """One host's downloads. `again` makes those of the next host over the same home."""

    def __init__(self, home: Path, server: HubServer, limits: Limits = QUICK, **more: Any) -> None:
        self.server = server
        self.paths = Paths(home)
        self.paths.make()
        self.models: MemoryTable[Model] = MemoryTable()
        self.table: MemoryTable[Transfer] = MemoryTable()
        self._open(limits, more)

    def _open(self, limits: Limits, more: dict[str, Any]) -> None:
        self.is_offline = False
        self.said: list[Transfer] = []
        self.removed: list[str] = []
        self.ledger = Ledger()
        self.door = Door(self.ledger, lambda: self.is_offline)
        self.library = Library(self.models, self.paths)
        self.library.open()
        self.downloads = Downloads(
            self.table,
            ModelHub(self.door),
            self.library,
            self.paths,
            on_change=self.said.append,
            on_removed=self.removed.append,
            limits=limits,
            **more,
        )

    def again(self, limits: Limits = QUICK, **more: Any) -> None:
        self.close()
        self._open(limits, more)
        self.downloads.resume_unfinished()

    def close(self) -> None:
        self.downloads.close()
        self.door.close()

    def pull(
        self, quant: str | None = None, repo: str = REPO, revision: str = "main", **more: str
    ) -> Transfer | KnownError:
        """Asks for a model and returns what is answered."""
        return self.asked(
            lambda answer: self.downloads.pull(
                repo, quant, revision, {**self.server.environment, **more}, answer
            )
        )

    def asked(self, ask: Callable[[Callable[[Transfer | KnownError], None]], None]) -> Transfer | KnownError:
        answers: list[Transfer | KnownError] = []
        answered = threading.Event()

        def answer(outcome: Transfer | KnownError) -> None:
            answers.append(outcome)
            answered.set()

        ask(answer)
        assert answered.wait(20)
        return answers[0]

    def begun(self, quant: str | None = None, **more: str) -> Transfer:
        outcome = self.pull(quant, **more)
        assert isinstance(outcome, Transfer), outcome
        return outcome

    def refused(self, quant: str | None = None, **more: str) -> KnownError:
        outcome = self.pull(quant, **more)
        assert isinstance(outcome, KnownError), outcome
        return outcome

    def ended(self, transfer: Transfer) -> Transfer:
        """Waits until nothing works on it any more, and returns how it ended."""

        def found() -> Transfer | None:
            holder = self.downloads.holder(transfer.id)
            last = [said for said in self.said if said.id == transfer.id]
            return last[-1] if last and last[-1].state in ENDED and holder is None else None

        return wait_until(found, what=f"{transfer.id} ends") or transfer

    def finished(self, quant: str | None = None, **more: str) -> Transfer:
        return self.ended(self.begun(quant, **more))

    def moving(self, transfer: Transfer, done_bytes: int = 1) -> None:
        """Waits until bytes of a transfer have been seen to come in."""
        wait_until(
            lambda: any(said.id == transfer.id and said.done_bytes >= done_bytes for said in self.said)
        )

    def idle(self) -> None:
        wait_until(lambda: not self.downloads.is_busy)

    def states(self, transfer: Transfer) -> list[TransferState]:
        """Returns the states a transfer went through."""
        found: list[TransferState] = []
        for said in self.said:
            if said.id == transfer.id and (not found or found[-1] is not said.state):
                found.append(said.state)
        return found

    def files(self) -> dict[str, int]:
        """Returns what is below the models folder, with sizes."""
        models = self.paths.models
        return {
            str(path.relative_to(models)): path.stat().st_size
            for path in sorted(models.rglob("*"))
            if path.is_file()
        }

    def content(self, name: str, repo: str = REPO) -> bytes:
        return (self.paths.models / repo / name).read_bytes()

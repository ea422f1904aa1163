"""Which state a transfer may go to from which."""

from __future__ import annotations

import msgspec

from app.domain.notice import Notice
from app.domain.transfer import Transfer, TransferState
from app.errors import BugError

S = TransferState
MOVES: dict[TransferState, frozenset[TransferState]] = {
    S.QUEUED: frozenset({S.RUNNING, S.PAUSED, S.FAILED, S.CANCELLED, S.DONE}),
    S.RUNNING: frozenset({S.VERIFYING, S.QUEUED, S.PAUSED, S.FAILED, S.CANCELLED, S.DONE}),
    S.VERIFYING: frozenset({S.RUNNING, S.QUEUED, S.PAUSED, S.FAILED, S.CANCELLED, S.DONE}),
    S.PAUSED: frozenset({S.QUEUED, S.CANCELLED, S.DONE}),
    S.FAILED: frozenset({S.QUEUED, S.CANCELLED, S.DONE}),
    S.DONE: frozenset({S.QUEUED, S.CANCELLED}),
    S.CANCELLED: frozenset(),
}
ACTIVE = frozenset({S.QUEUED, S.RUNNING, S.VERIFYING})


def moved(transfer: Transfer, state: TransferState, notice: Notice | None = None) -> Transfer:
    """Returns the transfer in another state, with this notice and no speed. Raises BugError."""
    if state is not transfer.state and state not in MOVES[transfer.state]:
        raise BugError(f"transfer from {transfer.state} to {state}")
    still = msgspec.structs.replace(transfer, bytes_per_second=0.0, seconds_left=None)
    return msgspec.structs.replace(still, state=state, notice=notice)

"""`cove pull OWNER/REPO[:QUANT]`: fetches a model. The host does the work; this follows it."""

from __future__ import annotations

import sys
from typing import Any

from app.cli.inbox import Inbox, Item
from app.cli.sizes import readable_bytes
from app.cli.texts import cancelled_download, paused_download
from app.cli.verb import DONE, INTERRUPTED, Options, Subparsers, UsageError, VerbError, Work, add_verb
from app.client.client import Client
from app.client.protocol import PauseTransfer, Pull, Refused, Snapshot, TransferReply
from app.domain.transfer import Transfer, TransferState
from app.errors import KnownError
from app.events import Event, TransferChanged

PAUSE_LIMIT_S = 5.0
_ENDS = {TransferState.DONE, TransferState.FAILED, TransferState.PAUSED, TransferState.CANCELLED}


def add(verbs: Subparsers) -> None:
    parser = add_verb(verbs, "pull", "download a model; goes on where it was interrupted", run)
    parser.add_argument("repo", metavar="OWNER/REPO[:QUANT]")
    parser.add_argument("--revision", default="main", help="a branch, a tag or a commit")


def run(options: Options, work: Work) -> int:
    command = parse(options.repo, options.revision)
    inbox = Inbox(work.console, _is_wanted)
    with work.client(inbox) as client, Bar(work) as bar, inbox.interruptible():
        inbox.first_snapshot()
        follower = TransferFollower(client, inbox, command, bar)
        try:
            transfer = follower.follow()
        except KeyboardInterrupt:
            paused = follower.pause()
            bar.close()
            if paused is not None:
                text = paused_download(paused.done_bytes, paused.size_bytes)
                work.console.remark(f"cove: {text}")
            return INTERRUPTED
    return finish(transfer, options, work)


def finish(transfer: Transfer, options: Options, work: Work) -> int:
    """Says how it ended. Raises what is to be said of a failure."""
    if transfer.notice is not None:
        raise KnownError(transfer.notice)
    if transfer.state is TransferState.PAUSED:
        raise VerbError(paused_download(transfer.done_bytes, transfer.size_bytes))
    if transfer.state is TransferState.CANCELLED:
        raise VerbError(cancelled_download())
    if options.json:
        work.console.json({"model": transfer.model_id, "size_bytes": transfer.size_bytes})
    else:
        work.console.remark(
            f"{readable_bytes(transfer.size_bytes)}, checked. Try: cove run {transfer.model_id}"
        )
        work.console.line(transfer.model_id or "")
    return DONE


def parse(text: str, revision: str) -> Pull:
    """Reads OWNER/REPO[:QUANT], also with the Hub's address in front."""
    name = text.removeprefix("hf.co/").partition("://")[2].partition("/")[2] if "://" in text else text
    repo, _, quant = name.removeprefix("hf.co/").partition(":")
    owner, _, title = repo.partition("/")
    if not owner or not title or "/" in title:
        raise UsageError(f"“{text}” is no OWNER/REPO or OWNER/REPO:QUANT")
    return Pull(repo=repo, quant=quant or None, revision=revision)


def _is_wanted(event: Event) -> bool:
    return isinstance(event, TransferChanged)


class TransferFollower:
    """Follows one transfer to its end, across hosts: after each new snapshot it is asked for again."""

    def __init__(self, client: Client, inbox: Inbox, command: Pull, bar: Bar) -> None:
        self._client = client
        self._inbox = inbox
        self._command = command
        self._bar = bar
        self._transfer: Transfer | None = None

    def follow(self) -> Transfer:
        self._client.request(self._command, self._inbox.put)
        while True:
            transfer = self._take(self._inbox.next())
            if transfer is not None and transfer.state in _ENDS:
                return transfer

    def pause(self) -> Transfer | None:
        """Pauses, and returns what there is then; None when nothing had begun."""
        try:
            while self._transfer is None:
                self._take(self._inbox.next(PAUSE_LIMIT_S))
            self._client.call(PauseTransfer(transfer_id=self._transfer.id), PAUSE_LIMIT_S)
            while self._transfer.state not in _ENDS:
                self._take(self._inbox.next(PAUSE_LIMIT_S))
        except (TimeoutError, KnownError):
            pass
        return self._transfer

    def _take(self, item: Item) -> Transfer | None:
        if isinstance(item, Refused):
            raise KnownError(item.notice)
        if isinstance(item, Snapshot):
            # Events were missed, or the host is another one: pulling again is harmless and goes on.
            self._client.request(self._command, self._inbox.put)
            return None
        if isinstance(item, TransferReply):
            return self._show(item.transfer)
        if isinstance(item, TransferChanged) and self._transfer and item.transfer.id == self._transfer.id:
            return self._show(item.transfer)
        return None

    def _show(self, transfer: Transfer) -> Transfer:
        self._transfer = transfer
        self._bar.show(transfer)
        return transfer


class Bar:
    """A progress bar on stderr, when that is a terminal."""

    def __init__(self, work: Work) -> None:
        self._is_shown = work.console.shows_progress
        self._bar: Any = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def show(self, transfer: Transfer) -> None:
        if not self._is_shown:
            return
        if self._bar is None:
            self._bar = _new_bar(transfer)
        if transfer.state is TransferState.VERIFYING:
            self._bar.set_description_str("Checking")
        self._bar.n = transfer.done_bytes
        self._bar.total = transfer.size_bytes
        self._bar.refresh()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _new_bar(transfer: Transfer) -> Any:
    from tqdm import tqdm  # 30 ms that only a terminal pays for

    tqdm.monitor_interval = 0  # no thread: we refresh ourselves
    return tqdm(
        total=transfer.size_bytes,
        initial=transfer.done_bytes,
        desc=transfer.quant or transfer.repo,
        unit="B",
        unit_scale=True,
        dynamic_ncols=True,
        leave=False,
        file=sys.stderr,
    )

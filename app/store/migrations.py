"""Brings a database from the version that wrote it to this one, in numbered steps, copying it aside first.

Steps are never edited once released; a new one is added at the end. `user_version` is the number of steps
that a file has seen, and moves in the same transaction as the step's own changes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from app.domain.notice import Action, NoticeCode
from app.errors import KnownError
from app.store import schema
from app.store.database import Database

log = logging.getLogger(__name__)
Step = Callable[[Database], None]
APPLICATION_ID = 0x434F5645  # "COVE", so that `file` can tell what this is


def _version_1(database: Database) -> None:
    for statement in schema.VERSION_1:
        database.execute(statement)


def _version_2(database: Database) -> None:
    for statement in schema.VERSION_2:
        database.execute(statement)


STEPS: tuple[Step, ...] = (_version_1, _version_2)


def migrate(database: Database, steps: Sequence[Step] = STEPS) -> None:
    """Takes the missing steps. Raises KnownError (too new; no room for the copy) with nothing changed."""
    found = database.number("PRAGMA user_version")
    if found > len(steps):
        raise KnownError.of(NoticeCode.STORE_TOO_NEW, Action.UPDATE, found=found, known=len(steps))
    if 0 < found < len(steps):
        path = database.path
        database.copy_to(path.with_name(f"{path.stem}.version-{found}{path.suffix}"))
    upgrade(database, steps)


def upgrade(database: Database, steps: Sequence[Step] = STEPS) -> None:
    """Takes the missing steps of `steps`, which may end before the newest."""
    found = database.number("PRAGMA user_version")
    if 0 < found < len(steps):
        log.info("Migrating from version %d to %d", found, len(steps))
    for number, step in enumerate(steps[found:], start=found + 1):
        with database.write(durable=True):
            database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            step(database)
            database.execute(f"PRAGMA user_version = {number}")

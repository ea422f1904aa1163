"""The settings as they are: the file's values over the defaults, checked, and saved as soon as they change.

Promises: a value that is read is always a legal one; a save is whole or not at all; keys that this version
does not know are kept; a file that cannot be read is moved aside, not overwritten. Has one writer (the host).
"""

from __future__ import annotations

import errno
import shutil
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import tomli_w

from app.domain.ids import now_ms
from app.domain.notice import Action, Fact, Notice, NoticeCode
from app.errors import BugError, KnownError
from app.settings import migrations
from app.settings.files import Files, save
from app.settings.migrations import Document, Step
from app.settings.schema import BY_KEY, SETTINGS, Kind, Setting, invalid

_NEEDED_BYTES = 64 * 1024


class Settings:
    """`notices` is what was wrong with the file; where a value was wrong its default is in force."""

    def __init__(self, path: Path, document: Document, files: Files | None = None) -> None:
        self._path = path
        self._document = document
        self._files = files or Files()
        self._aside: Path | None = None
        self.notices: tuple[Notice, ...] = ()
        self._values: dict[str, Fact] = {}
        for setting in SETTINGS:
            self._values[setting.key] = self._read(setting)

    @classmethod
    def load(
        cls, path: Path, *, files: Files | None = None, steps: Sequence[Step] = migrations.STEPS
    ) -> Self:
        """Reads the file; none is the same as an empty one. Raises KnownError when the disk refuses."""
        raised: tuple[Notice, ...] = ()
        try:
            document = _parse(path.read_bytes())
        except FileNotFoundError:
            document = {}
        except OSError as error:
            raise _refused(path, error) from error
        except (ValueError, RecursionError):  # the latter for thousands of brackets
            document, raised = {}, (_set_aside(path),)
        settings = cls(path, migrations.migrate(document, steps), files)
        settings.notices = raised + settings.notices
        found = migrations.version_of(document)
        if document and found <= len(steps):
            # Nothing is written by reading: the copy is made before the first save.
            settings._aside = path.with_name(f"{path.stem}.version-{found}{path.suffix}")
        return settings

    def get(self, key: str) -> Fact:
        try:
            return self._values[key]
        except KeyError:
            raise BugError(f"no setting {key}") from None

    def text(self, key: str) -> str:
        value = self._typed(key, Kind.TEXT)
        assert isinstance(value, str)
        return value

    def whole(self, key: str) -> int:
        value = self._typed(key, Kind.WHOLE)
        assert isinstance(value, int)
        return value

    def number(self, key: str) -> float:
        value = self._typed(key, Kind.NUMBER)
        assert isinstance(value, float)
        return value

    def switch(self, key: str) -> bool:
        value = self._typed(key, Kind.SWITCH)
        assert isinstance(value, bool)
        return value

    def set(self, key: str, value: object) -> Fact:
        """Changes and saves one setting; returns it as kept. Raises KnownError with nothing changed."""
        setting = BY_KEY.get(key)
        if setting is None:
            raise invalid(key, value)
        checked = setting.check(value)
        document = _with(self._document, setting, checked)
        self._save(document)
        self._document = document
        self._values[key] = checked
        return checked

    def as_dict(self) -> dict[str, Fact]:
        return dict(self._values)

    def _typed(self, key: str, kind: Kind) -> Fact:
        value = self.get(key)
        if BY_KEY[key].kind is not kind:
            raise BugError(f"setting {key} is not a {kind.value}")
        return value

    def _read(self, setting: Setting) -> Fact:
        group = self._document.get(setting.group, {})
        if not isinstance(group, dict):
            self._raise(invalid(setting.key, group).notice)
            return setting.default
        if setting.name not in group:
            return setting.default
        try:
            return setting.check(group[setting.name])
        except KnownError as error:
            self._raise(error.notice)
            return setting.default

    def _raise(self, notice: Notice) -> None:
        self.notices = (*self.notices, notice)

    def _save(self, document: Document) -> None:
        try:
            if self._aside is not None:
                save(self._aside, self._path.read_bytes(), self._files)
                self._aside = None
            save(self._path, tomli_w.dumps(document).encode(), self._files)
        except OSError as error:
            raise _refused(self._path, error) from error


def _parse(data: bytes) -> Document:
    """Raises `ValueError`."""
    return tomllib.loads(data.decode())


def _with(document: Document, setting: Setting, value: Fact) -> Document:
    group: Any = document.get(setting.group)
    return {**document, setting.group: {**(group if isinstance(group, dict) else {}), setting.name: value}}


def _set_aside(path: Path) -> Notice:
    backup = path.with_name(f"{path.stem}.damaged-{now_ms()}{path.suffix}")
    try:
        path.rename(backup)
    except OSError as error:
        raise _refused(path, error) from error
    return Notice(code=NoticeCode.SETTINGS_DAMAGED, facts={"path": str(path), "backup": str(backup)})


def _refused(path: Path, error: OSError) -> KnownError:
    folder = str(path.parent)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        facts = {"needed_bytes": _NEEDED_BYTES, "free_bytes": shutil.disk_usage(path.parent).free}
        return KnownError.of(NoticeCode.DISK_FULL, Action.FREE_DISK, path=folder, **facts)
    return KnownError.of(NoticeCode.HOME_NOT_WRITABLE, Action.RETRY, path=folder)

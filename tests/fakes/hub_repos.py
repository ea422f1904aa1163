"""The repos of the local Hub: files by path or by content, with the names the real Hub gives them."""

from __future__ import annotations

import functools
import hashlib
import threading
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class HubFile:
    """A file of a repo: bytes, or a path that is read where it lies."""

    name: str
    content: bytes | Path

    @property
    def size(self) -> int:
        return self.content.stat().st_size if isinstance(self.content, Path) else len(self.content)

    @property
    def sha256(self) -> str:
        if isinstance(self.content, Path):
            stat = self.content.stat()
            return _digest(str(self.content), stat.st_size, stat.st_mtime_ns)
        return _digest_of(self.content)

    @property
    def is_lfs(self) -> bool:
        return self.name.endswith(".gguf")

    @property
    def blob_id(self) -> str:
        """Git's name for it; of a large file, for its pointer."""
        body = self.sha256.encode() if self.is_lfs else self.read(0, self.size)
        return hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.is_lfs else self.blob_id

    def read(self, start: int, end: int) -> bytes:
        if isinstance(self.content, bytes):
            return self.content[start:end]
        with self.content.open("rb") as file:
            file.seek(start)
            return file.read(end - start)

    def sibling(self) -> dict[str, object]:
        """As in a model's info."""
        entry: dict[str, object] = {"rfilename": self.name, "size": self.size, "blobId": self.blob_id}
        if self.is_lfs:
            entry["lfs"] = {"sha256": self.sha256, "size": self.size, "pointerSize": 134}
        return entry

    def leaf(self) -> dict[str, object]:
        """As in a tree."""
        entry: dict[str, object] = {
            "type": "file",
            "path": self.name,
            "size": self.size,
            "oid": self.blob_id,
        }
        if self.is_lfs:
            entry["lfs"] = {"oid": self.sha256, "size": self.size, "pointerSize": 134}
        return entry


@dataclass
class Repo:
    """`token` is what it takes to see it (private) or to get its files (gated)."""

    name: str
    files: dict[str, HubFile] = field(default_factory=dict)
    is_gated: bool = False
    is_private: bool = False
    token: str = ""
    downloads: int = 0
    likes: int = 0
    modified: str = "2026-01-01T00:00:00.000Z"
    licence: str = ""
    parameters: int = 0

    @property
    def commit(self) -> str:
        listing = "\n".join(f"{file.name} {file.etag}" for file in self.files.values())
        return hashlib.sha1(listing.encode()).hexdigest()

    def info(self) -> dict[str, object]:
        return {
            "_id": "0" * 24,
            "id": self.name,
            "modelId": self.name,
            "sha": self.commit,
            "private": self.is_private,
            "gated": "auto" if self.is_gated else False,
            "disabled": False,
            "tags": ["gguf", *([f"license:{self.licence}"] if self.licence else [])],
            "siblings": [file.sibling() for file in self.files.values()],
        }

    def entry(self) -> dict[str, object]:
        """As in a search: names of files without their sizes."""
        return {
            "_id": "0" * 24,
            "id": self.name,
            "downloads": self.downloads,
            "likes": self.likes,
            "lastModified": self.modified,
            "gated": "auto" if self.is_gated else False,
            "tags": ["gguf", *([f"license:{self.licence}"] if self.licence else [])],
            "siblings": [{"rfilename": file.name} for file in self.files.values()],
            **({"gguf": {"total": self.parameters}} if self.parameters else {}),
        }


class Repos:
    """All repos, and their files by sha256 for the storage behind the Hub. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._repos: dict[str, Repo] = {}
        self._storage: dict[str, HubFile] = {}

    def add(self, repo: Repo) -> None:
        with self._lock:
            self._repos[repo.name.lower()] = repo
            for file in repo.files.values():
                self._storage[file.sha256] = file

    def get(self, name: str) -> Repo | None:
        with self._lock:
            return self._repos.get(name.lower())

    def search(self, words: str, author: str, sort: str) -> list[Repo]:
        """As the Hub does: public ones whose name has the words, the most of what is sorted by first."""
        with self._lock:
            found = [repo for repo in self._repos.values() if not repo.is_private]
        key = {"downloads": "downloads", "likes": "likes", "lastModified": "modified"}[sort]
        matching = [
            repo
            for repo in found
            if all(word in repo.name.lower() for word in words.lower().split())
            and author.lower() in ("", repo.name.lower().partition("/")[0])
            and any(file.endswith(".gguf") for file in repo.files)
        ]
        return sorted(matching, key=lambda repo: getattr(repo, key), reverse=True)

    def stored(self, sha256: str) -> HubFile | None:
        with self._lock:
            return self._storage.get(sha256)


@functools.lru_cache(maxsize=64)
def _digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@functools.cache
def _digest(path: str, size: int, mtime_ns: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

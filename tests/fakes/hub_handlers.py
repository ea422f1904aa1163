"""How the local Hub and its storage answer."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import json
import re
import socket
import struct
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes.hub_faults import Asked, Fault
from tests.fakes.hub_repos import HubFile, Repo

if TYPE_CHECKING:
    from tests.fakes.hub_server import HubServer

CHUNK = 16 * 1024
PAGE = b"<!DOCTYPE html><html><body>Please sign in to this network</body></html>"


class _Cut(ConnectionError):
    """The connection is to end here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    where = ""

    def setup(self) -> None:
        super().setup()
        self.asked = Asked("", "", "")
        self.fault: Fault | None = None

    @property
    def hub(self) -> HubServer:
        return self.server.hub  # type: ignore[attr-defined,no-any-return]

    def do_GET(self) -> None:
        self._handle()

    def do_HEAD(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, path: str) -> None:
        raise NotImplementedError

    def stage(self, path: str) -> str:
        raise NotImplementedError

    def _handle(self) -> None:
        self.close_connection = True
        path = unquote(urlsplit(self.path).path)
        where = self.stage(path)
        self.asked = Asked(
            where,
            self.command,
            path,
            range=self.headers.get("Range", ""),
            token=self.headers.get("Authorization", "").removeprefix("Bearer "),
            agent=self.headers.get("User-Agent", ""),
        )
        if where != "control":
            self.hub.record.note(self.asked)
            self.fault = self.hub.record.take(where, self.command, path)
            self.asked.fault = self.fault.kind if self.fault else ""
        try:
            if not self._misbehave():
                self.answer(path)
        except _Cut:
            self._end(rudely=self.fault is not None and self.fault.kind == "reset")

    def _misbehave(self) -> bool:
        """Faults that replace the whole answer."""
        fault = self.fault
        if fault is None:
            return False
        if fault.kind == "silent":
            self.hub.closing.wait()
            raise _Cut
        if fault.kind == "status":
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            self.refuse(fault.status, fault.code, fault.message, headers)
        elif fault.kind == "html":
            self.send(200, PAGE, {"Content-Type": "text/html; charset=utf-8"})
        elif fault.kind == "redirect":
            self.send(302, b"", {"Location": fault.location})
        elif fault.kind == "unavailable-range":
            self.send(416, b"", {"Content-Range": "bytes */1"})
        else:
            return False
        return True

    def _end(self, *, rudely: bool) -> None:
        with contextlib.suppress(OSError):  # the client may have gone first
            self._hang_up(rudely)

    def _hang_up(self, rudely: bool) -> None:
        if rudely:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        else:
            self.connection.shutdown(socket.SHUT_RDWR)

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.head(status, {"Content-Length": str(len(body)), **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(body)

    def head(self, status: int, headers: dict[str, str]) -> None:
        self.asked.status = status
        self.send_response(status)
        for name, value in {**headers, "Connection": "close", "Set-Cookie": "token=tracked"}.items():
            self.send_header(name, value)
        self.end_headers()

    def refuse(
        self, status: int, code: str = "", message: str = "", more: dict[str, str] | None = None
    ) -> None:
        headers = {"Content-Type": "application/json", **(more or {})}
        if code:
            headers["X-Error-Code"] = code
        if message:
            headers["X-Error-Message"] = message
        self.send(status, json.dumps({"error": message or "refused"}).encode(), headers)

    def send_file(self, file: HubFile, headers: dict[str, str]) -> None:
        """Sends a file or the range of it that was asked for, with whatever fault is due."""
        kind = self.fault.kind if self.fault else ""
        start, end = 0, file.size
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        is_range = found is not None and kind != "ignore-range"
        if found is not None and is_range:
            start, end = int(found[1]), min(int(found[2]) + 1 if found[2] else file.size, file.size)
            if start >= file.size:
                self.send(416, b"", {"Content-Range": f"bytes */{file.size}"})
                return
            shown = start + 7 if kind == "wrong-range" else start
            headers["Content-Range"] = f"bytes {shown}-{end - 1}/{file.size}"
        headers = {"Content-Length": str(end - start), "Accept-Ranges": "bytes", **headers}
        if kind == "short":
            end = start + (self.fault.after if self.fault else 0)
            headers["Content-Length"] = str(end - start)
        if kind in ("chunked", "short"):
            del headers["Content-Length"]
        if kind == "gzip":
            packed = gzip.compress(file.read(start, end))
            self.send(200, packed, {"Content-Encoding": "gzip"})
            return
        self.head(206 if is_range else 200, headers)
        if self.command != "HEAD":
            self._send_bytes(file, start, end)

    def _send_bytes(self, file: HubFile, start: int, end: int) -> None:
        fault = self.fault or Fault("")
        at = start
        gate = self.hub.record.gate
        while at < end:
            step = CHUNK
            if fault.kind in ("cut", "reset", "stall", "expire"):
                step = min(step, start + fault.after - at)
                if step <= 0:
                    if fault.kind == "expire":
                        self.hub.record.expired.add(urlsplit(self.path).query)
                    if fault.kind == "stall":
                        self.hub.closing.wait()
                    raise _Cut
            granted = self.hub.record.spend(min(step, end - at), gate)
            if granted is None:
                raise _Cut
            piece = bytearray(file.read(at, at + granted))
            if fault.kind == "flip" and at <= fault.after < at + len(piece):
                piece[fault.after - at] ^= 0x55
            self.wfile.write(piece)
            self.asked.sent_bytes += len(piece)
            at += len(piece)
            rate = fault.rate or self.hub.rate
            if rate and self.hub.closing.wait(len(piece) / rate):
                raise _Cut


class HubHandler(_Handler):
    """huggingface.co"""

    def stage(self, path: str) -> str:
        if path.startswith("/.control/"):
            return "control"
        return "api" if path.startswith("/api/") else "resolve"

    def answer(self, path: str) -> None:
        if path.startswith("/.control/"):
            self._control(path)
        elif path == "/api/models":
            self._search()
        elif found := re.fullmatch(
            r"/api/models/([^/]+/[^/]+)(?:/(revision|tree|paths-info)/([^/]+))?", path
        ):
            self._api(found[1], found[2] or "", found[3] or "main")
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(found[1], found[2], found[3])
        else:
            self.refuse(404, message="Not found")

    def _api(self, name: str, kind: str, revision: str) -> None:
        repo = self._allowed(name)
        if repo is None:
            return
        if revision not in ("main", repo.commit):
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif kind in ("", "revision"):
            self._json(repo.info())
        else:
            files = list(repo.files.values())
            if kind == "paths-info":
                body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
                wanted = parse_qs(body).get("paths") or json.loads(body)["paths"]
                files = [file for file in files if file.name in wanted]
            self._json([file.leaf() for file in files])

    def _search(self) -> None:
        query = {key: values[-1] for key, values in parse_qs(urlsplit(self.path).query).items()}
        if self.asked.token and not self.asked.token.startswith("hf_"):
            self.refuse(401, "", "Invalid credentials in Authorization header")
            return
        assert query["filter"] == "gguf"
        found = self.hub.repos.search(query.get("search", ""), query.get("author", ""), query["sort"])
        self._json([repo.entry() for repo in found[: int(query.get("limit", "1000"))]])

    def _resolve(self, name: str, revision: str, filename: str) -> None:
        repo = self._allowed(name)
        if repo is None:
            return
        if revision not in ("main", repo.commit):
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif repo.is_gated and self.asked.token != repo.token:
            self.refuse(403 if self.asked.token else 401, "GatedRepo", "Access to this model is restricted")
        elif filename not in repo.files:
            self.refuse(404, "EntryNotFound", "Entry not found")
        else:
            self._lead_to(repo, repo.files[filename])

    def _lead_to(self, repo: Repo, file: HubFile) -> None:
        etag = self.fault.etag if self.fault and self.fault.kind == "etag" else file.etag
        headers = {"X-Repo-Commit": repo.commit, "ETag": f'"{etag}"'}
        if not file.is_lfs:
            self.send_file(file, headers)
            return
        headers["X-Linked-Size"] = str(file.size)
        headers["X-Linked-Etag"] = f'"{etag}"'
        headers["X-Xet-Hash"] = file.sha256
        signature = self.hub.record.sign()
        headers["Location"] = f"{self.hub.storage_url}/storage/{file.sha256}?Signature={signature}"
        self.send(302, b"Found. Redirecting", headers)

    def _allowed(self, name: str) -> Repo | None:
        """As the Hub does, says the same of what is not there and of what is not to be seen."""
        repo = self.hub.repos.get(name)
        token = self.asked.token
        if token and not token.startswith("hf_"):
            self.refuse(401, "", "Invalid credentials in Authorization header")
        elif repo is None or (repo.is_private and token != repo.token):
            self.refuse(404 if token else 401, "RepoNotFound", "Repository not found")
        else:
            return repo
        return None

    def _json(self, body: object) -> None:
        self.send(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _control(self, path: str) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        body = json.loads(self.rfile.read(length) or b"null")
        if path.endswith("/faults"):
            self.hub.record.add_fault(Fault(**body))
        elif path.endswith("/rate"):
            self.hub.rate = int(body["rate"])
        self._json([dataclasses.asdict(entry) for entry in self.hub.log()] if path.endswith("/log") else [])


class StorageHandler(_Handler):
    """The storage behind the Hub: signed addresses, its own etags, no idea of repos."""

    def stage(self, path: str) -> str:
        return "cdn"

    def answer(self, path: str) -> None:
        file = self.hub.repos.stored(path.rsplit("/", 1)[-1])
        if file is None or urlsplit(self.path).query in self.hub.record.expired:
            self.refuse(403, message="expired")
        else:
            self.send_file(file, {"ETag": f'"storage-{file.sha256[:8]}"'})

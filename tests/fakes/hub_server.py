"""A Hub on this machine, for the real huggingface_hub and the real transfer to speak with.

Speaks as huggingface.co does: model info, tree, paths-info, resolve with a redirect to storage on another
origin, gates, error codes. Also a program of its own:

    python -m tests.fakes.hub_server --root DIR --port-file FILE [--serve OWNER/REPO/NAME=PATH] [--rate N]

serves DIR/OWNER/REPO/... (without copying anything). `POST /.control/faults` adds faults, `GET /.control/log`
tells what was asked.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from tests.fakes.hub_faults import Asked, Fault, Record
from tests.fakes.hub_handlers import HubHandler, StorageHandler
from tests.fakes.hub_repos import HubFile, Repo, Repos
from tests.waiting import wait_until


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for them
    block_on_close = True
    hub: HubServer

    def handle_error(self, request: object, client_address: object) -> None:
        error = sys.exception()
        if not isinstance(error, (ConnectionError, TimeoutError)):
            self.hub.record.errors.append(repr(error))


class HubServer:
    """Two origins on loopback, the Hub and the storage behind it. A context manager."""

    def __init__(self, port: int = 0) -> None:
        self.repos = Repos()
        self.record = Record()
        self.rate = 0  # bytes a second of each body, 0 for as fast as it goes
        self.closing = threading.Event()
        self._servers = [self._listen(HubHandler, port), self._listen(StorageHandler, 0)]
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.005,), name="fake-hub", daemon=True)
            for server in self._servers
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.record.allow(None)
        for server in self._servers:
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()
        assert self.record.errors == []

    @property
    def port(self) -> int:
        return int(self._servers[0].server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def storage_url(self) -> str:
        return f"http://127.0.0.1:{self._servers[1].server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """What a client that uses this Hub sends along."""
        return {"HF_ENDPOINT": self.url}

    def add_repo(
        self,
        name: str,
        files: Mapping[str, bytes | Path],
        *,
        gated: bool = False,
        private: bool = False,
        token: str = "hf_good",
        **facts: Any,
    ) -> Repo:
        """Adds a repo, or replaces it (a new commit). `facts` are fields of `Repo` that a search tells."""
        found = {file: HubFile(file, content) for file, content in files.items()}
        repo = Repo(name=name, files=found, is_gated=gated, is_private=private, token=token, **facts)
        self.repos.add(repo)
        return repo

    def fault(self, kind: str, **how: object) -> Fault:
        """Makes something go wrong; see `Fault`."""
        fault = Fault(kind, **how)  # type: ignore[arg-type]
        self.record.add_fault(fault)
        return fault

    def log(self, where: str = "", method: str = "") -> list[Asked]:
        return self.record.log(where, method)

    def sent_bytes(self) -> int:
        """Returns how many bytes of files went out."""
        return sum(entry.sent_bytes for entry in self.log(method="GET") if entry.where != "api")

    def _listen(self, handler: type, port: int) -> _Server:
        server = _Server(("127.0.0.1", port), handler)
        server.hub = self
        return server


class HubControl:
    """Speaks with a Hub that is another process."""

    def __init__(self, port: int) -> None:
        self.port = port

    @property
    def environment(self) -> dict[str, str]:
        return {"HF_ENDPOINT": f"http://127.0.0.1:{self.port}"}

    def fault(self, kind: str, **how: object) -> None:
        self._ask("POST", "/.control/faults", {"kind": kind, **how})

    def set_rate(self, rate: int) -> None:
        self._ask("POST", "/.control/rate", {"rate": rate})

    def log(self, where: str = "") -> list[Asked]:
        entries = [Asked(**entry) for entry in self._ask("GET", "/.control/log")]
        return [entry for entry in entries if where in ("", entry.where)]

    def sent_bytes(self) -> int:
        return sum(entry.sent_bytes for entry in self.log() if entry.where != "api" and entry.method == "GET")

    def _ask(self, method: str, path: str, body: object = None) -> list[dict[str, object]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, json.dumps(body))
            return json.loads(connection.getresponse().read())  # type: ignore[no-any-return]
        finally:
            connection.close()


@contextlib.contextmanager
def hub_process(folder: Path, serve: Mapping[str, Path]) -> Iterator[HubControl]:
    """Runs a Hub that is a process of its own and serves files (`OWNER/REPO/NAME`) from where they lie."""
    port_file = folder / "hub-port"
    command = [sys.executable, "-m", "tests.fakes.hub_server", "--port-file", str(port_file)]
    for name, path in serve.items():
        command += ["--serve", f"{name}={path}"]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as process:
        try:
            wait_until(port_file.exists)
            yield HubControl(int(port_file.read_text()))
        finally:
            process.kill()
            port_file.unlink(missing_ok=True)


def fill(server: HubServer, root: Path | None, serve: list[str], gated: list[str]) -> None:
    """Adds the repos below a folder, and files named one by one (`OWNER/REPO/NAME=PATH`)."""
    repos: dict[str, dict[str, Path]] = {}
    for path in sorted(root.rglob("*")) if root else ():
        parts = path.relative_to(root).parts if root else ()
        if path.is_file() and len(parts) > 2:
            repos.setdefault("/".join(parts[:2]), {})["/".join(parts[2:])] = path
    for entry in serve:
        name, _, path = entry.partition("=")
        owner, repo, file = name.split("/", 2)
        repos.setdefault(f"{owner}/{repo}", {})[file] = Path(path)
    for name, files in repos.items():
        server.add_repo(name, files, gated=name in gated)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=Path)
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--serve", action="append", default=[])
    parser.add_argument("--gated", action="append", default=[])
    parser.add_argument("--rate", type=int, default=0)
    options = parser.parse_args()
    with HubServer(options.port) as server:
        fill(server, options.root, options.serve, options.gated)
        server.rate = options.rate
        fresh = options.port_file.with_suffix(".new")
        fresh.write_text(str(server.port))
        fresh.replace(options.port_file)
        parent = os.getppid()
        # Nobody may be left to end it: it ends with whoever started it.
        while os.getppid() == parent and not server.closing.wait(0.2):
            pass


if __name__ == "__main__":
    main()

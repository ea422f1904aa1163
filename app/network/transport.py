"""The transport under huggingface_hub's client: asks the door, picks the proxy, counts, translates faults.

Imported only once something is to be fetched, because httpx2 costs 100 ms. Every network fault comes out as
a KnownError, so nothing above knows the HTTP library, and huggingface_hub's own retries (which sleep, log
addresses and close the shared client) never begin.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import httpx2

from app.domain.notice import Action, NoticeCode
from app.errors import BugError, KnownError
from app.network.door import Door, PassingError
from app.network.environment import NetworkEnvironment

# No connection outlives its request: requests are few and long, and an idle one could not be aborted.
_LIMITS = httpx2.Limits(max_keepalive_connections=0)

current_route: ContextVar[Route | None] = ContextVar("current_route", default=None)


class Pools:
    """One real transport for each proxy (`""`: none). They share nothing but certificates."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._transports: dict[str, httpx2.HTTPTransport] = {}

    def get(self, proxy: str) -> httpx2.HTTPTransport:
        """Raises KnownError (NETWORK_UNREACHABLE) for a proxy of a kind that is not supported."""
        with self._lock:
            if proxy not in self._transports:
                self._transports[proxy] = _open_transport(proxy)
            return self._transports[proxy]

    def close(self) -> None:
        with self._lock:
            for transport in self._transports.values():
                transport.close()
            self._transports.clear()


class Route:
    """How the requests of one session go out: whose environment, what for, and the socket in use."""

    def __init__(self, door: Door, environment: NetworkEnvironment, purpose: str, pools: Pools) -> None:
        self.environment = environment
        self._door = door
        self._purpose = purpose
        self._pools = pools
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_aborted = False

    def send(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        host = f"{url.host}:{url.port}" if url.port else url.host
        self._door.admit(self.environment, url.scheme, host)
        proxy = self.environment.proxy_for(url.scheme, url.host, url.port)
        transport = self._pools.get(proxy)
        via = httpx2.URL(proxy).host if proxy else ""
        self._door.ledger.note(host, self._purpose, via, requests=1)
        request.extensions = {**request.extensions, "trace": self._on_trace}
        with self.faults(host):
            response = transport.handle_request(request)
        # Cookies would tie one session to the next; nothing here needs any.
        response.headers.pop("set-cookie", None)
        assert isinstance(response.stream, httpx2.SyncByteStream)
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_Body(self, response.stream, host, via),
            extensions=response.extensions,
        )

    def received(self, host: str, via: str, count: int) -> None:
        """Counts what came in; raises KnownError (OFFLINE) if that was switched on meanwhile."""
        self._door.ledger.note(host, self._purpose, via, received_bytes=count)
        self._door.admit(self.environment, "https", host)

    def abort(self) -> None:
        """From any thread: ends the request in progress and refuses more. A read that waits returns."""
        with self._lock:
            self._is_aborted = True
            _shut(self._socket)

    @contextlib.contextmanager
    def faults(self, host: str) -> Iterator[None]:
        """Turns the HTTP library's faults into KnownErrors."""
        self._refuse_if_aborted(host)
        try:
            yield
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            self._refuse_if_aborted(host)
            raise PassingError.of(
                NoticeCode.NETWORK_UNREACHABLE, Action.RETRY, host=host, detail=type(error).__name__
            ) from error

    def _refuse_if_aborted(self, host: str) -> None:
        if self._is_aborted:
            raise KnownError.of(NoticeCode.NETWORK_UNREACHABLE, Action.RETRY, host=host, detail="aborted")

    def _on_trace(self, name: str, info: dict[str, Any]) -> None:
        # The only way to the socket before an answer has come; TLS puts a new one in its place.
        if name.endswith(("connect_tcp.complete", "start_tls.complete")):
            with self._lock:
                self._socket = info["return_value"].get_extra_info("socket")
                if self._is_aborted:
                    _shut(self._socket)


class DoorTransport(httpx2.BaseTransport):
    """What huggingface_hub's one global client sends through: each request takes its session's route."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        route = current_route.get()
        if route is None:
            raise BugError("a request outside of a session")
        return route.send(request)


class _Body(httpx2.SyncByteStream):
    """The bytes of an answer, counted."""

    def __init__(self, route: Route, stream: httpx2.SyncByteStream, host: str, via: str) -> None:
        self._route = route
        self._stream = stream
        self._host = host
        self._via = via

    def __iter__(self) -> Iterator[bytes]:
        with self._route.faults(self._host):
            for chunk in self._stream:
                self._route.received(self._host, self._via, len(chunk))
                yield chunk

    def close(self) -> None:
        self._stream.close()


def _open_transport(proxy: str) -> httpx2.HTTPTransport:
    try:
        return httpx2.HTTPTransport(proxy=proxy or None, limits=_LIMITS)
    except (ValueError, ImportError, httpx2.InvalidURL) as error:
        raise KnownError.of(NoticeCode.NETWORK_UNREACHABLE, host="proxy", detail="proxy-kind") from error


def _shut(connection: socket.socket | None) -> None:
    if connection is not None:
        with contextlib.suppress(OSError):
            # Not SSLSocket's own, which takes the TLS state from under the thread that reads.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)

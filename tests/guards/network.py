"""Keeps the test process on this machine: whoever looks up or connects to anything but loopback is refused,
and the test fails even when the refusal was swallowed."""

from __future__ import annotations

import errno
import ipaddress
import socket
from typing import Any

attempts: list[str] = []

_LOCAL_NAMES = {None, "", "localhost", b"localhost", "ip6-localhost"}
_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex
_sendto = socket.socket.sendto
_getaddrinfo = socket.getaddrinfo


def install() -> None:
    """Patches the socket module for the rest of the process."""
    socket.socket.connect = _guarded_connect
    socket.socket.connect_ex = _guarded_connect_ex
    socket.socket.sendto = _guarded_sendto
    socket.getaddrinfo = _guarded_getaddrinfo


def take_attempts() -> list[str]:
    """Returns where somebody tried to go since the last call."""
    found = attempts[:]
    attempts.clear()
    return found


def is_local(host: Any) -> bool:
    if host in _LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host).is_loopback
    except ValueError:
        return False


def _check(sock: socket.socket, address: Any) -> None:
    if sock.family in (socket.AF_INET, socket.AF_INET6) and not is_local(address[0]):
        attempts.append(f"connected to {address}")
        raise OSError(errno.ENETUNREACH, f"tests stay on this machine: {address}")


def _guarded_connect(self: socket.socket, address: Any) -> None:
    _check(self, address)
    _connect(self, address)


def _guarded_connect_ex(self: socket.socket, address: Any) -> int:
    _check(self, address)
    return _connect_ex(self, address)


def _guarded_sendto(self: socket.socket, data: bytes, *arguments: Any) -> int:
    _check(self, arguments[-1])
    return _sendto(self, data, *arguments)


def _guarded_getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
    if not is_local(host):
        attempts.append(f"looked up {host}")
        raise socket.gaierror(socket.EAI_NONAME, f"tests stay on this machine: {host}")
    return _getaddrinfo(host, *arguments, **options)

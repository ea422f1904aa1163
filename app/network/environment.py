"""The Hub and proxy variables of one command: where its requests go, as whom and through what.

Taken from what the client sent, never from this process's own environment, and never logged.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from app.domain.notice import NoticeCode
from app.errors import KnownError

DEFAULT_ENDPOINT = "https://huggingface.co"
VARIABLES = (
    *("HF_ENDPOINT", "HF_TOKEN", "HF_HUB_OFFLINE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
)


@dataclass(frozen=True, slots=True)
class NetworkEnvironment:
    """One command's variables, understood. The token is kept out of its text form."""

    endpoint: str = DEFAULT_ENDPOINT
    token: str = field(default="", repr=False)
    is_offline: bool = False
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)  # by scheme, "all" and "no"

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> NetworkEnvironment:
        """Raises KnownError (NETWORK_UNREACHABLE) when HF_ENDPOINT is no web address."""
        endpoint = variables.get("HF_ENDPOINT", "").strip().rstrip("/") or DEFAULT_ENDPOINT
        if not _is_web_address(endpoint):
            raise KnownError.of(NoticeCode.NETWORK_UNREACHABLE, host=endpoint, detail="HF_ENDPOINT")
        return cls(
            endpoint=endpoint,
            token=variables.get("HF_TOKEN", "").strip(),
            is_offline=variables.get("HF_HUB_OFFLINE", "").strip().upper() in ("1", "ON", "YES", "TRUE"),
            proxies={kind: _proxy(variables, kind) for kind in ("http", "https", "all", "no")},
        )

    @property
    def host(self) -> str:
        return urlsplit(self.endpoint).netloc.rpartition("@")[2]

    def proxy_for(self, scheme: str, host: str, port: int | None) -> str:
        """Returns the address of the proxy that a request must take, `""` for none."""
        address = self.proxies.get(scheme) or self.proxies.get("all") or ""
        place = f"{host}:{port}" if port else host
        if not address or _is_exempt(place, self.proxies.get("no", "")):
            return ""
        return address if "://" in address else f"http://{address}"


def _is_exempt(place: str, no_proxy: str) -> bool:
    # Part of the standard library's proxy handling on every system, though not of its typed surface.
    return bool(urllib.request.proxy_bypass_environment(place, {"no": no_proxy}))  # type: ignore[attr-defined]


def _proxy(variables: Mapping[str, str], kind: str) -> str:
    # Lower case wins, as in curl.
    return variables.get(f"{kind}_proxy") or variables.get(f"{kind.upper()}_PROXY", "")


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False

"""huggingface_hub's session behind the door, for its own calls and for our transfers.

Its telemetry, its other transfer path (hf_xet), its stored tokens, progress bars and logging are off. Which
endpoint, token and proxies a request uses comes from the session it is made in, not from this process.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import app
from app.network.door import Door
from app.network.environment import NetworkEnvironment

if TYPE_CHECKING:  # huggingface_hub costs 160 ms and httpx2 100: imported when something is to be fetched
    import httpx2
    from huggingface_hub import HfApi

    from app.network.transport import Pools, Route

CONNECT_S = 10.0
ANSWER_S = 15.0  # silence that ends a small request

_preparing = threading.Lock()
_is_prepared = False


class HubSession:
    """Valid within `Hub.session`, on its thread; only `abort` is for others."""

    def __init__(self, route: Route) -> None:
        self.environment = route.environment
        self._route = route

    @property
    def api(self) -> HfApi:
        from huggingface_hub import HfApi

        return HfApi(
            endpoint=self.environment.endpoint,
            token=self.environment.token or False,
            library_name="cove",
            library_version=app.__version__,
        )

    def headers(self) -> dict[str, str]:
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

        headers: dict[str, str] = build_hf_headers(
            token=self.environment.token or False, library_name="cove", library_version=app.__version__
        )
        return headers

    @contextlib.contextmanager
    def stream(self, url: str, headers: Mapping[str, str], silence_s: float) -> Iterator[httpx2.Response]:
        """Gets an address; the body has not been read yet. `silence_s` without a byte ends it."""
        import httpx2
        from huggingface_hub import get_session

        timeout = httpx2.Timeout(CONNECT_S, read=silence_s)
        with contextlib.ExitStack() as stack:
            with self.faults():
                answer = get_session().stream("GET", url, headers=dict(headers), timeout=timeout)
                response = stack.enter_context(answer)
            yield response

    def faults(self) -> contextlib.AbstractContextManager[None]:
        """Turns network faults that are raised within into KnownErrors. Only for code that does nothing
        else: an OSError of the disk would be taken for the network's."""
        return self._route.faults(self.environment.host)

    def abort(self) -> None:
        """From any thread: ends the request in progress and refuses more."""
        self._route.abort()


class Hub:
    """Makes sessions. Safe to use from any thread."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._lock = threading.Lock()
        self._pools: Pools | None = None

    @contextlib.contextmanager
    def session(self, environment: Mapping[str, str], purpose: str) -> Iterator[HubSession]:
        """Within it, everything that huggingface_hub sends on this thread goes out as `environment` says."""
        understood = NetworkEnvironment.of(environment)
        # Said before anything is imported or looked up.
        self._door.admit(understood, "https", understood.host)
        _prepare()
        from app.network.transport import Route, current_route

        route = Route(self._door, understood, purpose, self._shared_pools())
        token = current_route.set(route)
        try:
            yield HubSession(route)
        finally:
            current_route.reset(token)

    def _shared_pools(self) -> Pools:
        from app.network.transport import Pools

        with self._lock:
            if self._pools is None:
                self._pools = Pools()
                self._door.on_close(self._pools.close)
            return self._pools


def _prepare() -> None:
    """Sets huggingface_hub up, once a process."""
    global _is_prepared
    with _preparing:
        if _is_prepared:
            return
        from huggingface_hub import constants, set_client_factory

        # The library reads these from the environment when it is imported; ours is not to be asked.
        constants.HF_HUB_DISABLE_TELEMETRY = True
        constants.HF_HUB_DISABLE_XET = True
        constants.HF_HUB_DISABLE_IMPLICIT_TOKEN = True
        constants.HF_DEBUG = False
        constants.HF_HUB_USER_AGENT_ORIGIN = None
        # They write whole addresses, signatures included.
        for name in ("huggingface_hub", "httpx2", "httpcore2"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        set_client_factory(_make_client)
        _is_prepared = True


def _make_client() -> httpx2.Client:
    import httpx2

    from app.network.transport import DoorTransport

    return httpx2.Client(
        transport=DoorTransport(),
        trust_env=False,
        follow_redirects=True,
        timeout=httpx2.Timeout(CONNECT_S, read=ANSWER_S),
    )

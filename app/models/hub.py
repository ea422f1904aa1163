"""The Hub as a place where models are: what a repo offers, which files a quant means, and their bytes.

Uses huggingface_hub for listings, addresses, headers and errors, and turns every fault into one KnownError
(a `PassingError` where trying again may help). Writes nothing to disk: that is `downloads`.
"""

from __future__ import annotations

import contextlib
import datetime
import email.utils
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from app.domain.catalogue import HubModel, HubSort
from app.domain.notice import Action, NoticeCode
from app.domain.value import Value
from app.errors import KnownError
from app.models.quant import FileEntry, QuantGroup, group, is_projector, pick
from app.network.door import Door, PassingError
from app.network.hub import ANSWER_S, Hub, HubSession

if TYPE_CHECKING:  # costs 100 ms; see network.hub
    import httpx2
    from huggingface_hub import ModelInfo

PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
MAX_RETRY_AFTER_S = 600.0
_SORTS = {HubSort.DOWNLOADS: "downloads", HubSort.LIKES: "likes", HubSort.RECENT: "lastModified"}
_WANTED = ["downloads", "likes", "lastModified", "gated", "tags", "gguf", "siblings"]


class Listing(Value):
    """What a repo offers at one commit."""

    repo: str
    commit: str
    groups: tuple[QuantGroup, ...]
    projectors: tuple[FileEntry, ...] = ()
    is_gated: bool = False  # its files are for those who accepted its terms


class Choice(Value):
    """The files of one quant at one commit."""

    repo: str
    commit: str
    group: QuantGroup


class Identity(Value):
    """What a file is known by, so that two halves of it are known to belong together."""

    size_bytes: int
    etag: str = ""
    sha256: str = ""

    def is_same(self, other: Identity) -> bool:
        """A hash says more than an etag, which a mirror may make up anew each time."""
        if self.sha256 and other.sha256:
            return (self.size_bytes, self.sha256) == (other.size_bytes, other.sha256)
        return (self.size_bytes, self.etag) == (other.size_bytes, other.etag)


class FileChangedError(Exception):
    """The far side has another file under the name than the one that was begun."""


class Body:
    """Bytes of a file from `offset` on, as they come in."""

    def __init__(self, response: httpx2.Response, offset: int) -> None:
        self.offset = offset
        self._response = response

    def chunks(self) -> Iterator[bytes]:
        return self._response.iter_raw()


class RemoteRepo:
    """One repo within one session. Only `abort` is for other threads."""

    def __init__(self, session: HubSession, repo: str, revision: str) -> None:
        self._session = session
        self._repo = repo
        self._revision = revision

    @property
    def host(self) -> str:
        return self._session.environment.host

    def listing(self) -> Listing:
        """Raises KnownError: REPO_NOT_FOUND, REPO_GATED, HUB_REFUSED, NETWORK_UNREACHABLE, OFFLINE."""
        with self._refusals(), _no_listing(self.host):
            info = self._session.api.model_info(
                self._repo, revision=self._revision, files_metadata=True, timeout=ANSWER_S
            )
            files = [
                FileEntry(
                    path=sibling.rfilename,
                    size_bytes=int(sibling.size or 0),
                    sha256=str(sibling.lfs.sha256) if sibling.lfs else "",
                )
                for sibling in info.siblings or ()
            ]
            commit = str(info.sha or self._revision)
        projectors = tuple(file for file in files if is_projector(file.path))
        return Listing(
            repo=self._repo,
            commit=commit,
            groups=group(files),
            projectors=projectors,
            is_gated=bool(info.gated),
        )

    def choose(self, quant: str | None) -> Choice:
        """Returns the files of a quant, or of the best default. Also raises REPO_HAS_NO_GGUF and
        QUANT_NOT_FOUND."""
        listing = self.listing()
        if not listing.groups:
            raise KnownError.of(NoticeCode.REPO_HAS_NO_GGUF, repo=self._repo)
        chosen = pick(listing.groups, quant, self._repo)
        if chosen is None:
            available = ", ".join(dict.fromkeys(entry.quant for entry in listing.groups if entry.quant))
            raise KnownError.of(
                NoticeCode.QUANT_NOT_FOUND, repo=self._repo, quant=quant or "", available=available
            )
        return Choice(repo=self._repo, commit=listing.commit, group=chosen)

    def identify(self, commit: str, file: FileEntry) -> Identity:
        """Asks for a file's size and etag without its bytes; this is where a gate shows."""
        from huggingface_hub import get_hf_file_metadata

        with self._refusals():
            found = get_hf_file_metadata(
                self._address(commit, file),
                token=False,  # it is in the headers
                timeout=ANSWER_S,
                endpoint=self._session.environment.endpoint,
                headers=self._session.headers(),
            )
        etag = found.etag or ""
        is_sha256 = re.fullmatch(r"[0-9a-f]{64}", etag) is not None
        sha256 = file.sha256 or (etag if is_sha256 else "")
        return Identity(size_bytes=file.size_bytes or found.size or 0, etag=etag, sha256=sha256)

    @contextlib.contextmanager
    def fetch(
        self, commit: str, file: FileEntry, identity: Identity, start: int, end: int, silence_s: float
    ) -> Iterator[Body]:
        """Gets the bytes from `start` up to `end`. The body may begin earlier, when ranges are ignored, and
        may go on for longer. Raises FileChangedError if this is no longer the file of that identity."""
        headers = {**self._session.headers(), "Accept-Encoding": "identity"}
        if (start, end) != (0, identity.size_bytes):
            headers["Range"] = f"bytes={start}-{end - 1}"
        with self._session.stream(self._address(commit, file), headers, silence_s) as response:
            with self._refusals():
                self._check_status(response, identity)
            yield Body(response, _offset(response, start, identity))

    def abort(self) -> None:
        """Ends the request in progress and refuses more."""
        self._session.abort()

    def _address(self, commit: str, file: FileEntry) -> str:
        from huggingface_hub import hf_hub_url

        endpoint = self._session.environment.endpoint
        return hf_hub_url(self._repo, file.path, revision=commit, endpoint=endpoint)

    def _check_status(self, response: httpx2.Response, identity: Identity) -> None:
        from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]

        if response.status_code == 416:
            raise FileChangedError
        is_elsewhere = bool(response.history) and response.url.netloc != response.history[0].url.netloc
        if response.status_code in (401, 403, 404, 410) and is_elsewhere:
            raise _refused(response, PassingError)  # a signed address that ran out: ask the Hub for a new one
        hf_raise_for_status(response)
        if response.status_code not in (200, 206):
            raise _refused(response)
        # A login page of some network in between, or a server that packs what must come as it is.
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if is_page or response.headers.get("Content-Encoding", "identity") != "identity":
            raise _refused(response)
        _check_etag(response, identity)

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        """Turns what huggingface_hub raises into KnownErrors."""
        from huggingface_hub import errors

        # Inside out: what huggingface_hub raises are faults of the HTTP library too.
        with self._session.faults():
            try:
                yield
            except errors.GatedRepoError as error:
                raise KnownError.of(NoticeCode.REPO_GATED, Action.SIGN_IN, repo=self._repo) from error
            except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
                raise KnownError.of(NoticeCode.REPO_NOT_FOUND, repo=self._repo) from error
            except errors.RevisionNotFoundError as error:
                repo = f"{self._repo}@{self._revision}"
                raise KnownError.of(NoticeCode.REPO_NOT_FOUND, repo=repo) from error
            except errors.HfHubHTTPError as error:
                raise _refused(error.response) from error


class HubSearch:
    """Looks for repos within one session. Only `abort` is for other threads."""

    def __init__(self, session: HubSession) -> None:
        self._session = session

    def models(self, words: str, sort: HubSort, author: str, limit: int) -> tuple[HubModel, ...]:
        """Returns repos of GGUF files, best first. Raises as `RemoteRepo.listing` does, but for what is said
        of a repo."""
        from huggingface_hub import ModelInfo, errors, get_session
        from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]

        environment = self._session.environment
        # Not HfApi.list_models: it tries again and again by itself, and sleeps in between.
        names = {"search": words, "author": author}
        query: dict[str, Any] = {name: value for name, value in names.items() if value}
        query |= {"filter": "gguf", "sort": _SORTS[sort], "limit": limit, "expand": _WANTED}
        with self._session.faults(), _no_listing(environment.host):
            try:
                response = get_session().get(
                    f"{environment.endpoint}/api/models",
                    params=query,
                    headers=self._session.headers(),
                    timeout=ANSWER_S,
                )
                hf_raise_for_status(response)
                infos = [ModelInfo(**entry) for entry in response.json()]  # type: ignore[no-untyped-call]
                return tuple(map(_hub_model, infos))
            except errors.HfHubHTTPError as error:
                raise _refused(error.response) from error

    def abort(self) -> None:
        """Ends the request in progress and refuses more."""
        self._session.abort()


class ModelHub:
    """Makes sessions with repos. Safe to use from any thread."""

    def __init__(self, door: Door) -> None:
        self._hub = Hub(door)

    @contextlib.contextmanager
    def session(
        self, repo: str, revision: str, environment: Mapping[str, str], purpose: str = "model"
    ) -> Iterator[RemoteRepo]:
        """Raises KnownError (OFFLINE) before anything leaves."""
        with self._hub.session(environment, purpose) as session:
            yield RemoteRepo(session, repo, revision)

    @contextlib.contextmanager
    def search(self, environment: Mapping[str, str]) -> Iterator[HubSearch]:
        """Raises KnownError (OFFLINE) before anything leaves."""
        with self._hub.session(environment, "search") as session:
            yield HubSearch(session)


@contextlib.contextmanager
def _no_listing(host: str) -> Iterator[None]:
    """A page that is no listing (a network's login page, another server) is a refusal, not our bug."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if type(error).__module__.startswith("huggingface_hub"):
            raise  # its own errors are ValueErrors too, and say more
        raise KnownError.of(NoticeCode.HUB_REFUSED, Action.RETRY, status=200, host=host) from error


def _hub_model(info: ModelInfo) -> HubModel:
    files = [FileEntry(path=sibling.rfilename, size_bytes=0) for sibling in info.siblings or ()]
    groups = group(files)
    chosen = pick(groups, None, info.id)
    licences = [tag.partition(":")[2] for tag in info.tags or () if tag.startswith("license:")]
    return HubModel(
        repo=info.id,
        downloads=int(info.downloads or 0),
        likes=int(info.likes or 0),
        changed_ms=int(info.last_modified.timestamp() * 1000) if info.last_modified else 0,
        is_gated=bool(info.gated),
        licence=", ".join(licences),
        parameters=int((info.gguf or {}).get("total") or 0),
        quants=tuple(dict.fromkeys(entry.quant for entry in groups if entry.quant)),
        quant=chosen.quant if chosen is not None else "",
    )


def _check_etag(response: httpx2.Response, identity: Identity) -> None:
    """The Hub names the file on its redirect; what the storage behind it calls it means nothing."""
    answers = [*response.history, response]
    linked = [answer.headers["X-Linked-Etag"] for answer in answers if "X-Linked-Etag" in answer.headers]
    plain = [] if response.history else [response.headers.get("ETag", "")]
    found = next(iter([*linked, *plain]), "").removeprefix("W/").strip('"')
    if found and identity.etag and found != identity.etag:
        raise FileChangedError


def _offset(response: httpx2.Response, start: int, identity: Identity) -> int:
    """Returns where the body begins in the file. Raises if it is not the piece that was asked for."""
    if response.status_code == 200:
        if int(response.headers.get("Content-Length", identity.size_bytes)) != identity.size_bytes:
            raise FileChangedError
        return 0
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if found is None or int(found[1]) > start:
        raise _refused(response, PassingError)
    if found[2] not in ("*", str(identity.size_bytes)):
        raise FileChangedError
    return int(found[1])


def _refused(response: httpx2.Response, kind: type[KnownError] | None = None) -> KnownError:
    status = response.status_code
    host = response.url.netloc.decode("ascii")
    is_passing = status in PASSING_STATUSES
    action = Action.SIGN_IN if status in (401, 403) else Action.RETRY
    chosen = kind or (PassingError if is_passing else KnownError)
    error = chosen.of(NoticeCode.HUB_REFUSED, action, status=status, host=host)
    if isinstance(error, PassingError):
        error.retry_after_s = _retry_after(response.headers)
    return error


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds that a server asked for, by either of the standard's spellings or the Hub's."""
    if limit := re.search(r"r=0;\s*t=(\d{1,9})", headers.get("RateLimit", "")):
        return min(float(limit[1]), MAX_RETRY_AFTER_S)
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return min(float(text[:9]), MAX_RETRY_AFTER_S)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    seconds = (moment - datetime.datetime.now(datetime.UTC)).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)

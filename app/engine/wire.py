"""The wire between the host and an engine child: length-prefixed JSON frames over two pipes.

A frame is a 4-byte little-endian length and that many bytes of UTF-8 JSON, one tagged value. The wire can
carry several requests at once; every frame about a request has its id. The first frame each way is the
handshake: a child that speaks another protocol or has another llama.cpp is refused before it loads anything.
"""

from __future__ import annotations

import struct
from typing import IO, TypeVar

import msgspec

from app.domain.engine import Buffer, Confinement, Device, LoadedModel, LoadPlan
from app.domain.notice import Notice
from app.domain.value import Value
from app.engine.base import Counted, Failed, Finished, GenerateRequest, Noticed, PhaseMoved, TextGrew

PROTOCOL = 1
MAX_FRAME_BYTES = 64 * 1024 * 1024
F = TypeVar("F")
_LENGTH = struct.Struct("<I")


# Host to child


class Hello(Value, tag=True):
    """First frame to the child. `helper_argv` starts the process that renders templates.

    The rest is what a confined child may reach: `files` are all that it will read of what is the user's,
    `folders` those it may write to, `driver_cache` the one where GPU drivers keep their compiled shaders.
    All must be there by then. `may_network` is for models whose layers lie on other machines.
    """

    protocol: int = PROTOCOL
    helper_argv: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    driver_cache: str = ""
    may_network: bool = False


class Load(Value, tag=True):
    plan: LoadPlan


class Measure(Value, tag=True):
    """Asks what loading would take, without reading weights or taking memory for them. `Measured` or
    `LoadFailed` comes back; nothing is loaded after it."""

    plan: LoadPlan


class CancelLoad(Value, tag=True):
    pass


class Generate(Value, tag=True):
    request: GenerateRequest


class Count(Value, tag=True):
    """Asks for the size of a request's prompt. Answered with Counted (or Failed) between two steps."""

    request: GenerateRequest


class Cancel(Value, tag=True):
    id: str


class AnswerNow(Value, tag=True):
    """The request is to end its thoughts and answer."""

    id: str


class Shutdown(Value, tag=True):
    pass


ToChild = Hello | Load | Measure | CancelLoad | Generate | Count | Cancel | AnswerNow | Shutdown


class CompileTemplate(Value, tag=True):
    """To the template helper: whether a chat template can be compiled. Answered with TemplateCompiled."""

    template: str


# Child to host


class TemplateCompiled(Value, tag=True):
    """`fault` says what is wrong with it, in its compiler's words; empty when nothing is."""

    fault: str = ""


class HelloReply(Value, tag=True):
    """First frame from the child, before any model is touched. `mismatch` is set when the library it found
    is not the one it was written for. `build` is "dynamic" when its backends are plug-ins, else "plain".
    `why_no_gpu` is set when no device is a GPU. `confinement` is what really took effect."""

    protocol: int
    pid: int
    engine: str  # e.g. "llama-cpp-python 0.3.36"
    build: str = ""
    devices: tuple[Device, ...] = ()
    mismatch: str | None = None
    why_no_gpu: Notice | None = None
    confinement: Confinement = Confinement()


class LoadProgress(Value, tag=True):
    """Sent at most every 50 ms while the file is read; `progress` runs 0..1."""

    progress: float


class Loaded(Value, tag=True):
    model: LoadedModel


class Measured(Value, tag=True):
    """What llama.cpp would take. `buffers` are those for computing; of weights there are only the kinds,
    with no size. `kv_bytes` is the whole KV cache, recurrent states included."""

    buffers: tuple[Buffer, ...] = ()
    kv_bytes: int = 0


class LoadFailed(Value, tag=True):
    """The child is still alive and may be asked to load again, but holds nothing."""

    notice: Notice


class Heartbeat(Value, tag=True):
    """Proof of life, every 0.5 s. `steps` counts finished `llama_decode` calls; `step_tokens` is the size of
    the one in progress (0 when idle) and `step_ms` for how long it has been running."""

    steps: int
    step_tokens: int = 0
    step_ms: float = 0.0


FromChild = (
    HelloReply
    | LoadProgress
    | Loaded
    | Measured
    | LoadFailed
    | Heartbeat
    | PhaseMoved
    | TextGrew
    | Noticed
    | Counted
    | Finished
    | Failed
)

_to_child = msgspec.json.Decoder(ToChild)
_from_child = msgspec.json.Decoder(FromChild)


class WireError(Exception):
    """The other side sent something that is no frame of this protocol."""


def encode(frame: ToChild | FromChild) -> bytes:
    """Returns the frame with its length in front. Raises `WireError` above `MAX_FRAME_BYTES`."""
    return pack(msgspec.json.encode(frame))


def pack(body: bytes) -> bytes:
    """Returns any body with its length in front. Raises `WireError` above `MAX_FRAME_BYTES`."""
    if len(body) > MAX_FRAME_BYTES:
        raise WireError(f"frame of {len(body)} bytes")
    return _LENGTH.pack(len(body)) + body


def read_frame(stream: IO[bytes]) -> bytes | None:
    """Returns the next frame's body, or None at a clean end. Raises `WireError` if cut or oversized."""
    head = _read_exactly(stream, _LENGTH.size)
    if head is None:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > MAX_FRAME_BYTES:
        raise WireError(f"frame of {length} bytes announced")
    body = _read_exactly(stream, length)
    if body is None:
        raise WireError("cut after a frame's length")
    return body


def decode_to_child(body: bytes) -> ToChild:
    frame: ToChild = _decode(_to_child, body)
    return frame


def decode_from_child(body: bytes) -> FromChild:
    frame: FromChild = _decode(_from_child, body)
    return frame


def _decode(decoder: msgspec.json.Decoder[F], body: bytes) -> F:
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise WireError(str(error)) from error


def _read_exactly(stream: IO[bytes], count: int) -> bytes | None:
    parts: list[bytes] = []
    missing = count
    while missing:
        part = stream.read(missing)
        if not part:
            if parts:
                raise WireError(f"cut {missing} bytes before the end of a frame")
            return None
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)

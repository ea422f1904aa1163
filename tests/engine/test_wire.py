"""Frames between the host and an engine child."""

from __future__ import annotations

import io
import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.chat import Role
from app.domain.engine import Buffer, BufferKind, Device, LoadedModel, LoadPlan
from app.domain.generation import Phase, Sampling, StopReason, Timings
from app.domain.notice import Action, Notice, NoticeCode
from app.engine import wire
from app.engine.base import (
    Counted,
    Failed,
    Finished,
    GenerateRequest,
    Noticed,
    PhaseMoved,
    PromptMessage,
    TextGrew,
)
from app.engine.wire import WireError, decode_from_child, decode_to_child, encode, pack, read_frame

NOTICE = Notice(code=NoticeCode.MODEL_CORRUPT, facts={"path": "/m", "n": 1}, actions=(Action.PULL_AGAIN,))
MESSAGES = (PromptMessage(role=Role.USER, content="Xin chào 你好 🙂", reasoning="r"),)
TO_CHILD = [
    wire.Hello(helper_argv=("python", "-m", "x")),
    wire.Load(plan=LoadPlan(model_id="m", model_path="/m", devices=("Vulkan0",), memory_map=False)),
    wire.Measure(plan=LoadPlan(model_id="m", model_path="/m", cpu_expert_layers=3, tensor_split=(2.0, 1.0))),
    wire.CancelLoad(),
    wire.Generate(
        request=GenerateRequest(
            id="a", messages=MESSAGES, sampling=Sampling(seed=1, stop=("x",)), chat_template="{{ x }}"
        )
    ),
    wire.Count(request=GenerateRequest(id="b", messages=MESSAGES)),
    wire.Cancel(id="a"),
    wire.AnswerNow(id="a"),
    wire.Shutdown(),
]
FROM_CHILD = [
    wire.HelloReply(protocol=1, pid=7, engine="e", devices=(Device(name="CPU"),), mismatch="sizes"),
    wire.LoadProgress(progress=0.25),
    wire.Loaded(model=LoadedModel(context_tokens=4096, layers=30, gpu_layers=0, has_template=True)),
    wire.Measured(buffers=(Buffer(device="CPU", kind=BufferKind.COMPUTE, size_bytes=7),), kv_bytes=1024),
    wire.LoadFailed(notice=NOTICE),
    wire.Heartbeat(steps=3, step_tokens=64, step_ms=12.5),
    PhaseMoved(id="a", phase=Phase.PREFILL, done=64, total=128),
    TextGrew(id="a", content="x", reasoning="y"),
    Noticed(id="a", notice=NOTICE),
    Counted(id="b", tokens=7, context_tokens=4096, cached_tokens=3),
    Finished(id="a", stop_reason=StopReason.END, timings=Timings(cache_n=3)),
    Failed(id="a", notice=NOTICE),
]


@pytest.mark.parametrize("frame", TO_CHILD, ids=lambda frame: type(frame).__name__)
def test_frames_to_the_child_survive(frame: wire.ToChild):
    assert decode_to_child(read_frame(io.BytesIO(encode(frame)))) == frame


@pytest.mark.parametrize("frame", FROM_CHILD, ids=lambda frame: type(frame).__name__)
def test_frames_from_the_child_survive(frame: wire.FromChild):
    assert decode_from_child(read_frame(io.BytesIO(encode(frame)))) == frame


def test_every_frame_is_covered():
    assert {type(frame) for frame in TO_CHILD} == set(wire.ToChild.__args__)
    assert {type(frame) for frame in FROM_CHILD} == set(wire.FromChild.__args__)


def test_frames_follow_each_other():
    stream = io.BytesIO(b"".join(encode(frame) for frame in FROM_CHILD))
    read = [decode_from_child(read_frame(stream)) for _ in FROM_CHILD]
    assert read == FROM_CHILD
    assert read_frame(stream) is None


class Trickle(io.RawIOBase):
    """A stream that gives one byte at a time."""

    def __init__(self, data: bytes) -> None:
        self._left = data

    def read(self, count: int = -1) -> bytes:
        byte, self._left = self._left[:1], self._left[1:]
        return byte


def test_a_frame_may_come_byte_by_byte():
    assert decode_from_child(read_frame(Trickle(encode(FROM_CHILD[0])))) == FROM_CHILD[0]


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(min_value=1))
def test_a_cut_frame_is_told_from_a_clean_end(cut: int):
    whole = encode(FROM_CHILD[0])
    with pytest.raises(WireError, match="cut"):
        read_frame(io.BytesIO(whole[: 1 + cut % (len(whole) - 1)]))


def test_what_is_too_big_is_refused_on_both_sides():
    with pytest.raises(WireError, match="announced"):
        read_frame(io.BytesIO(struct.pack("<I", wire.MAX_FRAME_BYTES + 1)))
    with pytest.raises(WireError, match="bytes"):
        pack(bytes(wire.MAX_FRAME_BYTES + 1))


@settings(deadline=None)  # a busy machine is no failure
@given(st.binary(max_size=200))
def test_anything_read_is_a_frame_or_a_wire_error(data: bytes):
    try:
        body = read_frame(io.BytesIO(data))
        if body is not None:
            decode_from_child(body)
    except WireError:
        pass


def test_unknown_fields_are_ignored_and_unknown_frames_are_not():
    frame = {"type": "LoadProgress", "progress": 0.5, "colour": "blue"}
    assert decode_from_child(json.dumps(frame).encode()) == wire.LoadProgress(progress=0.5)
    with pytest.raises(WireError):
        decode_from_child(b'{"type": "Surprise"}')

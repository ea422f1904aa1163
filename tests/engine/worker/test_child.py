"""The real child over real pipes."""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path

import psutil
import pytest

from app.domain.chat import Role
from app.domain.generation import Phase, StopReason
from app.domain.notice import NoticeCode
from app.engine.base import PhaseMoved, PromptMessage, TextGrew
from app.engine.wire import (
    PROTOCOL,
    Cancel,
    CancelLoad,
    Heartbeat,
    Hello,
    HelloReply,
    Load,
    Loaded,
    LoadFailed,
    Shutdown,
)
from app.engine.worker.bindings import VERSION
from tests.engine.worker.childclient import GREEDY, ChildClient
from tests.engine.worker.conftest import THREADS, plan_of
from tests.engine.worker.workbench import GEMMA, sampling
from tests.realmodels import gemma3, smollm2
from tests.waiting import wait_until

pytestmark = pytest.mark.llama
HELPFUL = PromptMessage(role=Role.SYSTEM, content="You are a helpful assistant.")
CAPITAL = PromptMessage(role=Role.USER, content="What is the capital of France?")
LONG = "word " * 3000


def python_path(first: Path) -> dict[str, str]:
    """Puts a folder in front of the child's modules."""
    return {"PYTHONPATH": os.pathsep.join([str(first), str(Path(__file__).parents[3])])}


def in_prefill(client: ChildClient, request_id: str) -> None:
    """Waits until the request is in the middle of its prefill."""
    frame = client.wait(
        lambda f: isinstance(f, PhaseMoved) and f.id == request_id and f.phase is Phase.PREFILL and f.done > 0
    )
    assert isinstance(frame, PhaseMoved)
    assert frame.done < frame.total


def test_the_handshake(own_child):
    reply = own_child.frames[0]
    assert isinstance(reply, HelloReply)
    assert reply.protocol == PROTOCOL
    assert reply.pid == own_child.process.pid
    assert reply.engine == f"llama-cpp-python {VERSION}"
    assert reply.build in {"dynamic", "plain"}
    assert reply.mismatch is None
    assert "cpu" in {device.kind for device in reply.devices}


def test_foreign_code_in_the_environment_is_not_loaded(tmp_path):
    foreign = {"LLAMA_CPP_LIB_PATH": str(tmp_path), "GGML_BACKEND_PATH": str(tmp_path / "x.so")}
    client = ChildClient(tmp_path / "engine.log", foreign)
    try:
        assert client.hello().mismatch is None
    finally:
        assert client.close() == 0


def test_the_capital_of_france(child):
    answer = child.ask(HELPFUL, CAPITAL)
    assert answer.content == "The capital of France is Paris."
    assert answer.stop_reason is StopReason.END
    said = PromptMessage(role=Role.ASSISTANT, content=answer.content)
    more = child.ask(HELPFUL, CAPITAL, said, PromptMessage(role=Role.USER, content="And of Italy?"))
    assert more.timings.cache_n > 0


def test_a_heartbeat_comes_all_the_time(child):
    beats = [frame for frame in child.frames if isinstance(frame, Heartbeat)]
    request = child.begin("Count to a thousand.", sampling=sampling(max_tokens=400))

    def later() -> list[Heartbeat]:
        return [frame for frame in child.frames if isinstance(frame, Heartbeat)][len(beats) :]

    wait_until(lambda: len(later()) >= 3)
    child.send(Cancel(id=request))
    child.answer(request)
    steps = [beat.steps for beat in later()]
    assert steps == sorted(steps)
    assert steps[-1] > steps[0]
    assert any(beat.step_tokens > 0 for beat in later())


def test_stopped_in_a_long_prefill_the_next_request_is_right(own_child):
    own_child.loaded(smollm2(), threads=THREADS)
    expected = own_child.ask(HELPFUL, CAPITAL).content
    request = own_child.begin(LONG)
    in_prefill(own_child, request)
    own_child.send(Cancel(id=request))
    begun = time.monotonic()
    answer = own_child.answer(request)
    assert answer.stop_reason is StopReason.CANCELLED
    assert answer.phases[-1].done < answer.phases[-1].total
    assert time.monotonic() - begun < 10  # the abort is felt inside a step; it takes milliseconds
    assert own_child.ask(HELPFUL, CAPITAL).content == expected


def test_native_noise_does_not_reach_the_wire(tmp_path):
    """Whatever prints to standard output once the child runs, it lands in the log."""
    noisy = tmp_path / "sitecustomize.py"
    noisy.write_text(
        "import builtins, ctypes, os, sys\n"
        "real = builtins.__import__\n"
        "def noisy(name, *rest, **more):\n"
        "    if name.startswith('llama_cpp'):\n"
        "        os.write(1, b'noise by descriptor\\n')\n"
        "        print('noise by print', flush=True)\n"
        "        libc = ctypes.CDLL(None); libc.puts(b'noise by C'); libc.fflush(None)\n"
        "    return real(name, *rest, **more)\n"
        "if sys.argv[0] == '-m' and 'app.engine.worker' in sys.orig_argv:\n"
        "    builtins.__import__ = noisy\n"
    )
    client = ChildClient(tmp_path / "engine.log", python_path(tmp_path))
    try:
        assert client.hello().mismatch is None
    finally:
        assert client.close() == 0
    log = client.log.read_text()
    for kind in ("descriptor", "print", "C"):
        assert f"noise by {kind}" in log


def test_it_ends_when_the_pipe_closes_in_the_middle_of_a_step(own_child):
    own_child.loaded(smollm2(), threads=THREADS)
    request = own_child.begin(LONG)
    in_prefill(own_child, request)
    children = psutil.Process(own_child.process.pid).children()
    assert children  # the template helper
    assert own_child.close() == 0
    wait_until(lambda: not any(each.is_running() for each in children))


def test_it_ends_when_the_pipe_closes_in_the_middle_of_a_load(own_child):
    own_child.send(Load(plan=plan_of(smollm2(), check_tensors=True)))
    assert own_child.close() == 0


def test_it_ends_when_it_is_told_to(own_child):
    own_child.send(Shutdown())
    assert own_child.process.wait(20) == 0


def test_what_is_no_frame_ends_it_with_an_error(own_child):
    own_child.process.stdin.write(struct.pack("<I", 7) + b"garbage")
    own_child.process.stdin.flush()
    assert own_child.process.wait(20) == 76
    assert "no frame" in own_child.log.read_text()


def test_frames_before_the_handshake_end_it(tmp_path):
    client = ChildClient(tmp_path / "engine.log")
    client.send(CancelLoad())
    client.send(Cancel(id="x"))
    assert client.close() == 0
    assert client.frames == []


def test_another_protocol_is_refused_before_anything_is_loaded(tmp_path):
    client = ChildClient(tmp_path / "engine.log")
    try:
        client.send(Hello(protocol=PROTOCOL + 1))
        assert client.wait_for(HelloReply).mismatch == f"protocol {PROTOCOL}, the host speaks {PROTOCOL + 1}"
        failed = client.load(smollm2())
        assert isinstance(failed, LoadFailed)
        assert failed.notice.code is NoticeCode.ENGINE_MISMATCH
        assert client.ask("hello").notice.code is NoticeCode.ENGINE_MISMATCH
    finally:
        assert client.close() == 0


def test_a_library_that_cannot_be_opened_is_a_mismatch(tmp_path):
    (tmp_path / "llama_cpp").mkdir()
    (tmp_path / "llama_cpp" / "__init__.py").write_text("raise ImportError('built for another processor')")
    client = ChildClient(tmp_path / "engine.log", python_path(tmp_path))
    try:
        assert client.hello().mismatch == "built for another processor"
    finally:
        assert client.close() == 0


def test_a_load_is_cancelled_while_it_runs(own_child):
    plan = plan_of(gemma3(), check_tensors=True)
    own_child.send(Load(plan=plan))
    own_child.send(CancelLoad())
    result = own_child.wait(lambda frame: isinstance(frame, Loaded | LoadFailed))
    assert isinstance(result, LoadFailed)
    assert result.notice.code is NoticeCode.MODEL_LOAD_CANCELLED
    assert own_child.loaded(smollm2(), threads=THREADS).layers == 31


def test_a_request_id_is_used_once_at_a_time(child):
    request = child.begin(HELPFUL, CAPITAL, sampling=sampling(max_tokens=200, temperature=0))
    child._count -= 1
    assert child.begin(HELPFUL, CAPITAL) == request
    assert child.answer(request).content.startswith("The capital of France")
    wait_until(lambda: f"request {request} is here already" in child.log.read_text())


@pytest.mark.slow  # the end-to-end test has ten turns of it too
def test_ten_turns_across_a_sliding_window_with_a_users_template(own_child):
    own_child.loaded(gemma3(), threads=THREADS, context_tokens=2048)
    assert own_child.ask("Hello").notice.code is NoticeCode.MODEL_HAS_NO_TEMPLATE
    facts = " The fox lives near the river and eats berries, mice and now and then a forgotten sandwich." * 3
    chat: list[str] = []
    for turn in range(10):
        chat.append(f"Turn {turn}.{facts}")
        answer = own_child.ask(*chat, chat_template=GEMMA, sampling=sampling(max_tokens=8))
        assert answer.stop_reason in {StopReason.LENGTH, StopReason.END}
        assert (answer.timings.cache_n > 0) == (turn > 0)
        chat.append(answer.content)
    assert answer.timings.cache_n > 600  # more than the window of 512
    assert answer.timings.prompt_n < 100  # only the last turn was evaluated


def test_the_heart_of_the_loop_is_python_for_a_moment_only(child):
    """No figure is asserted; the tokens that were made must have been sent."""
    answer = child.ask("Write a story about a fox.", sampling=sampling(max_tokens=40, temperature=1, seed=1))
    texts = [frame for frame in answer.frames if isinstance(frame, TextGrew)]
    assert len(texts) > 1
    assert answer.timings.predicted_n == 40


@pytest.mark.gpu
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_layer_on_a_software_gpu(tmp_path):
    client = ChildClient(tmp_path / "engine.log", {"GGML_VK_VISIBLE_DEVICES": "0"})
    (tmp_path / "drivers").mkdir()
    try:
        devices = client.hello(driver_cache=str(tmp_path / "drivers")).devices
        gpu = next(device for device in devices if device.kind in {"gpu", "igpu"})
        model = client.loaded(
            smollm2(), gpu_layers=-1, devices=(gpu.name,), context_tokens=512, batch_tokens=64
        )
        assert (model.gpu_layers, model.layers) == (31, 31)
        request = client.begin(HELPFUL, CAPITAL, sampling=GREEDY)
        on_gpu = client.answer(request, seconds=500)
        assert "Paris" in on_gpu.content
        assert any(path.is_file() for path in (tmp_path / "drivers").rglob("*"))  # the shaders
        assert not (Path.home() / ".cache").exists()
        assert client.loaded(smollm2(), threads=THREADS).gpu_layers == 0
        assert client.ask(HELPFUL, CAPITAL).content == on_gpu.content  # and not on the GPU: in time
    finally:
        client.close(60)

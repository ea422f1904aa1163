"""A real process that speaks the engine's wire and plays a script: crashes, hangs, stalls, nonsense.

`launch(script)` gives a `Launch` for `SupervisedEngine`. It works without llama.cpp, so that supervision can
be tested with true pipes, signals and exit codes in milliseconds. A user's message steers it as
`app.engine.script` says (/hold, /long, ...), and these besides; they take effect in decode, after one word:

    /signal NAME    kills itself with that signal
    /exit N TEXT    writes TEXT to stderr and exits with code N
    /garbage        writes bytes that are no frame
    /spin N         computes for N seconds and says nothing, then answers
    /prefill        stays in the middle of prefill, busy, until it is cancelled
    /deaf TEXT      echoes TEXT word by word, every 5 ms, whatever it is told, and ends as if never cancelled

/hang stops all work, in prefill, while the heartbeat goes on: a beating thread proves nothing. As many
requests are answered at once as the plan has slots; of those that wait the most urgent goes first.
"""

from __future__ import annotations

import itertools
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from app.domain.engine import LoadedModel, LoadPlan
from app.domain.generation import Phase, StopReason, Timings
from app.domain.notice import Notice, NoticeCode
from app.domain.value import Value, from_json, to_json
from app.engine import wire
from app.engine.base import Counted, Failed, Finished, GenerateRequest, PhaseMoved, TextGrew
from app.engine.process import Launch
from app.engine.script import Fate, prompt_words, script_for

VARIABLE = "SCRIPTED_CHILD"
LIVES = "lives"  # a file in the working folder: how many children have been started there


class ChildScript(Value):
    """`loads` says how each life's load goes, the last one for all that follow: "ok", "stall" (reports
    half, then nothing), "slow" (reports progress for three seconds), "spin:N" (computes for N seconds and
    reports nothing), "signal:NAME", "fail:CODE" or "until-batch:N" (killed unless the plan's batch is as
    small)."""

    protocol: int = wire.PROTOCOL
    mismatch: str | None = None
    greets: bool = True
    beats: bool = True
    stubborn: bool = False  # ignores Shutdown and the end of its pipe
    noisy: bool = False  # prints to standard output while it loads and with every word
    loads: tuple[str, ...] = ("ok",)


def launch(script: ChildScript | None = None) -> Launch:
    """Returns what starts this child with a script."""

    def start(cwd: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        variables = {**environment, VARIABLE: to_json(script or ChildScript()).decode()}
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.scripted_child"],
            cwd=cwd,
            env=variables,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            start_new_session=True,
        )

    return start


class Child:
    """Reads on the main thread, beats on one, loads on one, and has one for each slot."""

    def __init__(self, script: ChildScript) -> None:
        self._script = script
        self._lock = threading.Lock()
        # As the real one does: what prints to standard output reaches the log, not the wire.
        self._out = os.dup(1)
        os.dup2(2, 1)
        self._loads: queue.SimpleQueue[wire.Load] = queue.SimpleQueue()
        self._requests: queue.PriorityQueue[tuple[int, int, GenerateRequest]] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._stepping = threading.Lock()
        self._cancelled: set[str] = set()
        self._changed = threading.Condition()
        self._steps = 0
        self._step_tokens = 0
        self._step_began = time.monotonic()

    def run(self) -> None:
        threading.Thread(target=self._load_all, daemon=True).start()
        while (body := wire.read_frame(sys.stdin.buffer)) is not None:
            frame = wire.decode_to_child(body)
            if isinstance(frame, wire.Shutdown):
                break
            self._obey(frame)
        while self._script.stubborn:
            signal.pause()

    def _obey(self, frame: wire.ToChild) -> None:
        if isinstance(frame, wire.Hello):
            self._greet(self._script)
        elif isinstance(frame, wire.Cancel | wire.CancelLoad):
            with self._changed:
                self._cancelled.add(frame.id if isinstance(frame, wire.Cancel) else "load")
                self._changed.notify_all()
        elif isinstance(frame, wire.Generate):
            self._requests.put((frame.request.priority, next(self._numbers), frame.request))
        elif isinstance(frame, wire.Count):
            self._say(_size(frame.request))
        elif isinstance(frame, wire.Load):
            self._loads.put(frame)

    def _greet(self, script: ChildScript) -> None:
        if not script.greets:
            return
        mismatch, pid = script.mismatch, os.getpid()
        self._say(wire.HelloReply(protocol=script.protocol, pid=pid, engine="scripted", mismatch=mismatch))
        if script.beats:
            threading.Thread(target=self._beat, daemon=True).start()

    def _load_all(self) -> None:
        while True:
            plan = self._loads.get().plan
            self._load(plan)
            for _ in range(plan.slots):
                threading.Thread(target=self._answer_all, daemon=True).start()

    def _answer_all(self) -> None:
        while True:
            *_, request = self._requests.get()
            self._say(self._answer(request))

    # Loading

    def _load(self, plan: LoadPlan) -> None:
        kind, _, detail = self._script.loads[min(_life(), len(self._script.loads)) - 1].partition(":")
        self._say(wire.LoadProgress(progress=0.5))
        self._make_noise()
        if kind == "slow":
            for step in range(60):
                self._wait("load", 0.05)
                self._say(wire.LoadProgress(progress=0.5 + step / 120))
        elif kind == "spin":
            _spin(float(detail or 3600))
        elif kind == "stall":
            self._wait("load", None)
        elif kind == "signal":
            _die(detail)
        elif kind == "until-batch" and plan.batch_tokens > int(detail):
            _die("SIGKILL")
        elif kind == "fail":
            self._say(wire.LoadFailed(notice=Notice(code=NoticeCode(detail), facts={"detail": "scripted"})))
            return
        self._say(wire.LoadProgress(progress=1.0))
        self._say(wire.Loaded(model=LoadedModel(context_tokens=plan.context_tokens, layers=3, gpu_layers=0)))

    # Answering

    def _answer(self, request: GenerateRequest) -> Finished | Failed:
        script = script_for(request)
        command, _, detail = request.messages[-1].content.partition(" ")
        if script.fate == Fate.FAIL:
            return Failed(id=request.id, notice=Notice(code=NoticeCode.TEMPLATE_FAILED))
        self._say(PhaseMoved(id=request.id, phase=Phase.PREFILL, done=0, total=64))
        self._step(32)
        if script.fate == Fate.HANG:
            with self._stepping:  # nobody else goes on either
                self._step_tokens = 32
                threading.Event().wait()
        while command == "/prefill" and not self._is_cancelled(request.id):
            self._say(PhaseMoved(id=request.id, phase=Phase.PREFILL, done=32, total=64))
            self._step(32)
            self._wait(request.id, 0.05)
        self._say(PhaseMoved(id=request.id, phase=Phase.PREFILL, done=64, total=64))
        self._say(PhaseMoved(id=request.id, phase=Phase.DECODE))
        for word in script.answer:
            if self._is_cancelled(request.id) and command != "/deaf":
                break
            self._wait(request.id, script.pause_s or (0.005 if command == "/deaf" else 0))
            self._step(1)
            self._say(TextGrew(id=request.id, content=word))
            self._make_noise()
            self._misbehave(command, detail)
        while script.fate == Fate.HOLD and not self._is_cancelled(request.id):
            self._step(1)  # held, not hung
            self._wait(request.id, 0.05)
        is_cancelled = self._is_cancelled(request.id) and command != "/deaf"
        reason = StopReason.CANCELLED if is_cancelled else script.stop_reason
        return Finished(id=request.id, stop_reason=reason, timings=Timings(predicted_n=len(script.answer)))

    def _misbehave(self, command: str, detail: str) -> None:
        if command in ("/signal", "/crash"):
            _die(detail if command == "/signal" else "SIGSEGV")
        elif command == "/exit":
            code, _, text = detail.partition(" ")
            print(text, file=sys.stderr, flush=True)
            os._exit(int(code))
        elif command == "/garbage":
            with self._lock:
                _write_all(self._out, b"llama_model_loader: loaded meta data with 31 key-value pairs\n")
            threading.Event().wait()
        elif command == "/spin":
            _spin(float(detail))

    def _step(self, tokens: int) -> None:
        with self._stepping:
            self._step_tokens, self._step_began = tokens, time.monotonic()
            self._steps += 1
            self._step_tokens = 0

    # Saying and waiting

    def _beat(self) -> None:
        while True:
            running_ms = (time.monotonic() - self._step_began) * 1000 if self._step_tokens else 0.0
            self._say(wire.Heartbeat(steps=self._steps, step_tokens=self._step_tokens, step_ms=running_ms))
            time.sleep(0.05)

    def _say(self, frame: wire.FromChild) -> None:
        with self._lock:
            _write_all(self._out, wire.encode(frame))

    def _make_noise(self) -> None:
        if self._script.noisy:
            print("noise from native code", flush=True)

    def _is_cancelled(self, request_id: str) -> bool:
        return request_id in self._cancelled

    def _wait(self, request_id: str, seconds: float | None) -> None:
        with self._changed:
            if seconds != 0:
                self._changed.wait_for(lambda: self._is_cancelled(request_id), seconds)


def _size(request: GenerateRequest) -> Counted | Failed:
    script = script_for(request)
    if script.fate == Fate.CRASH:
        _die("SIGSEGV")
    if script.fate == Fate.FAIL:
        return Failed(id=request.id, notice=Notice(code=NoticeCode.TEMPLATE_FAILED))
    return Counted(id=request.id, tokens=len(prompt_words(request)), context_tokens=4096)


def _die(name: str) -> None:
    os.kill(os.getpid(), signal.Signals[name])
    threading.Event().wait()  # another thread may be the one that is told


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _life() -> int:
    with Path(LIVES).open("ab") as lives:
        lives.write(b".")
    return Path(LIVES).stat().st_size


def _spin(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1000))


if __name__ == "__main__":
    Child(from_json(os.environ[VARIABLE], ChildScript)).run()
    os._exit(0)

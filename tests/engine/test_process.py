"""One child's pipes, threads and end, with true processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from app.engine import process as process_module
from app.engine.process import ChildProcess, ExitFacts, launch_engine
from app.engine.wire import CancelLoad, FromChild, Hello, HelloReply, Load, LoadProgress
from app.spawn import engine_environment
from tests.engine.stage import PLAN
from tests.fakes.scripted_child import ChildScript, launch
from tests.waiting import wait_until


class Watched:
    """A child with what it said and how it ended."""

    def __init__(self, child: subprocess.Popen[bytes], log_path: Path) -> None:
        self.frames: list[FromChild] = []
        self.exits: list[ExitFacts] = []
        self.threads_at_exit: list[str] = []
        self.child = ChildProcess(
            child,
            log_path=log_path,
            on_frame=lambda _, frame: self.frames.append(frame),
            on_exit=lambda _, facts: self.exits.append(facts),
        )

    def end(self) -> ExitFacts:
        assert self.child.join(20)
        assert len(self.exits) == 1
        return self.exits[0]

    def wait_for(self, kind: type) -> FromChild:
        return wait_until(lambda: next((f for f in self.frames if isinstance(f, kind)), None), what=str(kind))


@pytest.fixture
def folder(home: Path) -> Path:
    home.mkdir(parents=True)
    return home


def scripted(folder: Path, **script: object) -> Watched:
    return Watched(launch(ChildScript(**script))(folder, engine_environment()), folder / "engine.log")


def python(folder: Path, code: str) -> Watched:
    pipe = subprocess.PIPE
    argv = [sys.executable, "-c", code]
    child = subprocess.Popen(
        argv,
        cwd=folder,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        env=engine_environment(),
        start_new_session=True,
    )
    return Watched(child, folder / "engine.log")


def test_frames_go_both_ways(folder: Path):
    watched = scripted(folder)
    watched.child.send(Hello())
    assert watched.wait_for(HelloReply).pid == watched.child.pid
    watched.child.end()
    assert watched.end() == ExitFacts(code=0)


def test_a_child_ends_when_its_pipe_closes(folder: Path):
    watched = python(folder, "import sys; sys.stdin.buffer.read(); sys.exit(7)")
    watched.child.end()
    assert watched.end().code == 7


def test_a_kill_tells_its_signal(folder: Path):
    watched = scripted(folder)
    watched.child.send(Hello())
    watched.wait_for(HelloReply)
    watched.child.kill()
    assert watched.end() == ExitFacts(signal="SIGKILL")
    watched.child.kill()  # harmless now
    watched.child.send(CancelLoad())
    assert watched.child.life_signs() is None


def test_a_stopped_child_can_be_killed_and_never_blocks_who_writes(folder: Path):
    watched = scripted(folder)
    watched.child.send(Hello())
    watched.wait_for(HelloReply)
    os.kill(watched.child.pid, signal.SIGSTOP)
    for _ in range(50):
        watched.child.send(Hello(helper_argv=("x" * 100_000,)))
    watched.child.kill()
    assert watched.end().signal == "SIGKILL"


def test_the_last_words_are_kept_and_logged(folder: Path):
    watched = python(folder, "import sys; sys.stderr.write('a' * 20000 + 'the end'); sys.exit(3)")
    facts = watched.end()
    assert facts.code == 3
    assert facts.stderr_tail.endswith("the end")
    assert len(facts.stderr_tail) == process_module.TAIL_BYTES
    assert (folder / "engine.log").read_text().endswith("the end")


def test_a_flood_of_words_is_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(process_module, "LOGGED_BYTES", 1000)
    watched = python(folder, "import sys; sys.stderr.write('a' * 3_000_000 + 'the end')")
    assert watched.end().stderr_tail.endswith("the end")
    assert (folder / "engine.log").stat().st_size < 100_000


def test_a_long_log_makes_room(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(process_module, "LOG_FILE_BYTES", 10)
    for word in ("first-child ", "second-child "):
        python(folder, f"import sys; sys.stderr.write({word!r} * 2)").end()
    assert (folder / "engine.log").read_text() == "second-child " * 2
    assert (folder / "engine.old.log").read_text() == "first-child " * 2


def test_a_log_that_cannot_be_written_is_no_reason_to_fail(folder: Path):
    (folder / "engine.log").mkdir()
    watched = python(folder, "import sys; sys.stderr.write('words')")
    assert watched.end().stderr_tail == "words"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("b'llama_model_loader: loaded'", "announced"),
        ("b'\\x04\\x00\\x00\\x00null'", ""),
        ("b'\\x09'", "cut"),
    ],
)
def test_nonsense_on_the_wire_ends_the_child(folder: Path, words: str, error: str):
    code = f"import sys, signal; o = sys.stdout.buffer; o.write({words}); o.flush(); o.close()\n"
    watched = python(folder, code + ("" if error == "cut" else "signal.pause()"))
    facts = watched.end()
    assert facts.wire_error
    assert error in facts.wire_error


def test_what_was_said_before_the_end_is_heard_before_it(folder: Path):
    watched = scripted(folder, loads=("signal:SIGSEGV",))
    watched.child.send(Hello())
    watched.child.send(Load(plan=PLAN))
    assert watched.end().signal == "SIGSEGV"
    assert isinstance(watched.frames[-1], LoadProgress)


def test_helpers_of_a_child_go_with_it(folder: Path):
    code = "import subprocess, sys, signal\n"
    code += "p = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
    code += "print(p.pid, file=sys.stderr, flush=True)\nsignal.pause()"
    watched = python(folder, code)
    helper = psutil.Process(
        int(
            wait_until(
                lambda: (folder / "engine.log").exists() and (folder / "engine.log").read_text().strip()
            )
        )
    )
    os.kill(watched.child.pid, signal.SIGKILL)
    watched.end()
    wait_until(lambda: not helper.is_running() or helper.status() == psutil.STATUS_ZOMBIE)


def test_signs_of_life_grow_with_work_and_with_reading(folder: Path):
    code = "import sys\nsys.stdin.buffer.read(1)\nx = open('big', 'rb').read()\nwhile True: sum(range(1000))"
    (folder / "big").write_bytes(bytes(1_000_000))
    watched = python(folder, code)
    before = wait_until(watched.child.life_signs)
    watched.child.send(CancelLoad())

    def has_worked() -> bool:
        now = watched.child.life_signs()
        return (
            now is not None and now.cpu_s > before.cpu_s + 0.1 and now.io_bytes > before.io_bytes + 1_000_000
        )

    wait_until(has_worked)
    watched.child.kill()
    watched.end()


def test_nothing_is_left(folder: Path):
    before = set(threading.enumerate())
    open_before = psutil.Process().num_fds()
    for _ in range(3):
        watched = scripted(folder)
        watched.child.end()
        watched.end()
    assert set(threading.enumerate()) <= before
    assert psutil.Process().num_fds() == open_before


def test_a_child_without_pipes_is_a_mistake():
    with pytest.raises(ValueError, match="needs pipes"):
        process_module._pipe(None)


def test_signals_without_a_name():
    assert process_module._signal_name(250) == "signal 250"


def test_the_real_child_greets(folder: Path):
    watched = Watched(launch_engine(folder, engine_environment()), folder / "engine.log")
    watched.child.send(Hello())
    reply = watched.wait_for(HelloReply)
    assert (reply.pid, reply.mismatch) == (watched.child.pid, None)
    watched.child.end()
    assert watched.end().code == 0

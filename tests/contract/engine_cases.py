"""The engines of the contract suite behind one face: how each is opened, asked and brought into trouble.

`scripted` plays in this process; `scripted-child` and `real` are processes under the same supervision, the
one playing a script, the other llama.cpp with SmolLM2. `tiny` is the real one too, with a tiny model that
talks nonsense fast enough for several at once. Each kind of trouble happens to the first child only.
"""

from __future__ import annotations

import random
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

import psutil

from app.domain.engine import EngineState, EngineStatus, LoadPlan
from app.domain.generation import Sampling
from app.domain.notice import NoticeCode
from app.engine.base import Engine, GenerateRequest, OnStatus, PhaseMoved, RequestEvent
from app.engine.client import LOG_NAME, SupervisedEngine
from app.engine.scripted import ScriptedEngine
from app.engine.silence import Limits
from app.paths import Paths
from tests.fakes.listener import Listener, request_for
from tests.fakes.scripted_child import ChildScript, launch
from tests.fakes.tiny_models import tiny_model
from tests.models import smollm2
from tests.waiting import wait_until

SHIM_SOURCE = Path(__file__).parent.parent / "fakes" / "gguf_shim.c"
NOISE = "noise from native code"
# Quick enough for a test; the first step is given time because a busy machine may be slow.
QUICK = Limits(silent_s=1.0, first_step_s=20.0, load_silent_s=1.2, start_silent_s=20.0, tick_s=0.05)
LOOP = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
HOSTILE_TEMPLATES = {
    "loops": LOOP,
    "giant-strings": "{% set s = 'a' * 100000000 %}{{ s * 100 }}",
    "attributes": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
}


class Opened:
    """One engine with everything it said of itself."""

    def __init__(self, case: EngineCase, home: Path) -> None:
        self.case = case
        self.paths = Paths(home)
        self.paths.make()
        self.statuses: list[EngineStatus] = []
        self.engine: Engine

    def ask(self, request: GenerateRequest) -> Listener:
        listener = Listener()
        listener.request = request
        self.engine.generate(request, listener)
        return listener

    def wait_for_status(self, matches: Callable[[EngineStatus], bool], what: str) -> EngineStatus:
        wait_until(lambda: matches(self.engine.status), 60, what)
        return self.engine.status

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(wait_until(lambda: self.engine.status.pid, what="a pid"))

    @property
    def log(self) -> str:
        return (self.paths.logs / LOG_NAME).read_text(errors="replace")

    def check_next_is_answered(self) -> None:
        asked = self.ask(self.case.question())
        assert asked.end(60).__class__.__name__ == "Finished", asked.events
        assert asked.text


class EngineCase(ABC):
    """One kind of engine. `trouble` is "", "slow-load", "stalled-load", "noise", "cut" or "random"."""

    name: str

    @abstractmethod
    def open(self, home: Path, trouble: str = "") -> Opened: ...

    @abstractmethod
    def question(self) -> GenerateRequest:
        """Is answered soon."""

    @abstractmethod
    def endless(self) -> GenerateRequest:
        """Is still being answered when a test has seen its first words."""

    def talking(self, text: str, words: int = 1000) -> GenerateRequest:
        """Says so many words one after the other; `text` makes it one of several."""
        return request_for(f"/slow 10 {text} " * words, sampling=Sampling(max_tokens=words))

    def long_prompt(self) -> GenerateRequest:
        """Is in prefill for long."""
        return request_for("/prefill")

    def hostile(self, template: str) -> tuple[GenerateRequest, set[NoticeCode]]:
        """Returns a request that must fail on its template, and how it may."""
        return request_for("/fail"), {NoticeCode.TEMPLATE_FAILED}

    def mend(self, opened: Opened) -> None:
        """Does what a person would do about a bad file; a script mends itself."""
        del opened


class ScriptedCase(EngineCase):
    name = "scripted"

    def open(self, home: Path, trouble: str = "") -> Opened:
        opened = Opened(self, home)
        plan = LoadPlan(model_id="m", model_path="/models/m.gguf")
        opened.engine = ScriptedEngine(plan, opened.statuses.append)
        return opened

    def question(self) -> GenerateRequest:
        return request_for("What is the capital of France?")

    def endless(self) -> GenerateRequest:
        return request_for("/hold these words")


class ScriptedChildCase(ScriptedCase):
    name = "scripted-child"
    loads = {
        "slow-load": ("slow", "ok"),
        "stalled-load": ("stall", "ok"),
        "cut": ("fail:model-corrupt", "ok"),
        "random": ("fail:model-corrupt", "ok"),
    }

    def open(self, home: Path, trouble: str = "") -> Opened:
        opened = Opened(self, home)
        script = ChildScript(loads=self.loads.get(trouble, ("ok",)), noisy=trouble == "noise")
        opened.engine = SupervisedEngine(
            LoadPlan(model_id="m", model_path="/models/m.gguf"),
            opened.statuses.append,
            paths=opened.paths,
            limits=QUICK,
            launch=launch(script),
        )
        return opened


class RealCase(EngineCase):
    name = "real"
    context_tokens = 4096
    park_bytes = 64 * 1024**2
    limits = QUICK
    shim = {
        "slow-load": {"SHIM_READ_MS": "12"},
        "stalled-load": {"SHIM_READ_MS": "5", "SHIM_STALL_AFTER": "60"},
        "noise": {"SHIM_NOISE": "1"},
    }

    def open(self, home: Path, trouble: str = "") -> Opened:
        opened = Opened(self, home)
        opened.engine = self.engine(opened.paths, opened.statuses.append, trouble)
        return opened

    def engine(self, paths: Paths, on_status: OnStatus, trouble: str) -> Engine:
        settings = self.shim.get(trouble, {})
        path = _spoiled(paths, trouble) if trouble in ("cut", "random") else self.model()
        plan = LoadPlan(
            model_id="m",
            model_path=str(path),
            context_tokens=self.context_tokens,
            memory_map=not settings,
            park_bytes=self.park_bytes,
        )
        return SupervisedEngine(
            plan,
            on_status,
            paths=paths,
            limits=self.limits,
            environment=_shim_environment(paths, settings) if settings else {},
        )

    def model(self) -> Path:
        return smollm2()

    def question(self) -> GenerateRequest:
        return request_for("What is the capital of France?", sampling=Sampling(temperature=0, max_tokens=4))

    def endless(self) -> GenerateRequest:
        return request_for("Tell me a very long story.", sampling=Sampling(temperature=0, seed=1))

    def talking(self, text: str, words: int = 1_000_000) -> GenerateRequest:
        return request_for(text, sampling=Sampling(temperature=0, max_tokens=words))

    def long_prompt(self) -> GenerateRequest:
        return request_for(_words(3000), sampling=Sampling(temperature=0, max_tokens=4))

    def hostile(self, template: str) -> tuple[GenerateRequest, set[NoticeCode]]:
        codes = {NoticeCode.TEMPLATE_FAILED, NoticeCode.TEMPLATE_TOO_COSTLY}
        return request_for("Hello", chat_template=template), codes

    def mend(self, opened: Opened) -> None:
        shutil.copyfile(smollm2(), opened.engine.status.plan.model_path)


class TinyCase(RealCase):
    name = "tiny"
    context_tokens = 32768

    def model(self) -> Path:
        return tiny_model("llama", trained=self.context_tokens, weights="F32")

    def long_prompt(self) -> GenerateRequest:
        return request_for(_words(5000), sampling=Sampling(temperature=0, max_tokens=4))


_ALL = (ScriptedCase(), ScriptedChildCase(), RealCase(), TinyCase())
BY_NAME: dict[str, EngineCase] = {case.name: case for case in _ALL}
CASES = {name: case for name, case in BY_NAME.items() if name != "tiny"}
CHILDREN = [name for name in CASES if name != "scripted"]


def is_in_prefill(event: RequestEvent) -> bool:
    return isinstance(event, PhaseMoved) and 0 < event.done < event.total


def is_loading(status: EngineStatus) -> bool:
    return status.state == EngineState.LOADING and 0 < status.progress < 1


def _words(count: int) -> str:
    return " ".join(
        random.Random(1).choices(("river", "stone", "cloud", "seven", "letter", "green"), k=count)
    )


def _spoiled(paths: Paths, trouble: str) -> Path:
    whole, path = smollm2(), paths.models / f"{trouble}.gguf"
    if trouble == "cut":
        path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    else:
        path.write_bytes(random.Random(1).randbytes(1_000_000))
    return path


def _shim_environment(paths: Paths, settings: dict[str, str]) -> dict[str, str]:
    library, once = paths.home / "shim.so", paths.home / "shim-once"
    if not library.exists():
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, SHIM_SOURCE, "-ldl"], check=True)
    once.touch()
    # It removes a file, which a confined child could not.
    free = {"COVE_ENGINE_WRITABLE": str(paths.home)}
    return {"LD_PRELOAD": str(library), "SHIM_ONCE": str(once), **free, **settings}

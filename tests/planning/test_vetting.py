"""Files are looked at once before an engine is given them, and once more when they have changed."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from app.domain.engine import EngineState, EngineStatus, LoadPlan
from app.domain.model import Model, ModelOptions, ModelSource, Vetted
from app.domain.notice import NoticeCode
from app.engine.base import Engine, OnStatus
from app.engine.scripted import ScriptedEngine
from app.errors import KnownError
from app.models.validate import stamp
from app.planning import vetting
from app.planning.vetting import Vetting
from tests.fakes.gguf_file import gguf_bytes


class Gate:
    """A vetting of one model, and what came through."""

    def __init__(self, path: Path, **fields: object) -> None:
        self.path = path
        self.model = Model(id="m", name="m", path=str(path), size_bytes=1, **fields)
        self.templates: list[str] = []
        self.plans: list[LoadPlan] = []
        self.heard: list[EngineStatus] = []
        self.engine_says: OnStatus = self.heard.append
        self.gate = Vetting(self, self._make, self.templates.append)

    def get(self, model_id: str) -> Model | None:
        return self.model if model_id == "m" else None

    def set_vetted(self, model_id: str, vetted: Vetted) -> None:
        self.model = msgspec.structs.replace(self.model, vetted=vetted)

    def _make(self, plan: LoadPlan, on_status: OnStatus) -> Engine:
        self.plans.append(plan)
        self.engine_says = on_status
        return ScriptedEngine(plan, on_status)

    def load(self, state: EngineState = EngineState.READY, model_id: str = "m") -> None:
        self.gate(LoadPlan(model_id=model_id, model_path=str(self.path)), self.heard.append)
        self.engine_says(EngineStatus(model_id=model_id, state=state))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "m.gguf"
    path.write_bytes(gguf_bytes())
    return path


def test_a_file_is_looked_at_once(path: Path, monkeypatch: pytest.MonkeyPatch):
    looks: list[list[Path]] = []
    monkeypatch.setattr(vetting, "validate", looks.append)
    gate = Gate(path)
    gate.load()
    gate.load()
    assert (looks, gate.templates) == ([[path]], ["{{ messages }}"])
    assert gate.model.vetted == Vetted(header=stamp([path]), template=stamp([path]))
    os.utime(path, ns=(1, 1))
    gate.load()
    assert len(looks) == len(gate.templates) == 2


def test_a_file_that_is_refused_reaches_no_engine(path: Path):
    path.write_bytes(gguf_bytes(more={"llama.block_count": 600}))
    gate = Gate(path)
    with pytest.raises(KnownError) as caught:
        gate.load()
    assert caught.value.notice.code is NoticeCode.MODEL_REFUSED
    assert (gate.plans, gate.model.vetted) == ([], Vetted())


def test_a_template_that_is_refused_reaches_no_engine(path: Path):
    gate = Gate(path)

    def refuse(_template: str) -> None:
        raise KnownError.of(NoticeCode.TEMPLATE_FAILED, detail="x")

    gate.gate = Vetting(gate, gate._make, refuse)
    with pytest.raises(KnownError):
        gate.load()
    assert gate.plans == []


def test_a_person_s_own_template_takes_its_place(path: Path):
    gate = Gate(path, options=ModelOptions(chat_template="{{ mine }}"))
    gate.load()
    assert (gate.templates, gate.model.vetted.template) == ([], "")


def test_what_was_downloaded_has_its_weights_checked_once(path: Path):
    gate = Gate(path, source=ModelSource(repo="me/m"))
    gate.load()
    assert gate.model.vetted.tensors == stamp([path])
    gate.load()
    assert [plan.check_tensors for plan in gate.plans] == [True, False]
    assert len(gate.heard) == 2  # the listener hears all of it


def test_weights_that_did_not_load_are_checked_again(path: Path):
    gate = Gate(path, source=ModelSource(repo="me/m"))
    gate.load(EngineState.FAILED)
    gate.load()
    assert [plan.check_tensors for plan in gate.plans] == [True, True]


def test_weights_of_a_person_s_own_file_are_not_checked(path: Path):
    gate = Gate(path)
    gate.load()
    assert [plan.check_tensors for plan in gate.plans] == [False]


def test_a_file_that_is_gone_is_for_the_engine_to_say(path: Path):
    path.unlink()
    gate = Gate(path)
    gate.load()
    gate.load(model_id="another")
    assert len(gate.plans) == 2

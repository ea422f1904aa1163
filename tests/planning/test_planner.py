"""Plans of models that are here."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.engine import Adapter, Buffer, BufferKind, LoadPlan
from app.domain.model import Model, ModelOptions
from app.domain.notice import NoticeCode
from app.engine.wire import Measured
from app.errors import KnownError
from app.planning.planner import Planner
from tests.fakes.published import SHAPES, hollow_bytes
from tests.planning.tables import GIB, TABLES, machine

FREE = ModelOptions()
SMALL_CARD, NO_CARD = machine(TABLES["8 GB"]), machine(())


class Runs:
    """A dry run that says what it is told to, and remembers what it was asked."""

    def __init__(self, *answers: Measured | KnownError | None) -> None:
        self.asked: list[LoadPlan] = []
        self._answers = list(answers)

    def __call__(self, plan: LoadPlan) -> Measured | None:
        self.asked.append(plan)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, KnownError):
            raise answer
        return answer


def measured(gpu_bytes: int) -> Measured:
    return Measured(buffers=(Buffer(device="G0", kind=BufferKind.COMPUTE, size_bytes=gpu_bytes),))


@pytest.fixture
def model(tmp_path: Path) -> Model:
    path = tmp_path / "m.gguf"
    header, length = hollow_bytes(SHAPES["r1-qwen-14b"])
    path.write_bytes(header)
    with path.open("r+b") as file:
        file.truncate(length)
    return Model(id="m", name="m", path=str(path), size_bytes=length, layers=48)


def test_without_a_card_nothing_is_asked(model):
    runs = Runs(measured(GIB))
    plan = Planner(runs).plan(model, FREE, NO_CARD)
    assert (plan.gpu_layers, plan.model_path, runs.asked) == (0, model.path, [])


def test_what_is_not_searched_for_is_passed_on(model):
    adapters = (Adapter(path="/a.gguf", scale=0.5),)
    plan = Planner().plan(model, ModelOptions(threads=3, adapters=adapters), SMALL_CARD)
    assert (plan.threads, plan.adapters) == (3, adapters)


def test_what_llama_cpp_wants_beyond_the_estimate_costs_layers(model):
    plain = Planner(Runs(None)).plan(model, FREE, SMALL_CARD)
    runs = Runs(measured(2 * GIB))
    plan = Planner(runs).plan(model, FREE, SMALL_CARD)
    assert plan.gpu_layers < plain.gpu_layers
    assert [asked.gpu_layers for asked in runs.asked] == [plain.gpu_layers, plan.gpu_layers]


def test_the_same_is_asked_once(model):
    runs = Runs(measured(1))
    planner = Planner(runs)
    assert planner.plan(model, FREE, SMALL_CARD) == planner.plan(model, FREE, SMALL_CARD)
    assert planner.placement(model, FREE, SMALL_CARD).is_measured
    assert len(runs.asked) == 1
    planner.plan(model, ModelOptions(context_tokens=512), SMALL_CARD)
    assert len(runs.asked) == 2


def test_what_is_known_of_one_model_is_not_said_of_another(model, tmp_path):
    other = tmp_path / "other.gguf"
    header, length = hollow_bytes(SHAPES["r1-llama-8b"])
    other.write_bytes(header)
    with other.open("r+b") as file:
        file.truncate(length)
    runs = Runs(measured(1))
    planner = Planner(runs)
    some = ModelOptions(gpu_layers=5)
    for each in (model, Model(id="o", name="o", path=str(other), size_bytes=length)):
        planner.plan(each, some, SMALL_CARD)
    assert [asked.model_id for asked in runs.asked] == ["m", "o"]


def test_a_file_that_changed_is_read_again(model):
    planner = Planner(Runs(measured(1)))
    before = planner.placement(model, FREE, SMALL_CARD)
    header, length = hollow_bytes(SHAPES["r1-qwen-1.5b"])
    Path(model.path).write_bytes(header)
    with Path(model.path).open("r+b") as file:
        file.truncate(length)
    assert planner.placement(model, FREE, SMALL_CARD).all_layers == 29 < before.all_layers


def test_a_dry_run_that_cannot_be_had_leaves_an_estimate(model):
    placement = Planner(Runs(None)).placement(model, FREE, SMALL_CARD)
    assert not placement.is_measured
    assert placement.gpu_layers > 0


def test_what_would_fail_a_load_is_said_of_a_placement_but_not_of_a_plan(model):
    refusal = KnownError.of(NoticeCode.MODEL_UNSUPPORTED, architecture="x")
    assert Planner(Runs(refusal)).plan(model, FREE, SMALL_CARD).gpu_layers > 0
    with pytest.raises(KnownError):
        Planner(Runs(refusal)).placement(model, FREE, SMALL_CARD)


def test_a_file_that_is_gone_is_planned_by_what_was_known_of_it():
    gone = Model(id="g", name="g", path="/nowhere/g.gguf", size_bytes=9 * GIB, layers=48)
    plan = Planner().plan(gone, FREE, SMALL_CARD)
    assert 0 < plan.gpu_layers < 49
    with pytest.raises(KnownError) as caught:
        Planner().placement(gone, FREE, SMALL_CARD)
    assert caught.value.notice.code is NoticeCode.MODEL_FILE_MISSING

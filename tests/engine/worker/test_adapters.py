from __future__ import annotations

import math
from pathlib import Path

import pytest

from app.domain.engine import Adapter
from app.domain.notice import Action, NoticeCode
from app.engine.wire import LoadFailed
from app.engine.worker.model import load_model
from app.errors import KnownError
from tests.engine.worker.childclient import ChildClient
from tests.engine.worker.conftest import THREADS, plan_of
from tests.engine.worker.workbench import Workbench, sampling
from tests.fakes.lora_file import write_adapter
from tests.fakes.tiny_models import Shape, tiny_model

pytestmark = pytest.mark.llama
SHAPE = Shape("llama")


@pytest.fixture(scope="module")
def adapter(tmp_path_factory) -> Path:
    return write_adapter(tmp_path_factory.mktemp("lora") / "style.gguf", SHAPE)


def said(library, *adapters: Adapter) -> str:
    plan = plan_of(tiny_model("llama"), reference=True, adapters=adapters)
    model = load_model(library, plan, lambda _progress: None, lambda: False)
    try:
        bench = Workbench(library, model)
        answer = bench.ask("Why is it?", sampling=sampling(max_tokens=12))
        bench.close()
    finally:
        model.close()
    return answer.content


def test_an_adapter_changes_the_words_as_much_as_it_counts(library, adapter):
    plain = said(library)
    assert said(library, Adapter(path=str(adapter), scale=0.0)) == plain
    changed = said(library, Adapter(path=str(adapter)))
    assert changed != plain
    halves = (Adapter(path=str(adapter), scale=0.5), Adapter(path=str(adapter), scale=0.5))
    assert said(library, *halves) == changed


def refused(library, adapter: Adapter) -> KnownError:
    with pytest.raises(KnownError) as caught:
        said(library, adapter)
    return caught.value


def test_what_is_no_adapter_for_this_model_is_said(library, tmp_path, adapter, expect_log):
    missing = refused(library, Adapter(path=str(tmp_path / "none.gguf")))
    assert missing.notice.code is NoticeCode.ADAPTER_FAILED
    assert missing.notice.facts["path"] == str(tmp_path / "none.gguf")
    (tmp_path / "text.gguf").write_text("hello")
    assert refused(library, Adapter(path=str(tmp_path / "text.gguf"))).notice.facts["detail"] == "no GGUF"
    assert "scale" in str(refused(library, Adapter(path=str(adapter), scale=math.nan)).notice.facts["detail"])
    expect_log("llama")
    other = write_adapter(tmp_path / "other.gguf", Shape("llama", embedding=64))
    assert refused(library, Adapter(path=str(other))).notice.code is NoticeCode.ADAPTER_FAILED
    foreign = write_adapter(tmp_path / "foreign.gguf", SHAPE, architecture="qwen2")
    assert "arch" in str(refused(library, Adapter(path=str(foreign))).notice.facts["detail"])
    model = refused(library, Adapter(path=str(tiny_model("llama"))))
    assert model.notice.actions == (Action.RETRY, Action.CHOOSE_MODEL)


def test_a_plan_names_the_files_of_its_adapters(adapter):
    plan = plan_of(tiny_model("llama"), adapters=(Adapter(path=str(adapter)),))
    assert plan.files == (plan.model_path, str(adapter))


def test_a_confined_child_reads_its_adapter_and_survives_a_bad_one(own_child, adapter, tmp_path):
    path = tiny_model("llama")
    plain = own_child.loaded(path, threads=THREADS, reference=True)
    answer = own_child.ask("Why is it?").content
    own_child.loaded(path, threads=THREADS, reference=True, adapters=(Adapter(path=str(adapter)),))
    assert own_child.ask("Why is it?").content != answer
    failed = own_child.load(path, threads=THREADS, adapters=(Adapter(path=str(tmp_path / "none")),))
    assert isinstance(failed, LoadFailed)
    assert failed.notice.code is NoticeCode.ADAPTER_FAILED
    assert own_child.loaded(path, threads=THREADS, reference=True).layers == plain.layers
    assert own_child.ask("Why is it?").content == answer


def test_a_plan_s_files_are_all_that_a_confined_child_needs(adapter, tmp_path):
    plan = plan_of(tiny_model("llama"), adapters=(Adapter(path=str(adapter)),))
    client = ChildClient(tmp_path / "engine.log")
    try:
        client.hello(files=(*plan.files, str(tmp_path / "missing")))
        assert client.loaded(Path(plan.model_path), threads=THREADS, adapters=plan.adapters).layers
    finally:
        client.close()

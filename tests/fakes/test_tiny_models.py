"""Every tiny model loads in a real engine child, answers, and is what its header says."""

from __future__ import annotations

import pytest

from app.domain.chat import Role
from app.domain.generation import StopReason
from app.engine.base import PromptMessage
from app.models.gguf import read_header
from tests.engine.worker.childclient import ChildClient
from tests.engine.worker.conftest import THREADS, plan_of
from tests.engine.worker.workbench import Workbench, sampling
from tests.fakes.tiny_models import ARCHITECTURES, HYBRID, RECURRENT, WINDOWED, tiny_model
from tests.fakes.tiny_models.shape import THINKING
from tests.fakes.tiny_models.vocabulary import MARKS, byte_letters, vocabulary

MEGABYTE = 1024 * 1024
EVERYTHING = bytes(range(256)).decode("latin-1") + "Phở 中文 🍜 the animals"


@pytest.fixture
def child(tmp_path):
    client = ChildClient(tmp_path / "engine.log")
    client.hello()
    yield client
    assert client.close() == 0


@pytest.mark.llama
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_it_loads_in_a_child_and_its_answer_hangs_on_the_prompt(child, architecture):
    path = tiny_model(architecture)
    model = child.loaded(path, threads=THREADS, reference=True)
    assert (model.layers, model.has_template) == (5, True)
    first = child.ask("Hello there, tell me a story.")
    assert first.stop_reason is StopReason.LENGTH
    assert len(set(first.content.split())) > 3
    assert child.ask("Hello here, tell me a story.").content != first.content
    assert child.ask("Hello there, tell me a story.").content == first.content


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_its_header_is_what_was_asked_for(architecture):
    path = tiny_model(architecture, layers=2, trained=512, vocabulary=600)
    header = read_header(path)
    assert header.architecture == architecture
    facts = header.metadata
    assert facts[f"{architecture}.block_count"] == 2
    assert facts[f"{architecture}.context_length"] == 512
    assert next(t for t in header.tensors if t.name == "token_embd.weight").shape == (128, 600)
    assert path.stat().st_size < 5 * MEGABYTE


@pytest.mark.parametrize("weights", ["F32", "F16", "Q8_0", "Q4_0"])
def test_its_weights_are_kept_as_asked_for(library, weights):
    path = tiny_model("llama", weights=weights, tied=True)
    kinds = {tensor.name: tensor.kind for tensor in read_header(path).tensors}
    assert kinds["blk.0.ffn_up.weight"] == weights
    assert kinds["output_norm.weight"] == "F32"
    assert "output.weight" not in kinds


def test_it_is_made_once_and_always_the_same(monkeypatch, tmp_path):
    first = tiny_model("qwen35")
    stamp = first.stat().st_mtime_ns
    assert tiny_model("qwen35") == first
    assert first.stat().st_mtime_ns == stamp
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    again = tiny_model("qwen35")
    assert (again != first, again.read_bytes()) == (True, first.read_bytes())
    assert tiny_model("qwen35", seed=1).read_bytes() != first.read_bytes()
    assert not list(tmp_path.rglob("*.gguf?*"))


@pytest.mark.llama
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_it_loads_in_other_sizes(bench_of, architecture):
    sizes = {"layers": 3, "embedding": 192, "heads": 6, "kv_heads": 3, "experts": 5, "experts_used": 3}
    bench = bench_of(architecture, **sizes, vocabulary=600, weights="Q8_0")
    assert (bench.desk.model.layers, bench.desk.model.vocabulary.size) == (4, 600)
    assert len(bench.ask("Hello there").content) > 16


@pytest.mark.llama
def test_one_that_may_end_does(bench_of):
    bench = bench_of("llama", may_end=True)
    ends = [bench.ask(f"Question {n}", sampling=sampling(max_tokens=200)).stop_reason for n in range(4)]
    assert StopReason.END in ends


@pytest.mark.llama
@pytest.mark.parametrize("architecture", [*RECURRENT, *HYBRID, *WINDOWED, "llama"])
def test_it_remembers_as_its_kind_does(bench_of, architecture):
    bench = bench_of(architecture)
    model = bench.desk.model
    assert model.is_recurrent == (architecture in RECURRENT + HYBRID)
    assert model.window_tokens == (32 if architecture in WINDOWED else 0)


@pytest.mark.llama
def test_text_comes_back_from_its_tokens(bench_of):
    words = bench_of("llama").desk.model.vocabulary
    tokens = words.tokenize(EVERYTHING, parse_special=True)
    assert b"".join(map(words.piece, tokens)).decode() == EVERYTHING
    assert len(words.tokenize(" the animals", parse_special=True)) == 2
    assert words.is_end(words.eos)
    assert set(words.control) >= {mark for mark, kind in MARKS.items() if kind == 3}
    assert words.is_token("<think>")


@pytest.mark.llama
def test_a_template_that_thinks(child):
    path = tiny_model("qwen3", template=THINKING)
    assert child.loaded(path, threads=THREADS).can_think
    answer = child.ask(
        "Hello", PromptMessage(role=Role.ASSISTANT, content="<think>\nHm.\n</think>\nHi"), "Well?"
    )
    assert answer.reasoning
    assert not answer.content


@pytest.mark.parametrize("size", [512, 1024, 8192])
def test_a_vocabulary_has_the_size_asked_for(size):
    words = vocabulary(size)
    assert len(words.tokens) == len(set(words.tokens)) == len(words.kinds) == size
    assert len(set(byte_letters())) == 256
    spelled = ["".join(merge.split(" ")) for merge in words.merges]
    assert set(spelled) < set(words.tokens)


@pytest.fixture
def bench_of(library):
    from app.engine.worker.model import load_model

    open_ones = []

    def make(architecture: str, **fields: object) -> Workbench:
        plan = plan_of(tiny_model(architecture, **fields), reference=True)
        model = load_model(library, plan, lambda _progress: None, lambda: False)
        bench = Workbench(library, model)
        open_ones.append((bench, model))
        return bench

    yield make
    for bench, model in open_ones:
        bench.close()
        model.close()

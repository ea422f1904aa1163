"""The engine against what else makes tokens with llama.cpp, in one run and in turn.

All have one thread where it is not said: two that share busy cores wait for each other longer than they
compute, and what is compared is everything around llama.cpp. `Cove` is the whole path (client, host, child
and back) where a row is about one answer, and the engine's own protocol where several requests or the cache
are meant.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psutil

from tests.benchmarks.ours import EnginePath, Pending, WholePath, spent_ms
from tests.benchmarks.peers import NAMES, Chat, Peer, is_there
from tests.benchmarks.table import Compared, Row, spread
from tests.e2e.processes import Cove
from tests.fakes.tiny_models import tiny_model
from tests.fakes.tiny_models.vocabulary import WORDS
from tests.realmodels import smollm2

CONTEXT = 8192
THREADS = 1
SLOTS = 4
ENDLESS = "Repeat the word hello a thousand times."
LENGTHS = {64: 9, 512: 5, 1024: 3, 4096: 2}  # tokens, and rounds
PREFILL_WORDS, LONG_WORDS, IDLE_WORDS = 1000, 2800, 800
PARALLEL_TOKENS = 256
# The bindings' own loop takes longer with each token: the rest of its answer would only cost time.
TINY_TOKENS = {"bare": 2000, "Cove": 2000, "xllamacpp": 2000, "llama_cpp": 500}
IDLE_SECONDS = 10.0
COLD = "a long prompt, cold"

Rows = list[Row | Compared]
Values = dict[str, list[float]]


class Contender(Protocol):
    def answer(self, chat: Chat, tokens: int) -> dict[str, Any]: ...


@contextmanager
def contenders(
    cove: Cove, model: Path, *, whole_path: bool = False, threads: int = THREADS
) -> Iterator[dict[str, Any]]:
    """Opens the peers that are installed and ours, all with the same model and sizes, and warms them up."""
    sizes = {"context": CONTEXT, "threads": threads}
    with ExitStack() as stack:
        peers = {name: Peer(name, model, slots=SLOTS, **sizes) for name in NAMES if is_there(name)}
        for peer in peers.values():
            stack.enter_context(closing(peer))
        ours = (
            WholePath(cove, model, **sizes) if whole_path else EnginePath(model, cove.home / "alone", **sizes)
        )
        stack.enter_context(closing(ours))
        found = {"bare": peers.pop("bare"), "Cove": ours, **peers}
        for one in found.values():
            one.answer(chat("Hello"), 8)
        yield found


def chat(text: str) -> Chat:
    return [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": text},
    ]


def words(count: int) -> str:
    """Returns so many words in an order that nobody has seen."""
    return " ".join(random.choices(WORDS, k=count))


def in_turn(found: dict[str, Any], rounds: int, measure: Callable[[Any], float]) -> Values:
    """A, B, A, B: what slows the machine for a while slows all."""
    values: Values = {name: [] for name in found}
    for _ in range(rounds):
        for name, one in found.items():
            values[name].append(measure(one))
    return values


def rate(answer: dict[str, Any]) -> float:
    return float((answer["count"] - 1) / (answer["last"] - answer["first"]))


def decode(cove: Cove) -> Rows:
    """Tokens a second while one answer streams, as its reader sees them, and the processor time they cost in
    all processes: a busy machine slows the first, and hardly touches the second."""
    rows: Rows = []
    with contenders(cove, smollm2(), whole_path=True) as found:
        rows.append(_prefill(found))
        for tokens, rounds in LENGTHS.items():
            rates: Values = {name: [] for name in found}
            costs: Values = {name: [] for name in found}
            for _ in range(rounds):
                for name, one in found.items():
                    before = spent_ms(one.processes)
                    answer = one.answer(chat(ENDLESS), tokens)
                    costs[name].append((sum(spent_ms(one.processes)) - sum(before)) / answer["count"])
                    rates[name].append(rate(answer))
            rows.append(Compared(f"decode, {tokens} tokens", rates, "tok/s", "≥ 0.97"))
            rows.append(Compared(f"processor time a token, {tokens} tokens", costs, "ms", digits=2))
    return rows


def all_cores(cove: Cove) -> Rows:
    """As people have it: llama.cpp's threads leave no core to ours."""
    cores = psutil.cpu_count(logical=False) or 1
    with contenders(cove, smollm2(), whole_path=True, threads=cores) as found:
        values = in_turn(found, 7, lambda one: rate(one.answer(chat(ENDLESS), 256)))
    return [Compared(f"decode, 256 tokens, {cores} threads", values, "tok/s", "≥ 0.97")]


def _prefill(found: dict[str, Any]) -> Compared:
    """A prompt that nobody has seen, to the first token; the bare loop's steps are 512."""
    text = words(PREFILL_WORDS)
    known = found["bare"].answer(chat(text), 1)["prompt_n"]

    def read(one: Contender) -> float:
        answer = one.answer(chat(words(PREFILL_WORDS)), 1)
        return float(answer.get("prompt_n", known) / answer["first"])

    values = in_turn(found, 4, read)
    return Compared(f"prefill, {known} tokens, to the first of the answer", values, "tok/s", "≥ 0.97")


def reuse(cove: Cove) -> Rows:
    """The first token of what people do next in a long chat. The bare loop always begins anew."""
    cases: dict[str, Values] = {}
    with contenders(cove, smollm2()) as found:
        for _ in range(2):
            for name, one in found.items():
                done = {COLD: one.answer(_long(), 1)["first"]} if name == "bare" else _what_people_do(one)
                for case, seconds in done.items():
                    cases.setdefault(case, {}).setdefault(name, []).append(seconds * 1000)
    bare = {"bare": cases[COLD]["bare"]}
    return [
        Compared(f"first token, {case}", bare | values, "ms", "" if case == COLD else "≤ 0.02")
        for case, values in cases.items()
    ]


def _long() -> Chat:
    return chat(words(LONG_WORDS))


def _what_people_do(one: Contender) -> dict[str, float]:
    long = _long()
    first = one.answer(long, 24)
    said = [*long, {"role": "assistant", "content": first["text"]}]

    def ask(text: str) -> float:
        return float(one.answer([*said, {"role": "user", "content": text}], 24)["first"])

    times = {
        COLD: first["first"],
        "next turn": ask("And what comes after that?"),
        "regenerated": ask("And what comes after that?"),
        "last question edited": ask("Why is that so, in one word?"),
    }
    one.answer(chat(words(IDLE_WORDS)), 24)
    return times | {"after a look at another chat": ask("Where were we?")}


def parallel(cove: Cove) -> Rows:
    """Four requests at once, against the bare loop's batch of four; then one beside three that are idle."""
    costs: list[float] = []
    questions = [chat(f"{ENDLESS} Begin with {number}.") for number in ("one", "two", "three", "four")]

    def together(one: Any) -> float:
        before = sum(spent_ms(one.processes))
        answers = one.parallel(questions, PARALLEL_TOKENS)
        costs.append((sum(spent_ms(one.processes)) - before) / answers["count"])
        return float(answers["count"] / answers["seconds"])

    def alone(one: Any) -> float:
        return rate(one.answer(chat(ENDLESS), PARALLEL_TOKENS))

    with contenders(cove, smollm2()) as found:
        at_once = in_turn(found, 3, together)
        of_each = {name: costs[place :: len(found)] for place, name in enumerate(found)}
        before = in_turn(found, 3, alone)
        for one in found.values():
            for _ in range(SLOTS - 1):
                one.answer(chat(words(IDLE_WORDS)), 2)
        beside = in_turn(found, 3, alone)
    return [
        Compared(f"four at once, {PARALLEL_TOKENS} tokens each", at_once, "tok/s", "≥ 0.9"),
        Compared("processor time a token of the four", of_each, "ms", digits=2),
        Compared("one after them", before, "tok/s", "≥ 0.97"),
        Compared("one beside three idle chats", beside, "tok/s", "≥ 0.97"),
    ]


def overhead(cove: Cove) -> Rows:
    """On a model so small that what is around llama.cpp cannot hide."""
    share: list[float] = []
    with contenders(cove, tiny_model("llama")) as found:
        costs: Values = {name: [] for name in found}
        for _ in range(7):
            native = 0.0
            for name, one in found.items():
                before = sum(spent_ms(one.processes))
                answer = one.answer(chat("Hello there"), TINY_TOKENS[name])
                spent = (sum(spent_ms(one.processes)) - before) * 1000 / answer["count"]
                costs[name].append(1e6 / rate(answer))
                if name == "bare":
                    native = answer["in_c"] * 1e6 / answer["count"]
                elif name == "Cove":
                    share.append(spent - native)
    return [
        Compared("a tiny model's token", costs, "µs"),
        Row(
            "Python's share of it: the child's processor time less the bare loop's in C",
            spread(share, "µs"),
            "≤ 150 µs",
        ),
    ]


def cancel(cove: Cove) -> Rows:
    """From the wish to stop to the end as it is felt, and what the next question then waits."""
    sizes = {"context": CONTEXT, "threads": THREADS}
    rows: Rows = []
    with closing(EnginePath(smollm2(), cove.home / "alone", **sizes)) as engine:
        engine.answer(chat("Hello"), 8)
        usual = []
        for _ in range(7):
            engine.answer(chat(ENDLESS), 8)
            usual.append(_first_token(engine))
        rows.append(Row("first token of a short question after another chat", spread(usual, "ms")))
        for moment in ("answers", "reads a long prompt"):
            felt, after = [], []
            for _ in range(7):
                felt.append(_stop(engine, moment))
                after.append(_first_token(engine))
            rows.append(Row(f"stopped while it {moment}: felt", spread(felt, "ms", 1), "≤ 100 ms"))
            rows.append(Row(f"stopped while it {moment}: first token after it", spread(after, "ms")))
    return rows


def _first_token(engine: EnginePath) -> float:
    return float(engine.answer(chat("Hello"), 8)["first"] * 1000)


def _stop(engine: EnginePath, moment: str) -> float:
    """Returns how many milliseconds the end of an answer takes when it is stopped."""
    request_id, pending = engine.begin(chat(ENDLESS) if moment == "answers" else _long(), 2000)
    _wait_for(pending, moment)
    asked = time.perf_counter()
    engine.cancel(request_id)
    assert pending.has_ended.wait(60)
    return (pending.begun + pending.ended - asked) * 1000


def _wait_for(pending: Pending, moment: str) -> None:
    if moment == "answers":
        assert pending.has_begun.wait(60)
    else:
        time.sleep(0.5)  # a long prompt takes some seconds
    assert not pending.has_ended.is_set()


def footprint(cove: Cove) -> Rows:
    """Memory with the same model and context, and what is done when nothing is asked."""
    with contenders(cove, smollm2()) as found:
        used = in_turn(found, 1, _own_memory)
    with closing(WholePath(cove, smollm2(), context=CONTEXT, threads=THREADS)) as path:
        path.answer(chat("Hello"), 8)
        before = spent_ms(path.processes)
        time.sleep(IDLE_SECONDS)
        host, *engine = [now - was for now, was in zip(spent_ms(path.processes), before, strict=True)]
    return [
        Compared(f"memory of its own, context {CONTEXT}, {SLOTS} slots", used, "MiB"),
        Row(
            f"processor time in {IDLE_SECONDS:.0f} idle seconds: host, engine",
            f"{host:.0f} ms, {sum(engine):.0f} ms",
            "0",
        ),
    ]


def _own_memory(one: Any) -> float:
    return float(sum(process.memory_full_info().uss for process in one.processes) / 2**20)


ENGINE_MEASURES: dict[str, Callable[[Cove], Rows]] = {
    "decode": decode,
    "all_cores": all_cores,
    "reuse": reuse,
    "parallel": parallel,
    "overhead": overhead,
    "cancel": cancel,
    "footprint": footprint,
}

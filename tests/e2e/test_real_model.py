"""`cove run` on real models: the right answer, a long chat, a model without a template, and kills."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.processes import kill
from tests.realmodels import gemma3
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.llama]

MODEL = "smollm2-135m-instruct"
GREEDY = ("--temperature", "0", "--seed", "1")
PARIS = "What is the capital of France?"
QUESTIONS = [
    PARIS,
    "And of Germany?",
    "And of Italy?",
    "Which of them is the largest city?",
    "Name a river there.",
    "Name a food from there.",
    "What language do they speak?",
    "How do I say hello?",
    "And goodbye?",
    "Thank you.",
]
TEMPLATE = """{%- for message in messages -%}
{{ '<start_of_turn>' + ('model' if message.role == 'assistant' else 'user') + '\n' }}
{{- message.content + '<end_of_turn>\n' }}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif -%}"""
LONG = "Write a long story about a dragon and a knight."


def ten_turns(cove, model, *options):
    """Has a conversation of ten turns by `--continue` and returns the answers."""
    answers = [cove.ask(model, QUESTIONS[0], *GREEDY, *options)]
    return answers + [cove.ask(model, question, "--continue", *options) for question in QUESTIONS[1:]]


def check_turns(cove, answers) -> None:
    assert len({answer["chat_id"] for answer in answers}) == 1
    assert answers[0]["timings"]["cache_n"] == 0
    for before, answer in pairwise(answers):
        assert answer["timings"]["cache_n"] > before["timings"]["cache_n"]
        assert answer["stop_reason"] in ("end", "length")
    (chat,) = cove.chats()
    assert [message["content"] for message in chat["messages"][::2]] == QUESTIONS
    assert [message.get("content", "") for message in chat["messages"][1::2]] == [a["text"] for a in answers]


def test_paris_streams(cove):
    running = cove.start("run", MODEL, PARIS, *GREEDY)
    running.read_until("The capital")
    result = running.end()
    assert result.code == 0
    assert "Paris" in result.out
    assert result.err == ""


def test_ten_turns(cove):
    answers = ten_turns(cove, MODEL, "--max-tokens", "12")
    assert "Paris" in answers[0]["text"]
    check_turns(cove, answers)


def test_a_base_model_says_that_it_has_no_template(cove):
    result = cove("run", str(gemma3()), PARIS, *GREEDY, "--max-tokens", "8")
    assert (result.code, result.out) == (1, "")
    assert "no chat template" in result.err
    assert "--template FILE" in result.err
    (chat,) = cove.chats()
    assert chat["messages"][0]["content"] == PARIS


def test_ten_turns_with_a_base_model_and_a_template(cove, tmp_path: Path):
    template = tmp_path / "turns.jinja"
    template.write_text(TEMPLATE)
    answers = ten_turns(cove, str(gemma3()), "--template", str(template), "--max-tokens", "8")
    check_turns(cove, answers)


def test_whatever_is_killed_while_an_answer_streams_nothing_is_lost(cove):
    """kill -9 of the engine, the host and the client in turn."""
    victims = {"engine": cove.engines, "host": cove.hosts}
    for number, victim in enumerate(("engine", "host", "client")):
        running = cove.start("run", MODEL, LONG, "--max-tokens", "1500", *GREEDY)
        # What a host has written for half a second is on disk; the others lose nothing at all.
        chars = 500 if victim == "host" else 60
        running.read_chars(chars)
        assert running.process.poll() is None
        if victim == "client":
            running.kill()
            wait_until(lambda: cove.chats()[0]["messages"][1].get("status") == "interrupted")
        else:
            kill(victims[victim]())
            result = running.end()
            assert result.code == 1, result
            assert "kept" in result.err
        chats = cove.chats()
        assert len(chats) == number + 1
        question, answer = chats[0]["messages"]
        assert question["content"] == LONG
        assert answer["content"]
        assert running.out.decode().startswith(answer["content"][:50])
        assert answer["status"] == ("failed" if victim == "engine" else "interrupted")
    assert "Paris" in cove.ask(MODEL, PARIS, *GREEDY)["text"]


def test_a_killed_host_leaves_no_engine_behind(cove):
    cove.ask(MODEL, "Hi", "--max-tokens", "4")
    assert len(cove.engines()) == 1
    kill(cove.hosts())
    wait_until(lambda: not cove.engines(), what="the engine's end")


def test_stop_unloads_and_the_next_question_loads_again(cove):
    cove.ask(MODEL, "Hi", "--max-tokens", "4")
    assert cove("stop", MODEL).code == 0
    wait_until(lambda: not cove.engines(), what="the engine's end")
    cove.ask(MODEL, "Hi", "--max-tokens", "4")
    assert len(cove.engines()) == 1

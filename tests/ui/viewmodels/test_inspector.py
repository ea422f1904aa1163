"""What is set for a chat: when it is saved, what stands in the meantime, and what the meters count."""

from __future__ import annotations

import msgspec
import pytest

from app.client.protocol import ChangeChat, CreateChat
from app.domain.engine import EngineState, LoadedModel
from app.domain.generation import Sampling, Timings, over
from app.domain.notice import Notice, NoticeCode
from app.domain.samplers import USUAL
from tests.ui.fake_client import STARTER


@pytest.fixture
def inspector(workspace, host, deliver):
    """Over the open chat "one", with a model that has wishes of its own."""
    host.models = [
        msgspec.structs.replace(STARTER, sampling=Sampling(temperature=0.2), system_prompt="Be helpful.")
    ]
    host.add_chat("one", "Hi", "Hello")
    host.add_chat("two", "Hi", "Hello")
    deliver()
    workspace.open_chat("one")
    deliver()
    yield workspace.inspector
    workspace.inspector._timer.stop()


def answer(host, deliver, workspace, timings):
    workspace.composer.set_text("Again")
    workspace.composer.send()
    deliver()
    host.end(timings=timings)
    deliver()


def test_the_prompt_is_saved_a_moment_after_the_last_letter(qtbot, inspector, host, deliver):
    for text in ("B", "Be", "Be brief"):
        inspector.set_system_prompt(text)
    assert host.asked(ChangeChat) == []
    assert inspector.system_prompt == "Be brief"
    qtbot.waitUntil(lambda: bool(host.asked(ChangeChat)))
    deliver()
    assert host.asked(ChangeChat) == [ChangeChat(chat_id="one", system_prompt="Be brief")]
    assert inspector.system_prompt == "Be brief"


def test_what_is_typed_stands_until_the_host_has_it(inspector, host, deliver):
    host.is_holding = True
    inspector.set_system_prompt("Be brief")
    inspector.flush()
    inspector.set_system_prompt("Be briefer")
    host.let_go()
    deliver()
    assert host.chats["one"].system_prompt == "Be brief"
    assert inspector.system_prompt == "Be briefer"
    inspector.flush()
    deliver()
    assert host.chats["one"].system_prompt == inspector.system_prompt == "Be briefer"
    inspector.flush()
    assert len(host.asked(ChangeChat)) == 2


def test_a_prompt_can_be_emptied_again(inspector, host, deliver):
    for text in ("Be brief", ""):
        inspector.set_system_prompt(text)
        inspector.flush()
        deliver()
    assert host.chats["one"].system_prompt == ""
    assert inspector.model_prompt == "Be helpful."


def test_going_to_another_chat_saves_first(inspector, host, workspace, deliver):
    inspector.set_system_prompt("Be brief")
    workspace.open_chat("two")
    deliver()
    assert host.chats["one"].system_prompt == "Be brief"
    assert inspector.system_prompt == ""


def test_closing_the_window_saves(inspector, host, workspace):
    inspector.set_sampler("top_k", 7)
    workspace.save()
    assert host.chats["one"].sampling.top_k == 7


def test_samplers_show_what_suits_the_model_until_chosen(inspector, host, deliver):
    assert inspector.sampling.temperature == 0.2
    assert not inspector.is_chosen("temperature")
    inspector.set_sampler("temperature", 1.1)
    inspector.set_sampler("seed", 42)
    assert (inspector.sampling.temperature, inspector.sampling.seed) == (1.1, 42)
    inspector.flush()
    deliver()
    assert inspector.is_chosen("temperature")
    assert inspector.is_chosen("seed")
    inspector.reset_sampler("temperature")
    inspector.reset_sampler("top_k")  # was not chosen: nothing to do
    inspector.flush()
    deliver()
    assert (inspector.sampling.temperature, inspector.sampling.seed) == (0.2, 42)
    assert host.chats["one"].sampling == Sampling(seed=42)


def test_the_usual_value_can_be_chosen_too(inspector, host, deliver):
    inspector.set_sampler("temperature", 0.8)
    inspector.flush()
    deliver()
    assert inspector.is_chosen("temperature")
    assert host.chats["one"].sampling == Sampling(temperature=0.8)
    assert inspector.sampling.temperature == 0.8


def test_what_is_set_before_the_first_message_goes_along_with_it(workspace, host, inspector, deliver):
    workspace.new_chat()
    inspector.set_system_prompt("Be brief")
    inspector.set_sampler("max_tokens", 64)
    deliver()
    assert host.asked(ChangeChat) == host.asked(CreateChat) == []
    workspace.composer.set_text("Hi")
    workspace.composer.send()
    deliver()
    created = host.asked(CreateChat)[0]
    assert (created.system_prompt, created.sampling) == ("Be brief", Sampling(max_tokens=64))
    assert inspector.system_prompt == "Be brief"
    host.end()
    workspace.new_chat()
    assert inspector.system_prompt == ""
    assert inspector.sampling == over(Sampling(temperature=0.2), USUAL)


def test_nothing_is_set_while_a_chat_is_being_read(workspace, host, inspector, deliver):
    host.is_holding = True
    workspace.open_chat("two")
    assert not inspector.can_change
    inspector.set_system_prompt("Lost?")
    assert inspector.system_prompt == ""
    host.let_go()
    deliver()
    assert inspector.can_change


def test_a_refusal_is_told_and_the_text_stays(inspector, host, deliver):
    told: list[Notice] = []
    inspector.refused.connect(told.append)
    host.refusals[ChangeChat] = Notice(code=NoticeCode.CHAT_NOT_FOUND)
    inspector.set_system_prompt("Be brief")
    inspector.flush()
    deliver()
    assert [notice.code for notice in told] == [NoticeCode.CHAT_NOT_FOUND]
    assert inspector.system_prompt == "Be brief"


def test_the_meters_count_the_last_answer(workspace, host, inspector, deliver):
    assert (inspector.context_used, inspector.context_total, inspector.speeds) == (0, 0, [])
    answer(host, deliver, workspace, Timings(cache_n=0, prompt_n=20, predicted_n=10, predicted_ms=1000))
    answer(host, deliver, workspace, Timings(cache_n=30, prompt_n=5, predicted_n=40, predicted_ms=2000))
    answer(host, deliver, workspace, None)  # one that failed
    host.set_engine(
        STARTER.id, EngineState.READY, loaded=LoadedModel(context_tokens=2048, layers=30, gpu_layers=0)
    )
    deliver()
    assert (inspector.context_used, inspector.context_total) == (75, 2048)
    assert inspector.speeds == [10.0, 20.0]

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.client.client import Client
from app.client.protocol import (
    CancelLoad,
    ChangeChat,
    ChangeSetting,
    CreateChat,
    FindModel,
    ListChats,
    LoadModel,
    ModelReply,
    RemoveModel,
    Send,
    SetModelOptions,
    StopTurn,
    UnloadModel,
)
from app.core import Core, ModelChoice
from app.domain.engine import EngineState
from app.domain.ids import new_id
from app.domain.model import ModelOptions
from app.domain.notice import NoticeCode
from app.errors import KnownError
from app.events import EngineChanged, ModelAdded, NoticeRaised, SettingChanged
from app.host.engines import engine_maker
from app.host.twin import Twin
from app.paths import resolve
from tests.fakes.hosts import TwinHost
from tests.fakes.recorder import Recorder
from tests.realmodels import smollm2
from tests.waiting import wait_until


@pytest.fixture
def host(home: Path) -> Iterator[TwinHost]:
    host = TwinHost(home)
    yield host
    host.close()


@pytest.fixture
def heard() -> Recorder:
    return Recorder()


@pytest.fixture
def client(host: TwinHost, heard: Recorder) -> Client:
    client = host.client(heard)
    wait_until(lambda: heard.snapshots)
    return client


def starter(heard: Recorder) -> str:
    return heard.snapshots[0].models[0].id


def refused(code: NoticeCode) -> pytest.RaisesExc[KnownError]:
    return pytest.RaisesExc(KnownError, check=lambda error: error.notice.code is code)


def test_the_starter_model_is_in_the_library_at_once(client: Client, heard: Recorder) -> None:
    (model,) = heard.snapshots[0].models
    assert model.is_starter
    assert Path(model.path) == smollm2()
    assert model.has_template
    assert model.context_tokens > 0


def test_a_model_is_loaded_and_unloaded_with_progress_told(client: Client, heard: Recorder) -> None:
    model_id = starter(heard)
    client.call(LoadModel(model_id=model_id))
    heard.wait_for(EngineChanged, lambda event: event.status.state is EngineState.READY)
    client.call(CancelLoad(model_id=model_id))  # too late: nothing
    client.call(UnloadModel(model_id=model_id))
    heard.wait_for(EngineChanged, lambda event: event.status.state is EngineState.IDLE)
    states = [event.status.state for event in heard.of(EngineChanged)]
    assert states.index(EngineState.LOADING) < states.index(EngineState.READY)


def test_a_setting_is_checked_saved_and_told(client: Client, heard: Recorder, host: TwinHost) -> None:
    client.call(ChangeSetting(key="network.offline", value=True))
    assert heard.wait_for(SettingChanged) == SettingChanged(key="network.offline", value=True)
    assert "offline" in host.paths.settings.read_text()
    with refused(NoticeCode.SETTING_INVALID):
        client.call(ChangeSetting(key="appearance.theme", value="purple"))


def test_the_model_of_a_chat_then_the_default_then_the_loaded_one_answers(
    client: Client, heard: Recorder
) -> None:
    chat_id = new_id()
    client.call(CreateChat(chat_id=chat_id))
    client.call(ChangeSetting(key="models.default", value="no-such-model"))
    with refused(NoticeCode.MODEL_NOT_FOUND):
        ask(client, chat_id)
    client.call(ChangeChat(chat_id=chat_id, model_id=starter(heard)))
    heard.wait_for_end(ask(client, chat_id))


def test_a_person_s_usual_sampling_applies_where_nothing_else_is_known(
    client: Client, heard: Recorder, host: TwinHost
) -> None:
    client.call(ChangeSetting(key="sampling.top_k", value=7))
    client.call(ChangeSetting(key="sampling.temperature", value=1.5))
    starter_model = heard.snapshots[0].models[0]
    choice = ModelChoice(host.core)
    sampling = host.core.loop.run(lambda: choice.sampling(starter_model))
    assert (sampling.top_k, sampling.temperature) == (7, 0.0)  # the starter's own is known


def test_options_are_kept_with_the_model(client: Client, heard: Recorder) -> None:
    options = ModelOptions(context_tokens=1024, gpu_layers=0)
    reply = client.call(SetModelOptions(model_id=starter(heard), options=options))
    assert isinstance(reply, ModelReply)
    assert reply.model.options == options
    heard.wait_for(ModelAdded, lambda event: event.model.options == options)


def test_a_model_is_found_by_what_people_call_it(client: Client, heard: Recorder) -> None:
    for reference in (starter(heard), "smollm2", str(smollm2())):
        reply = client.call(FindModel(reference=reference))
        assert isinstance(reply, ModelReply)
        assert reply.model.id == starter(heard)
    with refused(NoticeCode.MODEL_NOT_FOUND):
        client.call(FindModel(reference="nothing-like-it"))


def test_a_model_that_answers_is_not_removed(client: Client, heard: Recorder) -> None:
    chat_id = new_id()
    client.call(CreateChat(chat_id=chat_id))
    answer_id = ask(client, chat_id, "/hold words")
    heard.wait_for_text(answer_id)
    with refused(NoticeCode.MODEL_IN_USE):
        client.call(RemoveModel(model_id=starter(heard)))
    client.call(StopTurn(answer_id=answer_id))
    heard.wait_for_end(answer_id)
    with refused(NoticeCode.MODEL_NOT_REMOVABLE):
        client.call(RemoveModel(model_id=starter(heard)))


def test_a_home_that_cannot_be_opened_refuses_every_command(
    home: Path, expect_log: Callable[..., None]
) -> None:
    expect_log("The home cannot be opened")
    home.mkdir(parents=True)
    with sqlite3.connect(home / "cove.db") as database:
        database.execute("PRAGMA user_version = 999999")
    database.close()
    host = TwinHost(home)
    with refused(NoticeCode.STORE_TOO_NEW):
        host.client().call(ListChats())
    host.close()


def test_what_was_wrong_with_the_settings_is_said(home: Path, expect_log: Callable[..., None]) -> None:
    expect_log("settings", maybe=True)
    home.mkdir(parents=True)
    (home / "settings.toml").write_text("not [ toml")
    core = Core(resolve(home), engine_maker("scripted", resolve(home)))
    heard: list[NoticeCode] = []
    core.bus.listen(
        lambda event: heard.append(event.notice.code) if isinstance(event, NoticeRaised) else None
    )
    core.paths.make()
    core.start()
    core.loop.run(lambda: None)
    core.close()
    assert NoticeCode.SETTINGS_DAMAGED in heard


def ask(client: Client, chat_id: str, text: str = "hello") -> str:
    answer_id = new_id()
    client.call(Send(chat_id=chat_id, message_id=new_id(), answer_id=answer_id, text=text))
    return answer_id


def test_who_is_faster_than_the_opening_waits_for_it(home: Path, heard: Recorder) -> None:
    """As when a client connects between the listening and the start of the core."""
    paths = resolve(home)
    paths.make()
    core = Core(paths, engine_maker("scripted", paths))
    twin = Twin(core)
    posted = len(core.loop._work)
    client = twin.client(heard)
    wait_until(lambda: len(core.loop._work) > posted, what="the subscription")
    core.start()
    wait_until(lambda: heard.snapshots)
    assert heard.snapshots[0].models
    client.close()
    core.close()
    twin.close()

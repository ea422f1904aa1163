"""Which model answers, and what its engine does."""

from __future__ import annotations

import msgspec
import pytest

from app.client.protocol import CancelLoad, ChangeChat, LoadModel, UnloadModel
from app.domain.engine import EngineState
from app.domain.notice import Notice, NoticeCode
from app.events import ModelAdded, ModelRemoved
from tests.ui.fake_client import LARGER, STARTER
from ui.viewmodels.models import MODEL_ROLE, STATUS_ROLE


@pytest.fixture
def models(workspace, host, deliver):
    host.models = [STARTER, LARGER]
    deliver()
    return workspace.models


def test_who_answers_in_a_new_chat(host, deliver, models):
    assert models.selected == LARGER  # the starter is only there to try the app
    host.set_engine(STARTER.id, EngineState.READY)
    deliver()
    assert models.selected == STARTER  # loaded already
    host.settings["models.default"] = LARGER.id
    host.connect()
    deliver()
    assert models.selected == LARGER


def test_a_model_that_cannot_chat_does_not_suggest_itself(host, deliver, models):
    host.models = [msgspec.structs.replace(LARGER, has_template=False), STARTER]
    host.connect()
    deliver()
    assert models.selected == STARTER
    host.models = [msgspec.structs.replace(STARTER, is_missing=True)]
    host.connect()
    deliver()
    assert models.selected is not None  # still to be seen, with what is wrong with it


def test_each_chat_remembers_its_model(host, deliver, workspace, models):
    chat = host.add_chat("c", "Hi", "Hello")
    host.chats["c"] = msgspec.structs.replace(chat, model_id=STARTER.id)
    workspace.open_chat("c")
    deliver()
    assert models.selected == STARTER
    models.choose(LARGER.id)
    deliver()
    assert models.selected == LARGER
    assert host.asked(ChangeChat) == [ChangeChat(chat_id="c", model_id=LARGER.id)]
    assert host.settings["models.default"] == LARGER.id
    other = host.add_chat("d", "Hi", "Hello")
    host.chats["d"] = msgspec.structs.replace(other, model_id=STARTER.id)
    workspace.open_chat("d")
    deliver()
    assert models.selected == STARTER
    workspace.new_chat()
    assert models.selected == LARGER
    workspace.open_chat("c")
    deliver()
    assert models.selected == LARGER


def test_choosing_loads_and_shows_how_far(host, deliver, models):
    models.choose(LARGER.id)
    deliver()
    assert host.asked(LoadModel) == [LoadModel(model_id=LARGER.id)]
    host.set_engine(LARGER.id, EngineState.LOADING, progress=0.43)
    deliver()
    assert models.loading is not None
    assert models.loading.progress == 0.43
    assert models.index(1).data(STATUS_ROLE) == models.loading
    models.cancel_load()
    deliver()
    assert host.asked(CancelLoad) == [CancelLoad(model_id=LARGER.id)]
    host.set_engine(LARGER.id, EngineState.IDLE)
    deliver()
    assert models.loading is None
    assert models.selected_status is None
    models.cancel_load()
    assert len(host.asked(CancelLoad)) == 1


def test_ejecting(host, deliver, models):
    host.set_engine(LARGER.id, EngineState.READY)
    deliver()
    assert models.selected_status is not None
    models.eject(LARGER.id)
    assert host.asked(UnloadModel) == [UnloadModel(model_id=LARGER.id)]


def test_only_a_failure_of_what_was_asked_for_here_is_told(host, deliver, models):
    failures: list[tuple[str, Notice]] = []
    models.load_failed.connect(lambda model_id, notice: failures.append((model_id, notice)))
    corrupt = Notice(code=NoticeCode.MODEL_CORRUPT)
    host.set_engine(LARGER.id, EngineState.FAILED, notice=corrupt)
    deliver()
    assert failures == []
    models.load(LARGER.id)
    host.set_engine(LARGER.id, EngineState.LOADING)
    host.set_engine(LARGER.id, EngineState.FAILED, notice=corrupt)
    host.set_engine(LARGER.id, EngineState.FAILED, notice=corrupt)
    deliver()
    assert failures == [(LARGER.id, corrupt)]


def test_models_come_and_go_while_the_window_is_open(host, deliver, models):
    pulled = msgspec.structs.replace(LARGER, id="new", name="New", added_ms=9)
    host.say(ModelAdded(model=pulled))
    host.say(ModelAdded(model=pulled))
    deliver()
    assert [models.index(row).data() for row in range(models.rowCount())] == [
        STARTER.name,
        LARGER.name,
        "New",
    ]
    assert models.selected == pulled  # what was got last
    host.say(ModelRemoved(model_id="new"))
    deliver()
    assert models.index(1).data(MODEL_ROLE) == LARGER
    assert models.rowCount() == 2


def test_a_refusal_is_told(host, deliver, models):
    notices: list[Notice] = []
    models.refused.connect(notices.append)
    host.refusals[LoadModel] = Notice(code=NoticeCode.MODEL_IN_USE)
    models.choose(LARGER.id)
    deliver()
    assert notices == [Notice(code=NoticeCode.MODEL_IN_USE)]

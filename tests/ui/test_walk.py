"""Two windows in which anything is done at any time, on a host that crashes now and then.

Whenever it comes to rest each window shows what one opened now would show. Nothing is raised and no text
is lost.
"""

from __future__ import annotations

from random import Random

import pytest
from PySide6.QtCore import QTimer

from app.client.protocol import ListChats, OpenChat, Subscribe
from app.domain.chat import MessageStatus, Role
from app.domain.engine import EngineState
from app.errors import KnownError
from tests.fakes.hosts import TwinHost
from tests.ui.walker import Walker
from ui.bridge import Bridge
from ui.viewmodels.kept import Kept

STEPS = 150
REST_EACH = 25  # steps; a fault may be healed by what comes later
RESTART_EACH = 60  # steps, on average


@pytest.fixture
def host(home):
    host = TwinHost(home)
    yield host
    host.close()


@pytest.fixture
def walkers(qapp, host, home, request):
    """Two walkers whose chance is the test's parameter."""
    random = Random(request.param)
    deeds: list[str] = []
    walkers = [
        Walker(name, Bridge(host.client), Kept(home / f"{name}.ini"), random, deeds) for name in ("a", "b")
    ]
    for walker in walkers:
        walker.bridge.start()
    yield walkers
    for walker in walkers:
        walker.bridge.close()
        walker.kept.save()
        for timer in walker.workspace.findChildren(QTimer):
            timer.stop()


def walk(qtbot, host, walkers, random, steps):
    for walker in walkers:
        qtbot.waitUntil(lambda walker=walker: walker.workspace.models.selected is not None, timeout=20_000)
    for number in range(steps):
        if number % REST_EACH == REST_EACH - 1:
            come_to_rest(qtbot, host, walkers)
        random.choice(walkers).step()
        if random.random() < 0.7:
            qtbot.wait(random.choice((0, 0, 0, 2, 20)))  # what is under way gets so far, or less
        if random.random() * RESTART_EACH < 1:
            walkers[0].deeds.append("the host is killed")
            host.restart()


def come_to_rest(qtbot, host, walkers):
    """Ends what waits for ever, and waits until nothing moves any more."""
    core, client = host.core, host.client()

    def end_turns():
        for turn in list(core.chats._turns.values()):
            turn.stop()
        return core.is_working

    def is_at_rest():  # more than once: there may be messages on their way
        return not core.loop.run(end_turns) and not any(difference(client, w.workspace) for w in walkers)

    qtbot.waitUntil(is_at_rest, timeout=20_000)


def difference(client, workspace):
    """What a window shows and one opened now would not, or the other way round; empty when nothing."""
    snapshot = client.call(Subscribe())
    engines = {status.model_id: status for status in snapshot.engines if status.state is not EngineState.IDLE}
    found = {
        "chats": (client.call(ListChats(query=workspace.chats.query)).chats, tuple(workspace.chats._chats)),
        "models": (snapshot.models, tuple(workspace.models._models)),
        "engines": (engines, workspace.models._statuses),
        "settings": (snapshot.settings, workspace.session._settings),
        "sending": (False, workspace.composer.is_sending),
        "ready": (True, workspace.transcript.is_ready),
    }
    if workspace.transcript.chat_id is not None:
        chat, messages = opened(client, workspace.transcript.chat_id)
        found["chat"] = (chat, workspace.transcript.chat)
        found["messages"] = (messages, tuple(workspace.transcript.messages))
    return "\n".join(f"{name}: {told} != {shown}" for name, (told, shown) in found.items() if told != shown)


def opened(client, chat_id):
    try:
        view = client.call(OpenChat(chat_id=chat_id))
    except KnownError as error:  # it was just deleted
        return error.notice, ()
    return view.chat, view.messages


def stored(store):
    """All that persons have said, in chats and in the trash; every answer has ended."""
    chats = [*store.chats.page(), *store.chats.page(deleted=True)]
    messages = [message for chat in chats for message in store.messages.tree(chat.id)[0]]
    assert all(message.status is not MessageStatus.STREAMING for message in messages)
    return {message.content for message in messages if message.role is Role.USER}


def drafts(walker):
    walker.kept.save()
    settings = walker.kept._settings
    return "\n".join(str(settings.value(key)) for key in settings.allKeys() if key.startswith("drafts/"))


def check(qtbot, host, walkers, seed, steps):
    try:
        walk(qtbot, host, walkers, Random(seed), steps)
        come_to_rest(qtbot, host, walkers)
    finally:
        print(*walkers[0].deeds, sep="\n")
        client = host.client()
        print(*(difference(client, walker.workspace) for walker in walkers), sep="\n")
    said = host.core.loop.run(lambda: stored(host.core.store))
    for walker in walkers:
        # Texts that came back to the box may have been sent as one.
        everything = "\n".join([*said, *walker.given_up, drafts(walker)])
        assert [text for text in walker.said if text not in everything] == []


@pytest.mark.parametrize(("walkers", "seed"), [(seed, seed) for seed in range(3)], indirect=["walkers"])
def test_a_random_walk(qtbot, host, walkers, seed):
    check(qtbot, host, walkers, seed, STEPS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("walkers", "seed"), [(seed, seed) for seed in range(100, 140)], indirect=["walkers"]
)
def test_many_random_walks(qtbot, host, walkers, seed):
    check(qtbot, host, walkers, seed, 3 * STEPS)

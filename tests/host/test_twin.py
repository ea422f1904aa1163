from __future__ import annotations

from pathlib import Path

from app.client.protocol import CreateChat, Done
from app.core import Core
from app.domain.ids import new_id
from app.host.engines import engine_maker
from app.host.twin import Twin
from app.paths import resolve


def test_a_twin_s_client_speaks_to_its_core(home: Path) -> None:
    paths = resolve(home)
    paths.make()
    core = Core(paths, engine_maker("scripted", paths))
    core.start()
    twin = Twin(core)
    client = twin.client()
    chat_id = new_id()
    assert client.call(CreateChat(chat_id=chat_id)) == Done()
    chat = core.loop.run(lambda: core.store.chats.get(chat_id))
    assert chat is not None
    client.close()
    core.close()
    twin.close()

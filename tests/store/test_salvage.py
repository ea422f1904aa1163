"""A damaged file is copied aside byte for byte, and what can be read of it is there when the store opens."""

from __future__ import annotations

import errno
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.domain.chat import MessageStatus
from app.domain.notice import NoticeCode
from app.errors import KnownError
from app.store import Store, salvage
from app.store.salvage import rescue
from tests.store.makers import chat, fill, message, streaming

PAGE = 4096
COUNT = 60


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two chats over some forty pages; copied by each test that damages it."""
    path = tmp_path_factory.mktemp("sound") / "cove.db"
    with closing(Store.open(path)) as store:
        fill(store, COUNT, text="word {number} " * 90)
        fill(store, 5, "other")
        store.messages.add(streaming("s", "other-4", chat_id="other"))
        store.messages.append("s", "half an answer")
    return path


def open_all(path: Path) -> Store:
    """Opens a store and reads all of it, starting again (once) if damage is met on the way."""
    store = Store.open(path)
    try:
        read_all(store)
    except KnownError as error:
        store.close()
        if error.notice.code is not NoticeCode.STORE_DAMAGED:
            raise
        store = Store.open(path)
        read_all(store)
    return store


def read_all(store: Store) -> None:
    for found in store.chats.page():
        store.messages.tree(found.id, limit=1000)
        store.messages.branch(found.head_id or "", limit=1000)
        store.messages.outline(found.id)
    store.chats.search("word")
    store.library.all()
    store.messages.recover()


def backups(path: Path) -> list[bytes]:
    return [file.read_bytes() for file in path.parent.glob("cove.damaged-*.db")]


def damaged(sound: Path, path: Path, page: int, data: bytes = bytes(PAGE)) -> bytes:
    """Copies the sound file with one page (from 0) overwritten; returns what it is then."""
    whole = bytearray(sound.read_bytes())
    whole[page * PAGE : page * PAGE + len(data)] = data
    path.write_bytes(whole)
    return bytes(whole)


def pages(sound: Path) -> int:
    return sound.stat().st_size // PAGE


def test_any_lost_page_costs_little_and_cuts_no_branch(sound: Path, path: Path):
    lost: list[int] = []
    for page in range(1, pages(sound)):
        before = damaged(sound, path, page)
        with closing(open_all(path)) as store:
            tree, _ = store.messages.tree("c", limit=1000)
            texts = sum(1 for kept in tree if kept.content)
            lost.append(COUNT - texts)
            found = store.chats.get("c")
            assert found is not None, page
            branch, has_older = store.messages.branch(found.head_id or "", limit=1000)
            assert not has_older
            # Where a message's text is gone its place is kept, so all the others are still on the branch.
            assert sum(1 for kept in branch if kept.content) == texts, page
            assert store.check()
            assert all(copy == before for copy in backups(path)), page
        for file in path.parent.iterdir():
            file.unlink()
    assert sorted(lost)[-1] <= 8
    assert sum(lost) >= COUNT // 2  # it did hit the texts


def test_flipped_bytes_anywhere_never_keep_a_store_from_opening(sound: Path, path: Path):
    chance = random.Random(7)
    noticed = 0
    for _ in range(40):
        place = chance.randrange(PAGE, sound.stat().st_size - 300)
        whole = bytearray(sound.read_bytes())
        whole[place : place + 300] = chance.randbytes(300)
        path.write_bytes(whole)
        with closing(open_all(path)) as store:
            assert store.chats.page()
            assert store.messages.add(message("new", chat_id=store.chats.page()[0].id, content="after"))
        copies = backups(path)
        noticed += len(copies)
        for file in path.parent.iterdir():
            file.unlink()
    assert noticed >= 5  # most pages are the index's, which is made anew


@pytest.mark.parametrize("kept_pages", [0.3, 0.6, 0.9])
def test_a_file_cut_short_keeps_what_is_left(sound: Path, path: Path, kept_pages: float):
    whole = sound.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept_pages)])
    with closing(Store.open(path)) as store:
        (notice,) = store.notices
        assert notice.code is NoticeCode.STORE_DAMAGED
        tree, _ = store.messages.tree("c", limit=1000)
        assert len(tree) >= COUNT * kept_pages * 0.5
        assert notice.facts["kept_messages"] == store._database.number("SELECT count(*) FROM messages")
        assert Path(str(notice.facts["backup"])).read_bytes() == whole[: int(len(whole) * kept_pages)]


@pytest.mark.parametrize(
    "rubbish", [b"\x00" * PAGE, b"not a database at all\n" * 400, b"SQLite format 3\x00"]
)
def test_a_file_that_is_no_database_is_put_aside(path: Path, rubbish: bytes):
    path.write_bytes(rubbish)
    with closing(Store.open(path)) as store:
        assert [notice.code for notice in store.notices] == [NoticeCode.STORE_DAMAGED]
        assert store.chats.page() == []
        assert store.chats.add(chat())
    assert backups(path) == [rubbish]
    with closing(Store.open(path)) as store:
        assert store.notices == ()
        assert store.chats.get("c") == chat()


def test_late_writes_are_copied_aside_and_kept_too(sound: Path, path: Path):
    elsewhere = path.with_name("elsewhere.db")
    damaged(sound, elsewhere, 0, b"")
    with closing(Store.open(elsewhere)) as store:
        for number in range(5):
            store.messages.add(message(f"late-{number}", chat_id="other", content="late"))
        # As a killed host leaves them.
        shutil.copyfile(f"{elsewhere}-wal", f"{path}-wal")
    late = Path(f"{path}-wal").read_bytes()
    damaged(sound, path, sound.read_bytes().index(b"word 30 word") // PAGE)
    backup = rescue(path).facts["backup"]
    assert Path(f"{backup}-wal").read_bytes() == late
    with closing(open_all(path)) as store:
        assert store.messages.get("late-4") is not None
        assert store.messages.get("c-59") is not None


def test_old_late_writes_are_never_left_beside_a_new_file(sound: Path, path: Path):
    fresh = path.with_name("cove.db.part")
    shutil.copyfile(sound, fresh)
    path.write_bytes(b"damaged")
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").write_bytes(b"of the damaged file")
    salvage._take_place(fresh, path)
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == sound.read_bytes()


def test_an_answer_in_the_making_is_kept(sound: Path, path: Path):
    damaged(sound, path, pages(sound) - 1)
    with closing(Store.open(path)) as store:
        assert [ended.content for ended in store.messages.recover()] == ["half an answer"]


def test_rows_that_lost_their_company_are_brought_together(path: Path):
    with closing(Store.open(path)) as store:
        fill(store, 6, "c")
        fill(store, 2, "headless")
        store.messages.add(streaming("c-s", "c-5"))
        store.messages.append("c-s", "text")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM chats WHERE id = 'c'")
        connection.execute("UPDATE chats SET head_id = 'nowhere'")
        connection.execute("DELETE FROM messages WHERE id = 'c-2'")
        connection.execute("INSERT INTO chunks VALUES (9, 'nobody', 'lost', '')")
    notice = rescue(path)
    assert notice.facts["kept_messages"] == 8
    with closing(Store.open(path)) as store:
        rescued = store.chats.get("c")
        assert rescued is not None
        assert rescued.head_id == "c-s"
        assert store.messages.path_ids("c-s") == ["c-0", "c-1", "c-3", "c-4", "c-5", "c-s"]
        assert [kept.content for kept in store.messages.recover()] == ["text"]
        headless = store.chats.get("headless")
        assert headless is not None
        assert headless.head_id == "headless-1"
        assert store._database.number("SELECT count(*) FROM chunks") == 0
        assert [found.id for found in store.chats.search("word 5")] == ["c"]


def test_a_lost_text_is_marked_where_its_place_is_known(sound: Path, path: Path):
    for page in range(1, pages(sound)):
        damaged(sound, path, page)
        with closing(Store.open(path)) as store:
            tree, _ = store.messages.tree("c", limit=1000)
        lost = [kept for kept in tree if not kept.content]
        if lost:
            assert {kept.status for kept in lost} == {MessageStatus.FAILED}
            assert {kept.chat_id for kept in lost} == {"c"}
            return
    raise AssertionError("no page held texts")


def test_no_room_for_the_copy_changes_nothing(sound: Path, path: Path, monkeypatch: pytest.MonkeyPatch):
    before = damaged(sound, path, pages(sound) // 2)

    def no_room(source: Path, target: Path) -> None:
        target.write_bytes(b"part")
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(salvage.shutil, "copyfile", no_room)
    with pytest.raises(KnownError) as raised:
        Store.open(path)
    assert raised.value.notice.code is NoticeCode.DISK_FULL
    assert path.read_bytes() == before
    assert backups(path) == []
    monkeypatch.undo()
    with closing(open_all(path)) as store:
        assert store.messages.get("c-1") is not None


def test_a_rescue_cut_off_in_the_middle_is_done_again(
    sound: Path, path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = damaged(sound, path, pages(sound) // 2)
    monkeypatch.setattr(salvage, "_take_place", lambda fresh, path: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        Store.open(path)
    assert path.read_bytes() == before
    monkeypatch.undo()
    with closing(open_all(path)) as store:
        assert store.messages.get("c-1") is not None
        assert not path.with_name("cove.db.part").exists()

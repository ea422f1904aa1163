"""The library: what is in it, how it is found, and which files it may touch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app.domain.model import Model, ModelOptions, ModelSource
from app.domain.notice import NoticeCode
from app.errors import KnownError
from app.models.library import Library
from app.paths import Paths
from tests.fakes.gguf_file import gguf_bytes
from tests.fakes.tables import MemoryTable
from tests.realmodels import smollm2


class Shelf:
    """A library over a home, with what it told."""

    def __init__(self, home: Path, starter: Path | None = None) -> None:
        self.paths = Paths(home)
        self.paths.make()
        self.table: MemoryTable[Model] = MemoryTable()
        self.added: list[Model] = []
        self.removed: list[str] = []
        self.library = self.open(starter)

    def open(self, starter: Path | None = None) -> Library:
        library = Library(
            self.table,
            self.paths,
            starter=starter,
            on_added=self.added.append,
            on_removed=self.removed.append,
        )
        library.open()
        return library

    def file(self, name: str, seed: int = 0, folder: Path | None = None) -> Path:
        path = (folder or self.paths.home / "elsewhere") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gguf_bytes(256, seed=seed))
        return path


@pytest.fixture
def shelf(home: Path) -> Shelf:
    return Shelf(home)


def code_of(call: Callable[[], object]) -> NoticeCode:
    with pytest.raises(KnownError) as caught:
        call()
    return caught.value.notice.code


def test_the_starter_is_there_at_once_and_labelled(home: Path):
    shelf = Shelf(home, smollm2())
    (model,) = shelf.library.models()
    assert (model.id, model.name) == ("smollm2-135m-instruct:q4_1", "SmolLM2-135M-Instruct")
    assert model.is_starter
    assert shelf.added == [model]
    assert shelf.open(smollm2()).models() == (model,)
    assert shelf.added == [model]  # known by now


def test_a_starter_of_another_installation_is_forgotten(shelf: Shelf):
    first, second = shelf.file("a-Q4_0.gguf"), shelf.file("b-Q4_0.gguf", 1)
    shelf.open(first)
    (model,) = shelf.open(second).models()
    assert (Path(model.path), model.is_starter) == (second, True)
    assert shelf.open(None).models() == ()


def test_a_starter_that_was_replaced_is_read_again(shelf: Shelf):
    path = shelf.file("a-Q4_0.gguf")
    (before,) = shelf.open(path).models()
    path.write_bytes(gguf_bytes(8192))
    (after,) = shelf.open(path).models()
    assert (after.id, after.is_starter) == (before.id, True)
    assert after.parameters > before.parameters


def test_a_broken_starter_leaves_the_rest(shelf: Shelf, expect_log: Callable[[str], None]):
    shelf.library.add_file(shelf.file("a-Q4_0.gguf"))
    broken = shelf.file("b-Q4_0.gguf")
    broken.write_bytes(b"no")
    expect_log("The starter model cannot be used")
    assert [model.id for model in shelf.open(broken).models()] == ["a:q4_0"]


def test_a_file_is_used_where_it_lies(shelf: Shelf):
    path = shelf.file("Some-Model-Q8_0.gguf")
    model = shelf.library.find(str(path))
    assert (model.id, model.path, model.quant) == ("some-model:q8_0", str(path), "Q8_0")
    assert (model.size_bytes, model.layers) == (path.stat().st_size, 2)
    assert shelf.library.find(str(path)) == model
    assert shelf.added == [model]
    assert list(shelf.paths.models.iterdir()) == []


def test_a_link_is_the_model_it_leads_to(shelf: Shelf):
    path = shelf.file("a-Q4_0.gguf")
    model = shelf.library.find(str(path))
    link = path.with_name("other-Q8_0.gguf")
    link.symlink_to(path)
    assert shelf.library.find(str(link)) == model


def test_the_quant_comes_from_the_header_when_the_name_has_none(shelf: Shelf):
    assert shelf.library.find(str(shelf.file("plain.gguf"))).id == "plain:q4_k_m"


def test_models_are_found_by_short_forms(shelf: Shelf):
    source = ModelSource(repo="me/Thing-GGUF", filename="thing-Q4_0.gguf")
    model = shelf.library.add_file(shelf.file("thing-Q4_0.gguf"), source, "abc")
    shelf.library.add_file(shelf.file("other-Q4_0.gguf", 1))
    for reference in ("thing:q4_0", "THING:Q4_0", "me/Thing-GGUF:Q4_0", "me/thing-gguf", "thing", "th"):
        assert shelf.library.find(reference) == model
    assert shelf.library.find_source("ME/thing-gguf", "q4_0") == model
    assert shelf.library.find_source("me/Thing-GGUF", "Q8_0") is None
    assert shelf.library.get("thing:q4_0") == model


def test_what_is_not_clear_is_not_guessed(shelf: Shelf):
    shelf.library.add_file(shelf.file("a-Q4_0.gguf"))
    shelf.library.add_file(shelf.file("a-Q8_0.gguf"))
    with pytest.raises(KnownError) as caught:
        shelf.library.find("a")
    assert caught.value.notice.facts == {"model": "a", "candidates": "a:q4_0, a:q8_0"}
    assert code_of(lambda: shelf.library.find("nope")) is NoticeCode.MODEL_NOT_FOUND


def test_bad_paths_are_refused(shelf: Shelf):
    broken = shelf.file("broken.gguf")
    broken.write_bytes(b"<html>")
    adapter = shelf.file("adapter.gguf")
    adapter.write_bytes(gguf_bytes(more={"general.type": "adapter"}))
    find = shelf.library.find
    assert code_of(lambda: find("/no/such/file.gguf")) is NoticeCode.MODEL_FILE_MISSING
    assert code_of(lambda: find("no-such-file.gguf")) is NoticeCode.MODEL_FILE_MISSING
    assert code_of(lambda: find(str(broken))) is NoticeCode.MODEL_CORRUPT
    assert code_of(lambda: find(str(broken.parent))) is NoticeCode.MODEL_FILE_MISSING
    assert code_of(lambda: find(str(adapter))) is NoticeCode.MODEL_UNSUPPORTED
    assert shelf.added == []


def shards(shelf: Shelf, folder: Path | None = None) -> list[Path]:
    paths = [shelf.file(f"big-Q4_0-0000{n}-of-00002.gguf", n, folder) for n in (1, 2)]
    for number, path in enumerate(paths):
        path.write_bytes(gguf_bytes(400, seed=number, more={"split.count": 2, "split.no": number}))
    return paths


def test_shards_are_one_model(shelf: Shelf):
    paths = shards(shelf)
    model = shelf.library.find(str(paths[1]))
    assert (model.id, model.path) == ("big:q4_0", str(paths[0]))
    assert model.parameters == 200
    assert model.size_bytes == sum(path.stat().st_size for path in paths)
    paths[1].unlink()
    assert [entry.id for entry in shelf.library.check()] == ["big:q4_0"]
    assert code_of(lambda: shelf.library.add_file(paths[0])) is NoticeCode.MODEL_FILE_MISSING


def test_a_shard_without_its_number_is_refused(shelf: Shelf):
    alone = shards(shelf)[0].rename(shelf.paths.home / "alone-Q4_0.gguf")
    assert code_of(lambda: shelf.library.add_file(alone)) is NoticeCode.MODEL_CORRUPT


def test_adding_again_updates_and_keeps_what_a_person_set(shelf: Shelf):
    path = shelf.file("a-Q4_0.gguf")
    model = shelf.library.add_file(path, ModelSource(repo="me/a"), "abc")
    options = ModelOptions(context_tokens=512)
    shelf.library.set_options(model.id, options)
    path.write_bytes(gguf_bytes(4096))
    again = shelf.library.add_file(path)
    assert (again.id, again.options, again.added_ms) == (model.id, options, model.added_ms)
    assert (again.source, again.sha256) == (model.source, "abc")
    assert again.size_bytes > model.size_bytes
    assert shelf.open().models() == (again,)
    assert code_of(lambda: shelf.library.set_options("no:q", options)) is NoticeCode.MODEL_NOT_FOUND


def test_what_cove_downloaded_is_deleted_with_its_folders(shelf: Shelf):
    ours = shelf.paths.models / "me" / "Big-GGUF"
    paths = shards(shelf, ours)
    other = shelf.file("other.gguf", folder=shelf.paths.models / "me" / "Other")
    model = shelf.library.add_file(paths[0])
    shelf.library.remove(model.id)
    assert not ours.exists()
    assert other.exists()
    assert shelf.removed == [model.id]
    assert shelf.table.rows == {}


def test_what_a_person_chose_is_only_forgotten(shelf: Shelf):
    path = shelf.file("a-Q4_0.gguf")
    link = shelf.paths.models / "me" / "linked-Q4_0.gguf"
    link.parent.mkdir()
    target = shelf.file("b-Q4_0.gguf")
    link.symlink_to(target)
    for place in (path, link):
        shelf.library.remove(shelf.library.add_file(place).id)
    assert path.exists()
    assert target.exists()  # the link to it was ours
    assert shelf.library.models() == ()


def test_a_folder_that_leads_out_of_ours_is_not_ours(shelf: Shelf):
    path = shelf.file("a-Q4_0.gguf")
    (shelf.paths.models / "link").symlink_to(path.parent)
    model = shelf.library.add_file(shelf.paths.models / "link" / path.name)
    shelf.library.remove(model.id)
    assert path.exists()


def test_the_starter_stays(home: Path):
    shelf = Shelf(home, smollm2())
    (model,) = shelf.library.models()
    assert code_of(lambda: shelf.library.remove(model.id)) is NoticeCode.MODEL_NOT_REMOVABLE
    assert code_of(lambda: shelf.library.remove("no:q")) is NoticeCode.MODEL_NOT_FOUND
    assert shelf.library.models() == (model,)


def test_missing_files_are_flagged_until_they_are_back(shelf: Shelf):
    path = shelf.file("a-Q4_0.gguf")
    model = shelf.library.add_file(path, ModelSource(repo="me/a"))
    away = path.rename(path.with_suffix(".away"))
    assert [(entry.id, entry.is_missing) for entry in shelf.library.check()] == [(model.id, True)]
    assert shelf.library.find_source("me/a", "Q4_0") is None
    assert shelf.library.models()[0].is_missing
    assert len(shelf.library.check()) == 1
    assert len(shelf.added) == 2  # told once
    away.rename(path)
    assert shelf.library.check() == ()
    assert not shelf.added[-1].is_missing

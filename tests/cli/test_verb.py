from __future__ import annotations

from app.cli.verb import spelled_out
from tests.fakes.gguf_file import gguf_bytes


def test_paths_become_absolute_because_the_host_works_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain").touch()
    assert spelled_out("a.gguf") == str(tmp_path / "a.gguf")
    assert spelled_out("./b") == str(tmp_path / "b")
    assert spelled_out("plain") == str(tmp_path / "plain")
    assert spelled_out("~/c.GGUF").startswith("/")


def test_names_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("smollm2", "owner/repo:q4_k_m", "smollm2-135m-instruct:q4_1"):
        assert spelled_out(name) == name


def test_a_model_by_its_path(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.gguf").write_bytes(gguf_bytes())
    assert cli("show", "mine.gguf", "--json").json["path"] == str(tmp_path / "mine.gguf")

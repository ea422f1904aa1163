from __future__ import annotations

import pytest

from app.cli import doctor, texts
from app.cli.doctor import is_writable
from app.domain.engine import Confinement, Device, Guard
from app.domain.notice import Notice, NoticeCode
from app.engine.wire import HelloReply
from app.errors import KnownError
from tests.cli.test_list import STARTER

GREETING = HelloReply(
    protocol=1,
    pid=1,
    engine="llama-cpp-python 0.0",
    devices=(Device(name="CPU", description="A chip", total_bytes=8_000_000_000, free_bytes=4_000_000_000),),
)


@pytest.fixture(autouse=True)
def greeting(monkeypatch):
    """The probe is a process of its own; what it says is tested with it."""
    monkeypatch.setattr(doctor, "probe", lambda folder: GREETING)


def test_a_machine_where_nothing_ran_yet(cli, home):
    report = cli("doctor", "--json").json
    assert report["versions"]["engine"] == "llama-cpp-python 0.0"
    assert report["devices"][0]["free_bytes"] == 4_000_000_000
    assert report["paths"]["home"] == {"path": str(home), "exists": False, "writable": True}
    assert report["processes"] == {"host": None, "engines": []}
    assert [model["path"].endswith(".gguf") for model in report["models"]] == [True]
    assert report["problems"] == []
    assert not home.exists()


def test_a_running_host(cli):
    cli("run", "smollm2", "hi")
    report = cli("doctor", "--json").json
    assert report["processes"]["host"]["memory_bytes"] > 0
    assert report["processes"]["engines"][0]["model"] == STARTER
    assert [model["id"] for model in report["models"]] == [STARTER]


def test_the_last_exits_are_told(cli):
    cli("run", "smollm2", "/crash now")
    assert "engine-died" in cli("doctor", "--json").json["last_exits"][0]
    assert "Last exits" in cli("doctor").out


def test_for_people(cli):
    cli("run", "smollm2", "hi")
    said = cli("doctor").out
    for part in ("llama-cpp-python 0.0", "A chip, 4.0 GB of 8.0 GB free", "Paths", STARTER, "host "):
        assert part in said
    cli.host.close()
    cli.host = None
    assert "  none\n" in cli("doctor").out


def test_why_no_gpu_is_used_is_told_and_is_no_problem(cli, monkeypatch):
    assert cli("doctor", "--json").json["no_gpu"] is None
    reason = Notice(code=NoticeCode.GPU_LIBRARY_MISSING, facts={"detail": "libvulkan.so.1: gone"})
    reply = HelloReply(protocol=1, pid=1, engine="x", why_no_gpu=reason)
    monkeypatch.setattr(doctor, "probe", lambda folder: reply)
    report = cli("doctor", "--json").json
    assert (report["no_gpu"]["code"], report["problems"]) == ("gpu-library-missing", [])
    said = cli("doctor").out
    assert "  No GPU is used" in said
    assert "libvulkan.so.1: gone" in said


def test_what_is_denied_to_the_engine_is_told(cli, monkeypatch):
    confined = Confinement(network=Guard.ON, files=Guard.ON, signals=Guard.NOT_SUPPORTED, landlock=2)
    reply = HelloReply(protocol=1, pid=1, engine="x", confinement=confined)
    monkeypatch.setattr(doctor, "probe", lambda folder: reply)
    report = cli("doctor", "--json").json["confinement"]
    assert (report["network"], report["signals"], report["calls"]) == ("on", "not-supported", "other-system")
    assert report["landlock"] == 2
    said = cli("doctor").out
    assert "  network           denied\n" in said
    assert "(Landlock 2)" in said
    assert "  other processes   not denied: this kernel" in said


def test_all_that_can_be_denied_has_words():
    assert texts.GUARDS.keys() == set(Guard)
    assert (*texts.GUARDED, "landlock") == Confinement.__struct_fields__


def test_what_is_wrong_is_a_problem_in_the_report_and_no_error(cli, home, monkeypatch):
    home.parent.mkdir(exist_ok=True)
    home.write_text("a file where the home should be")
    monkeypatch.setattr(doctor, "probe", lambda folder: None)
    monkeypatch.setattr(doctor, "_PACKAGES", ("no-such-package",))

    def unreachable(work):
        raise KnownError.of(NoticeCode.HOST_UNREACHABLE, detail="silent")

    monkeypatch.setattr(doctor, "processes", unreachable)
    result = cli("doctor", "--json")
    assert result.code == 0
    codes = [problem["code"] for problem in result.json["problems"]]
    assert codes == ["host-unreachable", "engine-died", "home-not-writable"]
    assert result.json["versions"]["no-such-package"] == ""
    assert "Problem: " in cli("doctor").out


def test_another_engine_library_is_a_problem(cli, monkeypatch):
    other = HelloReply(protocol=1, pid=1, engine="x", mismatch="0.0.1")
    monkeypatch.setattr(doctor, "probe", lambda folder: other)
    assert "0.0.1" in cli("doctor", "--json").json["problems"][0]["text"]


def test_a_probe_that_cannot_be_started_is_a_problem(cli, monkeypatch):
    def fail(folder):
        raise OSError("no processes left")

    monkeypatch.setattr(doctor, "probe", fail)
    assert cli("doctor", "--json").json["devices"] == []


def test_what_can_be_written_to(tmp_path):
    (tmp_path / "file").touch()
    assert is_writable(tmp_path, is_folder=True)
    assert is_writable(tmp_path / "not" / "yet", is_folder=True)
    assert is_writable(tmp_path / "file", is_folder=False)
    assert not is_writable(tmp_path / "file", is_folder=True)
    assert not is_writable(tmp_path / "file" / "below", is_folder=False)

from __future__ import annotations

from app.cli import host
from app.spawn import Role


def test_a_host_is_only_run_in_the_foreground(cli):
    result = cli("host")
    assert result.code == 2
    assert "--foreground" in result.err


def test_this_process_becomes_the_host(cli, home, monkeypatch):
    became = []
    monkeypatch.setattr(host, "become", lambda *how, environment: became.append(how) or 0)
    assert cli("host", "--foreground", "--engine", "scripted").code == 0
    assert cli("host", "--foreground").code == 0
    common = (Role.HOST, "--home", str(home), "--foreground")
    assert became == [(*common, "--engine", "scripted"), common]

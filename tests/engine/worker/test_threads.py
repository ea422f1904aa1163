from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.engine.worker import threads
from app.engine.worker.threads import compute_threads


@pytest.fixture
def four_cpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(threads, "_usable_cpus", lambda: {0, 1, 2, 3})
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    return tmp_path


def siblings(folder: Path, cpu: int, text: str) -> None:
    topology = folder / f"cpu{cpu}" / "topology"
    topology.mkdir(parents=True)
    (topology / "thread_siblings_list").write_text(text)


def test_what_the_plan_says_counts():
    assert compute_threads(7) == 7


def test_two_threads_of_a_core_count_once(four_cpus):
    for cpu in range(4):
        siblings(four_cpus, cpu, f"{cpu % 2},{cpu % 2 + 2}\n")
    assert compute_threads(cpus=four_cpus, quota=four_cpus / "none") == 2


def test_a_quota_is_respected(four_cpus):
    for cpu in range(4):
        siblings(four_cpus, cpu, f"{cpu}\n")
    quota = four_cpus / "cpu.max"
    quota.write_text("150000 100000\n")
    assert compute_threads(cpus=four_cpus, quota=quota) == 2
    quota.write_text("max 100000\n")
    assert compute_threads(cpus=four_cpus, quota=quota) == 4


@pytest.mark.parametrize(("machine", "cores"), [("x86_64", 2), ("arm64", 4)])
def test_without_a_topology_it_is_guessed(four_cpus, monkeypatch, machine, cores):
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert compute_threads(cpus=four_cpus / "none", quota=four_cpus / "none") == cores


def test_this_machine_has_at_least_one():
    assert 1 <= compute_threads() <= (os.cpu_count() or 1)


def test_without_affinity_all_count(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert threads._usable_cpus() == set(range(os.cpu_count() or 1))

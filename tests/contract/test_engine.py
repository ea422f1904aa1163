"""What every engine promises, in good times and in bad. The same tests for a script and for llama.cpp.

Each fault is brought about when the engine itself has reported the phase, and the test asserts that the phase
was not over. Then: the process is gone, there is exactly one terminal event, it says what happened, and the
next request is answered.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import psutil
import pytest

from app.domain.engine import EngineState
from app.domain.generation import Phase, StopReason
from app.domain.notice import NoticeCode
from app.engine.base import Finished
from tests.contract.engine_cases import (
    CASES,
    CHILDREN,
    HOSTILE_TEMPLATES,
    NOISE,
    EngineCase,
    Opened,
    is_in_prefill,
    is_loading,
)
from tests.fakes.listener import Listener
from tests.waiting import wait_until

STOP_GOAL_S = 0.1
DEADLINE_S = 20 * STOP_GOAL_S


def params(names: Iterable[str]) -> list[object]:
    marks = {"real": pytest.mark.llama}
    return [pytest.param(CASES[name], id=name, marks=marks.get(name, ())) for name in names]


every_engine = pytest.mark.parametrize("case", params(CASES))
every_child = pytest.mark.parametrize("case", params(CHILDREN))


def check_gone(process: psutil.Process) -> None:
    wait_until(lambda: not process.is_running(), what=f"the end of process {process.pid}")


def check_killed(opened: Opened, process: psutil.Process, asked: Listener) -> None:
    """After SIGKILL from outside."""
    assert asked.code == NoticeCode.ENGINE_DIED
    assert asked.end().notice.facts["signal"] == "SIGKILL"
    check_gone(process)
    opened.wait_for_status(lambda status: status.state == EngineState.FAILED, "failed")
    assert opened.engine.status.notice == asked.end().notice
    opened.check_next_is_answered()
    assert opened.engine.status.pid != process.pid


# In good times


@every_engine
def test_answers_stream_in_order(opening, case: EngineCase):
    opened = opening(case)
    asked = [opened.ask(case.question()) for _ in range(3)]
    order = [Phase.QUEUED, Phase.LOADING, Phase.TEMPLATE, Phase.PREFILL, Phase.DECODE]
    for one in asked:
        assert isinstance(one.end(60), Finished)
        assert one.stop_reason in (StopReason.END, StopReason.LENGTH)
        assert one.text
        # A child says again that a request is queued; only that may come after LOADING.
        phases = [phase for phase in one.phases if phase != Phase.QUEUED]
        assert phases == sorted(phases, key=order.index)
        assert {event.id for event in one.events} == {one.request.id}
    assert opened.engine.status.active_requests == 0
    assert opened.engine.status.state == EngineState.READY


@every_engine
def test_stop_is_felt_at_once(opening, case: EngineCase):
    opened = opening(case)
    running, other = opened.ask(case.endless()), opened.ask(case.endless())
    running.wait_for_text(60)
    for asked in (other, running):
        assert not running.terminals
        began = time.monotonic()
        opened.engine.cancel(asked.request.id)
        assert asked.stop_reason == StopReason.CANCELLED
        assert asked.at[-1] - began < DEADLINE_S
    opened.engine.cancel("nobody")
    opened.check_next_is_answered()
    assert len(running.terminals) == 1


@every_engine
def test_close_ends_all_that_runs(opening, case: EngineCase):
    opened = opening(case)
    asked = [opened.ask(case.endless()), opened.ask(case.endless())]
    asked[0].wait_for_text(60)
    opened.engine.close()
    assert [one.stop_reason for one in asked] == [StopReason.CANCELLED] * 2
    late = opened.ask(case.question())
    assert late.code == NoticeCode.MODEL_LOAD_CANCELLED


# Killed


@every_child
def test_killed_in_load(opening, case: EngineCase):
    opened = opening(case, "slow-load")
    asked = opened.ask(case.question())
    status = opened.wait_for_status(is_loading, "a load in progress")
    process = psutil.Process(status.pid)
    process.send_signal(signal.SIGKILL)
    asked.end()
    assert all(status.state != EngineState.READY for status in opened.statuses)
    check_killed(opened, process, asked)


@every_child
def test_killed_in_prefill(opening, case: EngineCase):
    opened = opening(case)
    asked = opened.ask(case.long_prompt())
    asked.wait(is_in_prefill, "prefill", 60)
    process = opened.process
    process.send_signal(signal.SIGKILL)
    asked.end()
    assert Phase.DECODE not in asked.phases
    check_killed(opened, process, asked)


@every_child
def test_killed_in_decode(opening, case: EngineCase):
    opened = opening(case)
    asked = opened.ask(case.endless())
    asked.wait_for_text(60)
    process = opened.process
    process.send_signal(signal.SIGKILL)
    asked.end()
    check_killed(opened, process, asked)


@every_child
@pytest.mark.parametrize("phase", ["stalled-load", "slow-load", "prefill", "decode"])
def test_no_orphan_when_the_host_is_killed(home: Path, case: EngineCase, phase: str):
    argv = [sys.executable, "-m", "tests.fakes.engine_host", case.name, str(home), phase]
    root = Path(__file__).parent.parent.parent
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=root, start_new_session=True) as host:
        process = psutil.Process(int(host.stdout.readline()))
        relatives = [process, *process.children(recursive=True)]
        assert all(relative.is_running() for relative in relatives)
        os.kill(host.pid, signal.SIGKILL)
        host.wait()
    for relative in relatives:
        wait_until(lambda: not is_alive(relative), what=f"the end of {relative}")  # noqa: B023


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


# Hung


@every_child
def test_stopped_by_a_signal(opening, case: EngineCase):
    opened = opening(case)
    asked = opened.ask(case.endless())
    asked.wait_for_text(60)
    process = opened.process
    process.suspend()
    assert asked.code == NoticeCode.ENGINE_HUNG
    assert asked.end().notice.facts["phase"] == Phase.DECODE
    check_gone(process)
    opened.check_next_is_answered()


@every_child
def test_a_load_that_stalls(opening, case: EngineCase):
    opened = opening(case, "stalled-load")
    asked = opened.ask(case.question())
    process = psutil.Process(opened.wait_for_status(is_loading, "a load in progress").pid)
    assert asked.code == NoticeCode.ENGINE_HUNG
    assert asked.end().notice.facts["phase"] == Phase.LOADING
    check_gone(process)
    opened.check_next_is_answered()


@every_child
def test_a_load_that_is_only_slow_is_waited_for(opening, case: EngineCase):
    """It takes three seconds, more than twice as long as silence may last."""
    opened = opening(case, "slow-load")
    opened.check_next_is_answered()
    progress = [status.progress for status in opened.statuses]
    assert len(set(progress)) > 10


# Stopped


@every_child
def test_stop_in_a_long_prefill(opening, case: EngineCase):
    opened = opening(case)
    asked = opened.ask(case.long_prompt())
    asked.wait(is_in_prefill, "prefill", 60)
    began = time.monotonic()
    opened.engine.cancel(asked.request.id)
    assert asked.stop_reason == StopReason.CANCELLED
    assert asked.at[-1] - began < DEADLINE_S
    assert Phase.DECODE not in asked.phases
    pid = opened.engine.status.pid
    opened.check_next_is_answered()
    assert opened.engine.status.pid == pid
    assert len(asked.terminals) == 1


@every_child
def test_a_load_can_be_cancelled(opening, case: EngineCase):
    opened = opening(case, "slow-load")
    asked = opened.ask(case.question())
    process = psutil.Process(opened.wait_for_status(is_loading, "a load in progress").pid)
    opened.engine.cancel_load()
    assert asked.code == NoticeCode.MODEL_LOAD_CANCELLED
    check_gone(process)
    opened.check_next_is_answered()


# Bad files, noise, bad templates


@every_child
@pytest.mark.parametrize("trouble", ["cut", "random"])
def test_a_bad_file(opening, case: EngineCase, trouble: str):
    opened = opening(case, trouble)
    asked = opened.ask(case.question())
    process = opened.process
    assert asked.code == NoticeCode.MODEL_CORRUPT
    check_gone(process)
    opened.wait_for_status(lambda status: status.state == EngineState.FAILED, "failed")
    case.mend(opened)
    opened.check_next_is_answered()


@every_child
def test_native_noise_on_standard_output(opening, case: EngineCase):
    opened = opening(case, "noise")
    opened.check_next_is_answered()
    opened.check_next_is_answered()
    # The log is written by a thread of its own, which may be behind the answers.
    wait_until(lambda: opened.log.count(NOISE) > 2, what="the noise in the log")


@every_engine
@pytest.mark.parametrize("template", HOSTILE_TEMPLATES.values(), ids=HOSTILE_TEMPLATES)
def test_a_hostile_template_fails_alone(opening, case: EngineCase, template: str):
    opened = opening(case)
    request, codes = case.hostile(template)
    asked = opened.ask(request)
    assert isinstance(asked.end(60), object)
    assert asked.code in codes
    assert Phase.DECODE not in asked.phases
    pid = opened.engine.status.pid
    opened.check_next_is_answered()
    assert opened.engine.status.pid == pid

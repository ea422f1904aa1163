from __future__ import annotations

from app.domain.generation import Priority
from app.engine.base import GenerateRequest, PhaseMoved
from app.engine.worker.generate import Generation
from app.engine.worker.job import Job


def job(number: int, priority: Priority, events: list[object] | None = None) -> Job:
    request = GenerateRequest(id=str(number), messages=(), priority=priority)
    return Job(Generation(request, None, (events if events is not None else []).append), number)


def test_the_urgent_go_first_then_those_that_came_first():
    jobs = [job(1, Priority.BACKGROUND), job(2, Priority.INTERACTIVE), job(3, Priority.PROGRAM)]
    jobs += [job(4, Priority.INTERACTIVE)]
    assert [each.id for each in sorted(jobs)] == ["2", "4", "3", "1"]


def test_that_it_waits_is_told_once_until_it_goes_on():
    events: list[object] = []
    waiting = job(1, Priority.INTERACTIVE, events)
    waiting.tell_queued()
    waiting.tell_queued()
    assert len(events) == 1
    waiting.tell_resumed()
    waiting.tell_queued()
    phases = [event.phase.value for event in events if isinstance(event, PhaseMoved)]
    assert phases == ["queued", "decode", "queued"]

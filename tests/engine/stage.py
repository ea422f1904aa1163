"""A supervisor with everything around it replaced: children that are records, a clock that stands still."""

from __future__ import annotations

import msgspec

from app.domain.engine import EngineState, EngineStatus, LoadedModel, LoadPlan
from app.domain.notice import NoticeCode
from app.engine import wire
from app.engine.process import ExitFacts
from app.engine.silence import Limits
from app.engine.supervisor import Supervisor
from tests.fakes.clock import FakeClock
from tests.fakes.fake_child import FakeChild
from tests.fakes.listener import Listener, request_for

PLAN = LoadPlan(model_id="m", model_path="/m", batch_tokens=512)
LOADED = LoadedModel(context_tokens=4096, layers=3, gpu_layers=0)
KILLED = ExitFacts(signal="SIGKILL")


def halve(plan: LoadPlan) -> LoadPlan | None:
    return (
        msgspec.structs.replace(plan, batch_tokens=plan.batch_tokens // 2) if plan.batch_tokens > 1 else None
    )


class Stage:
    """A supervisor, its children and everything it said."""

    def __init__(self, **options) -> None:
        self.clock = FakeClock()
        self.children: list[FakeChild] = []
        self.statuses: list[EngineStatus] = []
        self.oom_kills = 0
        self.start_error: OSError | None = None
        self.supervisor = Supervisor(
            PLAN,
            start_child=self._start,
            on_status=self.statuses.append,
            ladder=options.pop("ladder", halve),
            limits=options.pop("limits", Limits()),
            hello=wire.Hello(helper_argv=("render",)),
            clock=self.clock,
            count_oom_kills=lambda: self.oom_kills,
        )

    def _start(self) -> FakeChild:
        if self.start_error:
            raise self.start_error
        self.children.append(FakeChild(100 + len(self.children)))
        return self.children[-1]

    @property
    def child(self) -> FakeChild:
        return self.children[-1]

    @property
    def state(self) -> EngineState:
        return self.supervisor.status.state

    @property
    def notice(self) -> NoticeCode | None:
        return self.supervisor.status.notice.code if self.supervisor.status.notice else None

    def say(self, *frames: wire.FromChild) -> None:
        for frame in frames:
            self.supervisor.frame_came(self.child, frame)

    def greet(self) -> None:
        self.say(wire.HelloReply(protocol=wire.PROTOCOL, pid=self.child.pid, engine="fake"))

    def make_ready(self) -> None:
        self.greet()
        self.say(wire.Loaded(model=LOADED))

    def exit(self, facts: ExitFacts = KILLED) -> None:
        self.supervisor.child_exited(self.child, facts)

    def ask(self, text: str = "hello", request_id: str = "") -> Listener:
        listener = Listener()
        listener.request = request_for(text, request_id=request_id)
        self.supervisor.generate(listener.request, listener)
        return listener

    def pass_time(self, seconds: float) -> None:
        for _ in range(int(seconds / 0.25)):
            self.clock.advance(0.25)
            self.supervisor.tick()

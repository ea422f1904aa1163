from __future__ import annotations

from pathlib import Path

from app.domain.engine import EngineState, LoadPlan
from app.engine.client import SupervisedEngine
from app.engine.scripted import ScriptedEngine
from app.host.engines import engine_maker, machine_prober
from app.paths import resolve
from tests.realmodels import smollm2


def test_each_kind_makes_its_engine(home: Path) -> None:
    paths = resolve(home)
    paths.make()
    plan = LoadPlan(model_id="m", model_path=str(smollm2()))
    for kind, expected in (("scripted", ScriptedEngine), ("llama", SupervisedEngine)):
        engine = engine_maker(kind, paths)(plan, lambda status: None)
        assert isinstance(engine, expected)
        assert engine.status.state is EngineState.IDLE
        engine.close()


def test_the_machine_is_looked_at_through_a_child_that_is_gone_afterwards(home: Path) -> None:
    paths = resolve(home)
    paths.make()
    machine = machine_prober("llama", paths)()
    assert "cpu" in {device.kind for device in machine.devices}
    assert machine.memory_bytes > 0
    assert machine_prober("scripted", paths)().devices == ()

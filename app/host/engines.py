"""Which kind of engine a host uses: llama.cpp in supervised children, or a script."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from app.domain.engine import LoadPlan
from app.engine.base import Engine, OnStatus
from app.engine.dryrun import dry_run
from app.engine.probe import probe
from app.engine.scripted import ScriptedEngine
from app.engine.templates import check_template
from app.paths import Paths
from app.planning.ladder import safer
from app.planning.plan import Machine, this_machine
from app.planning.planner import Planner
from app.planning.residency import MakeEngine
from app.planning.vetting import CheckTemplate


def engine_maker(kind: str, paths: Paths) -> MakeEngine:
    """Returns what builds an engine for a plan. `kind` is "llama" or "scripted"."""

    def scripted(plan: LoadPlan, on_status: OnStatus) -> Engine:
        return ScriptedEngine(plan, on_status)

    def supervised(plan: LoadPlan, on_status: OnStatus) -> Engine:
        from app.engine.client import SupervisedEngine  # not needed, and so not imported, by a scripted host

        return SupervisedEngine(plan, paths=paths, ladder=safer, on_status=on_status)

    return scripted if kind == "scripted" else supervised


def machine_prober(kind: str, paths: Paths) -> Callable[[], Machine]:
    """Returns what looks at the machine before each plan."""
    return MachineProber(paths) if kind == "llama" else this_machine


def template_checker(kind: str, paths: Paths) -> CheckTemplate:
    """Returns what compiles a model's chat template before its first load."""
    return partial(check_template, home=paths.home) if kind == "llama" else lambda _: None


def planner(kind: str, paths: Paths) -> Planner:
    """Returns what plans loads; with llama.cpp it asks a throw-away child what a plan would take."""
    if kind != "llama":
        return Planner()
    return Planner(
        lambda plan: dry_run(
            plan, paths.home, paths.logs / "engine.log", driver_cache=str(paths.driver_cache)
        )
    )


class MachineProber:
    """Asks a throw-away child for the devices, each time: free memory changes, cards come and go."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def __call__(self) -> Machine:
        greeting = probe(self._paths.home, self._paths.logs / "engine.log")
        return this_machine(greeting.devices if greeting is not None else ())

"""A host whose engines are processes that play a script: real children and their care, without a model."""

from __future__ import annotations

import sys

import app.host.run
from app.domain.engine import LoadPlan
from app.engine.base import Engine, OnStatus
from app.engine.client import SupervisedEngine
from app.host.__main__ import main
from app.paths import Paths
from app.planning.residency import MakeEngine
from tests.fakes.scripted_child import launch


def staged_engines(kind: str, paths: Paths) -> MakeEngine:
    def make(plan: LoadPlan, on_status: OnStatus) -> Engine:
        return SupervisedEngine(plan, on_status, paths=paths, launch=launch())

    return make


if __name__ == "__main__":
    app.host.run.engine_maker = staged_engines
    sys.exit(main())

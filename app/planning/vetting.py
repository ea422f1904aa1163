"""Looks at a model's files before an engine is given them: once for each file, as long as it stays as it is.

Stands before what makes engines, and so runs on residency's thread. A file that is new is validated, its chat
template compiled; of one that was downloaded, llama.cpp checks every block of weights at the first load.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from app.domain.engine import EngineState, EngineStatus, LoadPlan
from app.domain.model import Model, Vetted
from app.engine.base import Engine, OnStatus
from app.models.gguf import read_header
from app.models.library import model_files
from app.models.validate import stamp, validate

CheckTemplate = Callable[[str], None]


class Models(Protocol):
    """What is needed of the library."""

    def get(self, model_id: str) -> Model | None: ...

    def set_vetted(self, model_id: str, vetted: Vetted) -> None: ...


class Vetting:
    """Makes engines as `make_engine` does, of models that were looked at. Raises what the checks raise:
    MODEL_CORRUPT, MODEL_REFUSED, TEMPLATE_FAILED, TEMPLATE_TOO_COSTLY."""

    def __init__(
        self,
        models: Models,
        make_engine: Callable[[LoadPlan, OnStatus], Engine],
        check_template: CheckTemplate,
    ) -> None:
        self._models = models
        self._make_engine = make_engine
        self._check_template = check_template

    def __call__(self, plan: LoadPlan, on_status: OnStatus) -> Engine:
        model = self._models.get(plan.model_id)
        files = model_files(Path(plan.model_path))
        if model is None or not all(file.is_file() for file in files):
            return self._make_engine(plan, on_status)  # which says that the file is gone
        now = stamp(files)
        vetted = self._looked_at(model, files, now)
        if model.source is None or vetted.tensors == now:
            return self._make_engine(plan, on_status)
        clean = msgspec.structs.replace(vetted, tensors=now)

        def heard(status: EngineStatus) -> None:
            if status.state == EngineState.READY:
                self._models.set_vetted(model.id, clean)
            on_status(status)

        return self._make_engine(msgspec.structs.replace(plan, check_tensors=True), heard)

    def _looked_at(self, model: Model, files: list[Path], now: str) -> Vetted:
        vetted = model.vetted
        if vetted.header != now:
            validate(files)
            vetted = msgspec.structs.replace(vetted, header=now)
        # A person's own template takes the place of a broken one.
        if vetted.template != now and model.options.chat_template is None:
            template = read_header(files[0]).text("tokenizer.chat_template")
            if template:
                self._check_template(template)
            vetted = msgspec.structs.replace(vetted, template=now)
        self._models.set_vetted(model.id, vetted)
        return vetted

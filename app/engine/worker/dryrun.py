"""What a plan would take, as llama.cpp itself reckons: model and context are built without memory for them.

Reads no weights, so that the file may be a header with a hole behind it. Recurrent states are really
allocated.
"""

from __future__ import annotations

from app.domain.engine import LoadPlan
from app.engine.wire import Measured
from app.engine.worker.bindings import Library
from app.engine.worker.buffers import buffers_of, cache_bytes
from app.engine.worker.context import Context
from app.engine.worker.control import Control
from app.engine.worker.model import load_model
from app.engine.worker.stepclock import StepClock


def measure(library: Library, plan: LoadPlan, control: Control) -> Measured:
    """Raises `KnownError` for what would also fail a load: a damaged or unsupported file, no such device."""
    model = load_model(library, plan, lambda _progress: None, control.is_load_cancelled, is_dry=True)
    try:
        weights = buffers_of(library.log.lines())
        context = Context(library, model, StepClock(), control.abort_flag)
        lines = library.log.lines()
        context.close()
    finally:
        model.close()
    return Measured(buffers=(*weights, *buffers_of(lines)), kv_bytes=cache_bytes(lines))

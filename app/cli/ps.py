"""`cove ps`: what runs. Starts nothing."""

from __future__ import annotations

from app.cli.verb import DONE, Options, Subparsers, Work, add_verb, ask
from app.client.protocol import ListProcesses, Processes
from app.domain.engine import EngineState, EngineStatus
from app.domain.notice import NoticeCode
from app.errors import KnownError

_HEAD = ("MODEL", "STATE", "PID", "CONTEXT", "GPU LAYERS", "ANSWERS")


def add(verbs: Subparsers) -> None:
    add_verb(verbs, "ps", "show what runs", run)


def run(options: Options, work: Work) -> int:
    found = processes(work)
    if options.json:
        work.console.json(as_json(found))
    elif found is None:
        work.console.line("Nothing is running.")
    else:
        work.console.line(f"host {found.host_pid}, version {found.version}, clients: {found.clients - 1}")
        if found.engines:
            work.console.table(_HEAD, (_row(engine) for engine in found.engines))
        else:
            work.console.line("No model is loaded.")
    return DONE


def processes(work: Work) -> Processes | None:
    """Returns what the running host says of itself, or None when none runs."""
    try:
        with work.client(may_start=False) as client:
            return ask(client, ListProcesses(), Processes)
    except KnownError as error:
        if error.notice.code is NoticeCode.HOST_NOT_RUNNING:
            return None
        raise


def as_json(found: Processes | None) -> dict[str, object]:
    if found is None:
        return {"host": None, "engines": []}
    host = {
        "pid": found.host_pid,
        "version": found.version,
        "started_ms": found.started_ms,
        "clients": found.clients - 1,  # without the one that asks
    }
    return {"host": host, "engines": [_engine(engine) for engine in found.engines]}


def _engine(engine: EngineStatus) -> dict[str, object]:
    return {
        "pid": engine.pid,
        "model": engine.model_id,
        "state": engine.state.value,
        "progress": engine.progress,
        "active_requests": engine.active_requests,
        "loaded": engine.loaded,
    }


def _row(engine: EngineStatus) -> tuple[str, ...]:
    state = engine.state.value
    if engine.state is EngineState.LOADING:
        state = f"{state} {engine.progress:.0%}"
    loaded = engine.loaded
    return (
        engine.model_id,
        state,
        str(engine.pid or ""),
        str(loaded.context_tokens) if loaded else "",
        f"{loaded.gpu_layers}/{loaded.layers}" if loaded else "",
        str(engine.active_requests),
    )

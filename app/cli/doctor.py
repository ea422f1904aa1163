"""`cove doctor`: what there is, what runs, and what is wrong. Starts no host and makes no home."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import tempfile
from pathlib import Path
from typing import Any

import psutil

import app
from app.cli.ps import as_json, processes
from app.cli.sizes import readable_bytes
from app.cli.texts import FILES_DENIED, GUARDED, GUARDS, sentence
from app.cli.verb import DONE, Options, Subparsers, Work, add_verb, snapshot
from app.client.protocol import Processes
from app.domain.engine import Confinement, Guard
from app.domain.notice import Notice, NoticeCode
from app.engine.probe import probe
from app.engine.wire import HelloReply
from app.errors import KnownError
from app.paths import Paths, starter_model

_PACKAGES = ("PySide6-Essentials", "llama-cpp-python", "huggingface-hub", "msgspec")

Report = dict[str, Any]


def add(verbs: Subparsers) -> None:
    add_verb(verbs, "doctor", "show versions, devices, paths, processes and what went wrong", run)


def run(options: Options, work: Work) -> int:
    report = examine(work)
    if options.json:
        work.console.json(report)
    else:
        _print(report, work)
    return DONE


def examine(work: Work) -> Report:
    """Looks at everything; what cannot be had is a problem in the report, never an error."""
    problems: list[Notice] = []
    found = _running(work, problems)
    greeting = _greeting(work.paths)
    if greeting is None:
        problems.append(Notice(code=NoticeCode.ENGINE_DIED, facts={"reason": "it did not answer a probe"}))
    elif greeting.mismatch:
        facts = {"expected": "the pinned version", "found": greeting.mismatch}
        problems.append(Notice(code=NoticeCode.ENGINE_MISMATCH, facts=dict(facts)))
    places = _places(work.paths)
    if not places["home"]["writable"]:
        problems.append(Notice(code=NoticeCode.HOME_NOT_WRITABLE, facts={"path": str(work.paths.home)}))
    return {
        "versions": _versions(greeting),
        "devices": [_device(device) for device in greeting.devices] if greeting else [],
        "no_gpu": _worded(greeting.why_no_gpu) if greeting and greeting.why_no_gpu else None,
        "confinement": _plain(greeting.confinement) if greeting else None,
        "memory": {
            "total_bytes": psutil.virtual_memory().total,
            "free_bytes": psutil.virtual_memory().available,
        },
        "paths": places,
        "models": _models(work, found),
        "processes": _processes(found),
        "last_exits": list(found.last_exits) if found else [],
        "contacted_hosts": list(found.contacted_hosts) if found else [],
        "problems": [_worded(notice) for notice in problems],
    }


def _worded(notice: Notice) -> dict[str, str]:
    return {"code": notice.code.value, "text": sentence(notice)}


def _running(work: Work, problems: list[Notice]) -> Processes | None:
    try:
        return processes(work)
    except KnownError as error:
        problems.append(error.notice)
        return None


def _greeting(paths: Paths) -> HelloReply | None:
    try:
        return probe(paths.home if paths.home.is_dir() else Path(tempfile.gettempdir()))
    except OSError:
        return None


def _versions(greeting: HelloReply | None) -> dict[str, str]:
    return {
        "cove": app.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "engine": greeting.engine if greeting else "",
        **{name: _version(name) for name in _PACKAGES},
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _device(device: Any) -> dict[str, Any]:
    names = ("name", "description", "kind", "total_bytes", "free_bytes")
    return {name: getattr(device, name) for name in names}


def _plain(confinement: Confinement) -> dict[str, Any]:
    return {name: getattr(confinement, name) for name in confinement.__struct_fields__}


def _places(paths: Paths) -> dict[str, dict[str, Any]]:
    folders = {"home": paths.home, "models": paths.models, "logs": paths.logs, "runtime": paths.runtime}
    files = {"database": paths.database, "settings": paths.settings}
    return {
        name: {"path": str(path), "exists": path.exists(), "writable": is_writable(path, name in folders)}
        for name, path in {**folders, **files}.items()
    }


def is_writable(path: Path, is_folder: bool) -> bool:
    """Says whether it can be written to, or made where it is not yet."""
    existing = next(place for place in (path, *path.parents) if place.exists())
    is_right_kind = existing.is_dir() == (is_folder or existing != path)
    return is_right_kind and os.access(existing, os.W_OK)


def _models(work: Work, found: Processes | None) -> list[dict[str, Any]]:
    """From the host if it runs; otherwise the files that lie where models are kept."""
    if found is not None:
        try:
            with work.client(may_start=False) as client:
                return [{"id": model.id, "path": model.path} for model in snapshot(client).models]
        except KnownError:
            pass  # it has just left
    starter = starter_model()
    files = sorted(work.paths.models.rglob("*.gguf")) if work.paths.models.is_dir() else []
    return [{"id": None, "path": str(path)} for path in ([starter] if starter else []) + files]


def _processes(found: Processes | None) -> dict[str, Any]:
    report = as_json(found)
    for process in [report["host"], *_list(report["engines"])]:
        if isinstance(process, dict) and process.get("pid"):
            process["memory_bytes"] = _memory(process["pid"])
    return report


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _memory(pid: int) -> int | None:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None


def _print(report: Report, work: Work) -> None:
    console = work.console
    for name, version in report["versions"].items():
        console.line(f"{name:<20}{version or 'not found'}")
    console.line("\nDevices")
    memory = report["memory"]
    for device in report["devices"]:
        sizes = f"{readable_bytes(device['free_bytes'])} of {readable_bytes(device['total_bytes'])} free"
        console.line(f"  {device['name']:<18}{device['kind']:<7}{device['description']}, {sizes}")
    free, total = readable_bytes(memory["free_bytes"]), readable_bytes(memory["total_bytes"])
    console.line(f"  {'memory':<18}{'':<7}{free} of {total} free")
    if report["no_gpu"]:
        text = report["no_gpu"]["text"]
        console.line(f"  {text[0].upper()}{text[1:]}")
    _print_confinement(report, work)
    console.line("\nPaths")
    for name, place in report["paths"].items():
        state = "" if place["exists"] else " (not there yet)"
        console.line(f"  {name:<18}{place['path']}{state}{'' if place['writable'] else ' (not writable)'}")
    console.line("\nModels")
    for model in report["models"]:
        console.line(f"  {model['id'] or ''}  {model['path']}".rstrip())
    _print_processes(report, work)
    for problem in report["problems"]:
        console.line(f"\nProblem: {problem['text']}")


def _print_confinement(report: Report, work: Work) -> None:
    if report["confinement"] is None:
        return
    work.console.line("\nDenied to the engine")
    for name, words in GUARDED.items():
        state = Guard(report["confinement"][name])
        is_precise = name == "files" and state is Guard.ON
        said = FILES_DENIED.format(**report["confinement"]) if is_precise else GUARDS[state]
        work.console.line(f"  {words:<18}{said}")


def _print_processes(report: Report, work: Work) -> None:
    host, engines = report["processes"]["host"], report["processes"]["engines"]
    work.console.line("\nProcesses")
    if host is None:
        work.console.line("  none")
        return
    work.console.line(f"  host    {host['pid']}, {readable_bytes(host['memory_bytes'] or 0)}")
    for engine in engines:
        size = readable_bytes(engine.get("memory_bytes") or 0)
        work.console.line(f"  engine  {engine['pid']}, {engine['model']}, {engine['state']}, {size}")
    if report["last_exits"]:
        work.console.line("\nLast exits")
    for line in report["last_exits"]:
        work.console.line(f"  {line}")

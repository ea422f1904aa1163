"""Imports follow the table: layers point one way, and each heavy library has one door."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.import_table import DOORS, IMPORTS
from tests.architecture.sources import Source, is_within, loaded_by, sources

OURS = ("app", "ui", "resources")
# A template helper stays in the session of its engine child, so that killing the child's group ends both; so
# does what makes a GPU's device nodes.
PROCESS_STARTERS = ("app.spawn", "app.engine.worker.template", "app.engine.worker.confinement")
MODULES = frozenset(source.module for source in sources(*OURS))


def row_of(module: str) -> str:
    return max((row for row in IMPORTS if is_within(module, row)), key=len, default="")


def may_import(importer: str, imported: str) -> bool:
    """A package with a row of its own is not part of the package around it: `app` in a row means its version
    only, and `app.engine` leaves the worker out."""
    row, target = row_of(importer), row_of(imported)
    names = (row, *IMPORTS.get(row, ()))
    return any(
        is_within(imported, name) and (target == name or not is_within(target, name)) for name in names
    )


def targets(source: Source) -> set[str]:
    """The modules of ours that a file imports."""
    found: set[str] = set()
    for name in source.imports():
        if name.split(".")[0] in OURS:
            found.add(name if name in MODULES else name.rpartition(".")[0])
    return found


def test_imports_follow_the_table():
    wrong = [
        f"{source.name} imports {target}"
        for source in sources(*OURS)
        for target in sorted(targets(source))
        if target != source.module and not may_import(source.module, target)
    ]
    assert wrong == []


def test_each_package_has_a_row():
    assert [source.name for source in sources(*OURS) if not row_of(source.module)] == []


def test_each_heavy_library_has_one_door():
    wrong = [
        f"{source.name} imports {name}"
        for source in sources(*OURS)
        for name in source.imports()
        for library, doors in DOORS.items()
        if is_within(name, library) and not any(is_within(source.module, door) for door in doors)
    ]
    assert wrong == []


def test_view_models_use_only_the_core_of_qt():
    wrong = [
        f"{source.name} imports {name}"
        for source in (*sources("ui/viewmodels"), *sources("ui/bridge.py"))
        for name in source.imports()
        if is_within(name, "PySide6") and not is_within(name, "PySide6.QtCore")
    ]
    assert wrong == []


def test_processes_are_started_in_one_place():
    starters = {"Popen", "run", "call", "check_call", "check_output", "system", "posix_spawn", "fork"}
    wrong = [
        f"{source.name}:{node.lineno}"
        for source in sources("app", "ui")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("subprocess", "os")
        and node.func.attr in starters
        and source.module not in PROCESS_STARTERS
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("app.domain.chat", "app.domain.value", True),
        ("app.domain.chat", "app.errors", False),
        ("app.store.messages", "app.domain.chat", True),
        ("app.store.messages", "app.chat.turn", False),
        ("app.downloads.queue", "app.models.hub", True),
        ("app.models.library", "app.downloads.queue", False),
        ("app.engine.client", "app.engine.worker.bindings", False),
        ("app.core", "app.engine.worker.bindings", False),
        ("app.engine.worker.generate", "app.engine.wire", True),
        ("app.engine.worker.generate", "app.engine.supervisor", False),
        ("app.cli.doctor", "app.engine.wire", True),
        ("app.cli.doctor", "app.engine.client", False),
        ("app.client.connect", "app.core", False),
        ("app.client.connect", "app", True),
        ("ui.views.chat", "ui.viewmodels.chat", True),
        ("ui.views.chat", "app.client.client", False),
    ],
)
def test_the_table_reads_as_meant(importer, imported, allowed):
    assert may_import(importer, imported) is allowed


def test_the_client_does_not_load_the_core():
    loaded = loaded_by("import app.client.connect")
    heavy = {"sqlite3", "llama_cpp", "huggingface_hub", "jinja2", "numpy", "asyncio", "argparse"}
    assert sorted(loaded & heavy) == []
    ours = {name for name in loaded if is_within(name, "app")}
    assert [name for name in sorted(ours) if not may_import("app.client.connect", name)] == []

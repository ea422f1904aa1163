"""Every module that does something has its test file, at the mirrored place."""

from __future__ import annotations

from pathlib import Path

from tests.architecture.sources import ROOT, Source, sources


def test_file(source: Source) -> Path:
    """app/store/rows.py -> tests/store/test_rows.py; a package itself -> tests/store/test_store.py."""
    parts = list(source.path.relative_to(ROOT).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts[-1] = parts[-2]
    folders = parts[1:-1] if parts[0] == "app" else parts[:-1]
    return Path("tests", *folders, f"test_{parts[-1].strip('_')}.py")


test_file.__test__ = False


def test_every_module_has_its_test_file():
    missing = [
        f"{source.name} has no {test_file(source)}"
        for source in (*sources("app"), *sources("ui/viewmodels"), *sources("ui/bridge.py"))
        if source.does_something() and not (ROOT / test_file(source)).exists()
    ]
    assert missing == []


def test_every_folder_of_tests_is_a_package():
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []

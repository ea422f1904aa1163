"""The licence of everything that is bundled goes with it, also of what came as a requirement of another."""

from __future__ import annotations

from importlib.metadata import Distribution, PackageNotFoundError

import pytest

from tests.packaging.scripts import load

licences = load("licences")


@pytest.fixture
def installed(tmp_path):
    """Makes packages as pip would leave them; returns what finds them."""

    def install(name, requires=(), text=None, licence="BSD"):
        info = tmp_path / f"{name}-1.0.dist-info"
        (info / "licenses").mkdir(parents=True)
        lines = [f"Name: {name}", "Version: 1.0", f"License: {licence}"]
        (info / "METADATA").write_text("\n".join([*lines, *(f"Requires-Dist: {each}" for each in requires)]))
        if text is not None:
            (info / "licenses" / "LICENSE.md").write_text(text)
        rows = [f"{name}/license_keys.py,,", f"{info.name}/METADATA,,", f"{info.name}/licenses/LICENSE.md,,"]
        (info / "RECORD").write_text("\n".join(rows if text is not None else rows[:2]))

    def find(name):
        info = tmp_path / f"{name}-1.0.dist-info"
        if not info.exists():
            raise PackageNotFoundError(name)
        return Distribution.at(info)

    find.install = install
    return find


def test_requirements_of_requirements_count_and_extras_do_not(installed):
    installed.install("one", ["Two_Sub>=1; python_version > '3'", "three; extra == 'tests'", "windows-only"])
    installed.install("two-sub", ["one"])
    installed.install("three")
    assert list(licences.parts(["one[x]<2", "One"], installed)) == ["one", "two-sub"]


def test_the_whole_text_is_there_or_else_the_name(installed):
    installed.install("one", text="Do as you like.\n")
    installed.install("two", licence="MIT")
    assert licences.licence(installed("one")) == "one 1.0\nBSD\n\nDo as you like.\n"
    assert licences.licence(installed("two")) == "two 1.0\nMIT\n"

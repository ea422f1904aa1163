"""What the packages say of the app is true and well-formed, before the tools of a distribution see it."""

from __future__ import annotations

import argparse
import configparser
import re
import xml.etree.ElementTree as ElementTree

import app
from app.cli.main import make_parser
from tests.architecture.sources import ROOT
from tests.packaging.scripts import load

package = load("package")
next_version = load("smoke/next_version")
LINUX = ROOT / "packaging" / "linux"


def verbs():
    (choices,) = (
        action.choices for action in make_parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    return set(choices)


def test_the_manual_page_names_every_verb_and_no_other():
    page = (LINUX / "cove.1").read_text(encoding="utf-8")
    described = page.partition(".SH VERBS")[2].partition(".PP")[0]
    heads = re.findall(r"^\.TP\n(.*)$", described, re.MULTILINE)
    plain = " ".join(re.sub(r"\\f.", "", head) for head in heads)  # without changes of font
    assert set(re.findall(r"\b[a-z]+\b", plain)) == verbs()


def test_the_version_is_the_app_s_and_comes_into_every_text():
    assert package.app_version() == app.__version__
    assert package.filled("@VERSION@ of @DATE@", "1.2.3", 86_400) == "1.2.3 of 1970-01-02"


def test_the_desktop_entry_starts_the_program_and_groups_its_windows():
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str
    parser.read(LINUX / "cove.desktop", encoding="utf-8")
    entry = parser["Desktop Entry"]
    assert entry["Exec"].split()[0] == entry["Icon"] == entry["StartupWMClass"] == "cove"
    assert (entry["Exec"], entry["MimeType"]) == ("cove %f", "application/x-gguf;")  # opens models, too
    assert {"Comment[vi]", "Comment[zh_CN]", "GenericName[vi]", "GenericName[zh_CN]"} <= set(entry)


def test_gguf_files_are_known_by_name_and_by_content():
    (kind,) = ElementTree.parse(LINUX / "cove-mime.xml").getroot()
    space = "{http://www.freedesktop.org/standards/shared-mime-info}"
    assert kind.get("type") == "application/x-gguf"
    assert kind.find(f"{space}glob").get("pattern") == "*.gguf"
    assert kind.find(f"{space}magic/{space}match").get("value") == "GGUF"


def test_two_packages_of_the_same_source_carry_the_same_time(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "12")
    assert package.source_time() == 12


def test_missing_tools_are_named_at_once_in_one_line_to_copy(monkeypatch, capsys):
    monkeypatch.setattr(package.shutil, "which", lambda name: None if name in ("lintian", "zstd") else "/x")
    assert package.main([]) == 1
    assert "sudo apt-get install -y lintian zstd" in capsys.readouterr().err


def test_an_upgrade_is_tried_with_the_next_version():
    assert next_version.bumped("0.1.9") == "0.1.10"

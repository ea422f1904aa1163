"""Draws the window in each of its states: `python -m tests.ui.screenshots OUT_DIR [LANGUAGE]`, or without a
folder the pictures of the README.

Light and dark, at 1x and 2x, over the host in memory of these tests; nothing is started and nothing is kept.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
PICTURES = ROOT / "resources" / "screenshots"
SCALES = ("1", "2")


class Picture(NamedTuple):
    file: str
    scene: str
    look: str
    language: str = "en"


README = (Picture("main", "answered", "light"), Picture("vietnamese", "vietnamese", "dark", "vi"))
SPOKEN = {"vietnamese": "vi"}  # scenes that are of one language


def main(argv: list[str]) -> int:
    if argv and argv[0] == "--draw":
        return _draw(Path(argv[1]), _pictures(argv[2]) if len(argv) > 2 else list(README))
    if not argv:
        PICTURES.mkdir(parents=True, exist_ok=True)
        return _run("1", str(PICTURES))
    Path(argv[0]).mkdir(parents=True, exist_ok=True)
    return max(_run(scale, argv[0], argv[1] if len(argv) > 1 else "en") for scale in SCALES)


def _pictures(language: str) -> list[Picture]:
    from tests.ui.scenes import SCENES

    scale = os.environ.get("QT_SCALE_FACTOR", "1")
    return [
        Picture(f"{scene}-{look}-{scale}x", scene, look, SPOKEN.get(scene, language))
        for look in ("light", "dark")
        for scene in SCENES
    ]


def _run(scale: str, *arguments: str) -> int:
    """Qt takes its scale once, at the start of a process."""
    environment = {**os.environ, "QT_SCALE_FACTOR": scale}
    environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    command = [sys.executable, "-m", "tests.ui.screenshots", "--draw", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def _draw(folder: Path, pictures: list[Picture]) -> int:
    from PySide6.QtWidgets import QApplication

    from tests.ui.scenes import SCENES
    from tests.ui.stage import Stage
    from ui.texts.language import Language
    from ui.theme import Theme

    qt = QApplication([])
    theme, language = Theme(qt), Language(qt)
    with tempfile.TemporaryDirectory() as home:
        for picture in pictures:
            theme.choose(picture.look)
            language.choose(picture.language)
            stage = Stage(qt, Path(home) / picture.file, theme)
            SCENES[picture.scene](stage)
            stage.grab().save(str(folder / f"{picture.file}.png"))
            stage.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Draws the window in each of its states: `python -m tests.ui.screenshots OUT_DIR`, or without a folder the
picture of the README.

Light and dark, at 1x and 2x, over the host in memory of these tests; nothing is started and nothing is kept.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
README_PICTURE = ROOT / "resources" / "screenshots" / "main.png"
SCALES = ("1", "2")


def main(argv: list[str]) -> int:
    if argv and argv[0] == "--draw":
        return _draw(Path(argv[1]), argv[2:])
    folder = Path(argv[0]) if argv else None
    if folder is None:
        README_PICTURE.parent.mkdir(parents=True, exist_ok=True)
        return _run("1", README_PICTURE.parent, "--readme")
    folder.mkdir(parents=True, exist_ok=True)
    return max(_run(scale, folder) for scale in SCALES)


def _run(scale: str, folder: Path, *arguments: str) -> int:
    """Qt takes its scale once, at the start of a process."""
    environment = {**os.environ, "QT_SCALE_FACTOR": scale}
    environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    command = [sys.executable, "-m", "tests.ui.screenshots", "--draw", str(folder), *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def _draw(folder: Path, arguments: list[str]) -> int:
    from PySide6.QtCore import QLocale
    from PySide6.QtWidgets import QApplication

    from tests.ui.scenes import SCENES
    from tests.ui.stage import Stage
    from ui.theme import Theme

    qt = QApplication([])
    QLocale.setDefault(QLocale("en_US"))
    theme = Theme(qt)
    scale = os.environ.get("QT_SCALE_FACTOR", "1")
    with tempfile.TemporaryDirectory() as home:
        for choice in ("light",) if "--readme" in arguments else ("light", "dark"):
            theme.choose(choice)
            for name, scene in SCENES.items():
                if "--readme" in arguments and name != "answered":
                    continue
                stage = Stage(qt, Path(home) / f"{choice}-{name}", theme)
                scene(stage)
                file = "main.png" if "--readme" in arguments else f"{name}-{choice}-{scale}x.png"
                stage.grab().save(str(folder / file))
                stage.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

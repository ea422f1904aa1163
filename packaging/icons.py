"""Draws resources/icons/cove.svg at the sizes that desktops ask for: `icons.py FOLDER`, a theme below it.

The icon of model files goes there as it is.

Runs in the environment of the frozen app, whose Qt draws the icon in the window too.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from PySide6.QtCore import QRectF
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

SOURCE = Path(__file__).resolve().parent.parent / "resources" / "icons" / "cove.svg"
MODEL_FILE = Path(__file__).resolve().parent / "linux" / "gguf.svg"
SIZES = (16, 22, 24, 32, 48, 64, 128, 256)


def main(folder: Path) -> int:
    # Kept: without an application object Qt cannot draw.
    application = QGuiApplication(["icons", "-platform", "offscreen"])
    renderer = QSvgRenderer(str(SOURCE))
    for size in SIZES:
        place = folder / f"{size}x{size}" / "apps"
        place.mkdir(parents=True, exist_ok=True)
        draw(renderer, size).save(str(place / "cove.png"))
    scalable = folder / "scalable" / "apps"
    scalable.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(SOURCE, scalable / "cove.svg")
    types = folder / "scalable" / "mimetypes"
    types.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(MODEL_FILE, types / "application-x-gguf.svg")
    application.quit()
    return 0


def draw(renderer: QSvgRenderer, size: int) -> QImage:
    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    renderer.render(painter, QRectF(0, 0, size, size))
    painter.end()
    return image


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

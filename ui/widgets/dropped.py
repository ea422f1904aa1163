"""What is dropped on the window, as far as it is a model file."""

from __future__ import annotations

from PySide6.QtCore import QMimeData


def gguf_path(data: QMimeData) -> str | None:
    """Returns the path of the first GGUF file among what is dragged."""
    paths = [url.toLocalFile() for url in data.urls() if url.isLocalFile()]
    return next((path for path in paths if path.lower().endswith(".gguf")), None)


def has_files(data: QMimeData) -> bool:
    """Whether files of this machine are dragged."""
    return any(url.isLocalFile() for url in data.urls())

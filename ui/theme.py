"""How everything looks: tokens from resources/themes, made into a palette, a style sheet and icons.

Promises: the window follows the system's light, dark and high contrast as they change, unless a person has
chosen one; an icon or colour asked for once is right after every change. Knows no widget of ours.
"""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path
from typing import Protocol
from weakref import WeakKeyDictionary

import msgspec
import shiboken6
from PySide6.QtCore import QByteArray, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

import resources

_ROOT = Path(resources.__file__).parent
CHOICES = ("system", "light", "dark")
ICON_PX = 16
COLUMN_PX = 640  # of the transcript, at 100 %
# A point is 1/96 inch of ours here and 1/72 there.
_POINTS = 1.3 if sys.platform == "darwin" else 1.0
_SCALES = (1.0, 1.25, 1.5, 1.75, 2.0, 3.0)  # of screens
INTERFACE_PT = 10 * _POINTS
TRANSCRIPT_PT = 11 * _POINTS


class Dressed(Protocol):
    """What can wear an icon."""

    def setIcon(self, icon: QIcon, /) -> None: ...


class Tokens(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One theme: colours by what they are for. Every pair of text and ground is AA; a test computes it."""

    is_dark: bool
    canvas: str
    surface: str
    raised: str
    bubble: str
    code: str
    line: str
    edge: str
    hover: str
    text: str
    muted: str
    accent: str
    accent_hover: str
    on_accent: str
    ok: str
    warn: str
    bad: str
    weights: str
    kv: str
    compute: str
    free: str


def load_tokens(name: str) -> Tokens:
    return msgspec.json.decode((_ROOT / "themes" / f"{name}.json").read_bytes(), type=Tokens)


class Theme(QObject):
    """The look in force. One an application; `changed` comes after palette and style sheet were replaced."""

    changed = Signal()

    def __init__(self, application: QApplication) -> None:
        super().__init__()
        self._application = application
        self._choice = "system"
        self._name = ""
        self._icons: dict[tuple[str, str, int], QIcon] = {}
        self._dressed: WeakKeyDictionary[Dressed, tuple[str, str, int]] = WeakKeyDictionary()
        application.setStyle("fusion")  # the same everywhere, and the style sheet's measures hold
        font = application.font()
        font.setPointSizeF(INTERFACE_PT)
        application.setFont(font)
        self._template = (_ROOT / "themes" / "cove.qss").read_text(encoding="utf-8")
        self._hints = application.styleHints()
        self._hints.colorSchemeChanged.connect(self._refresh)
        self._refresh()

    @property
    def tokens(self) -> Tokens:
        return self._tokens

    @property
    def name(self) -> str:
        return self._name

    @property
    def choice(self) -> str:
        return self._choice

    def choose(self, choice: str) -> None:
        """Follows the system, or stays with "light" or "dark"."""
        if choice == self._choice or choice not in CHOICES:
            return
        self._choice = choice
        schemes = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
        # So that the frame around the window, which the system draws, is of the same mind.
        self._hints.setColorScheme(schemes.get(choice, Qt.ColorScheme.Unknown))
        self._refresh()

    def color(self, token: str) -> QColor:
        return QColor(getattr(self._tokens, token))

    def icon(self, name: str, token: str = "text", size_px: int = ICON_PX) -> QIcon:
        """Returns an icon in the present colour of a token."""
        key = (name, token, size_px)
        if key not in self._icons:
            self._icons[key] = _render(name, getattr(self._tokens, token), size_px)
        return self._icons[key]

    def dress(self, target: Dressed, name: str, token: str = "text", size_px: int = ICON_PX) -> None:
        """Gives a button or an action an icon, and after each change of theme that theme's."""
        # Not an icon engine in Python that looks the colour up: Qt crashes when garbage collection takes
        # the engine and the icon in the wrong order (PySide 6.11).
        self._dressed[target] = (name, token, size_px)
        target.setIcon(self.icon(name, token, size_px))

    def _refresh(self) -> None:
        name = self._wanted()
        if name == self._name:
            return
        self._name = name
        self._tokens = load_tokens(name)
        self._icons.clear()
        self._application.setPalette(palette_of(self._tokens))
        self._application.setStyleSheet(style_sheet(self._template, self._tokens))
        for target, icon in list(self._dressed.items()):
            if shiboken6.isValid(target):
                target.setIcon(self.icon(*icon))
        self.changed.emit()

    def _wanted(self) -> str:
        is_dark = self._hints.colorScheme() == Qt.ColorScheme.Dark
        if self._choice != "system":
            is_dark = self._choice == "dark"
        name = "dark" if is_dark else "light"
        return f"contrast-{name}" if _wants_contrast(self._hints) else name


def style_sheet(template: str, tokens: Tokens) -> str:
    """Returns the template with the tokens' colours in it. Raises `AttributeError` for an unknown token."""
    return re.sub(r"@(\w+)@", lambda found: str(getattr(tokens, found[1])), template)


def palette_of(tokens: Tokens) -> QPalette:
    """Returns the palette for everything that the style sheet leaves to the style."""
    role = QPalette.ColorRole
    palette = QPalette()
    colors = {
        role.Window: tokens.canvas,
        role.Base: tokens.raised,
        role.AlternateBase: tokens.surface,
        role.Button: tokens.raised,
        role.ToolTipBase: tokens.raised,
        role.Highlight: tokens.accent,
        role.HighlightedText: tokens.on_accent,
        role.Link: tokens.accent,
        role.LinkVisited: tokens.accent,
        role.PlaceholderText: tokens.muted,
        role.Accent: tokens.accent,
        role.Mid: tokens.line,
        role.Dark: tokens.line,
        role.Light: tokens.raised,
    }
    for each in (role.WindowText, role.Text, role.ButtonText, role.ToolTipText, role.BrightText):
        colors[each] = tokens.text
    for each, color in colors.items():
        palette.setColor(each, QColor(color))
    for each in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, each, QColor(tokens.muted))
    return palette


def transcript_font(zoom: float = 1.0) -> QFont:
    font = QApplication.font()
    font.setPointSizeF(TRANSCRIPT_PT * zoom)
    return font


def application_icon() -> QIcon:
    return QIcon(str(_ROOT / "icons" / "cove.svg"))


def _wants_contrast(hints: object) -> bool:
    accessibility = getattr(hints, "accessibility", None)  # Qt 6.10
    if accessibility is None:
        return False
    return bool(accessibility().contrastPreference() == Qt.ContrastPreference.HighContrast)


def _render(name: str, color: str, size_px: int) -> QIcon:
    """Draws an icon of the set, exactly for each of the usual scales."""
    source = (_ROOT / "icons" / f"{name}.svg").read_bytes().replace(b"currentColor", color.encode())
    renderer = QSvgRenderer(QByteArray(source))
    icon = QIcon()
    for scale in _SCALES:
        side = math.ceil(size_px * scale)
        pixmap = QPixmap(side, side)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        renderer.render(painter, QRectF(0, 0, side, side))
        painter.end()
        pixmap.setDevicePixelRatio(scale)
        icon.addPixmap(pixmap)
    return icon

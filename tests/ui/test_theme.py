"""Colours can be read, and the look follows the system until somebody chooses."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QPushButton

from ui.theme import Theme, load_tokens, palette_of, style_sheet

NAMES = ("light", "dark", "contrast-light", "contrast-dark")
GROUNDS = ("canvas", "surface", "raised", "bubble", "code", "hover")
AA, AA_LARGE = 4.5, 3.0


def luminance(color: str) -> float:
    parts = (QColor(color).redF(), QColor(color).greenF(), QColor(color).blueF())
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("name", NAMES)
def test_every_text_can_be_read_on_every_ground(name):
    tokens = load_tokens(name)
    pairs = [(ink, ground) for ink in ("text", "muted") for ground in GROUNDS]
    pairs += [(ink, ground) for ink in ("accent", "ok", "warn", "bad") for ground in ("canvas", "raised")]
    pairs += [(ink, "code") for ink in ("kv", "accent", "warn")]  # of programs
    pairs += [("on_accent", "accent"), ("on_accent", "accent_hover"), ("accent", "bubble")]
    weak = [
        f"{ink} on {ground}: {ratio:.2f}"
        for ink, ground in pairs
        if (ratio := contrast(getattr(tokens, ink), getattr(tokens, ground))) < AA
    ]
    assert weak == []


@pytest.mark.parametrize("name", NAMES)
def test_the_edges_of_what_one_uses_can_be_seen(name):
    tokens = load_tokens(name)
    assert contrast(tokens.edge, tokens.canvas) >= AA_LARGE
    for ground in ("canvas", "surface", "raised", "bubble", "hover"):  # where there is a focus ring
        assert contrast(tokens.accent, getattr(tokens, ground)) >= AA_LARGE


@pytest.mark.parametrize("name", NAMES)
def test_the_style_sheet_takes_every_theme(name):
    sheet = style_sheet("a { color: @text@; }", load_tokens(name))
    assert sheet == f"a {{ color: {load_tokens(name).text}; }}"
    with pytest.raises(AttributeError):
        style_sheet("@no_such_token@", load_tokens(name))


def test_the_palette_has_the_tokens():
    tokens = load_tokens("dark")
    palette = palette_of(tokens)
    assert palette.color(QPalette.ColorRole.Window) == QColor(tokens.canvas)
    assert palette.color(QPalette.ColorRole.Text) == QColor(tokens.text)


@pytest.fixture
def fresh(qapp, theme):
    """The session's theme, following the system, and put back afterwards."""
    hints = theme._hints
    yield theme
    theme._hints = hints
    theme.choose("system")
    theme._refresh()


class Hints:
    """The system's wishes: the offscreen platform has none of its own."""

    def __init__(self, qapp, theme):
        self._real = qapp.styleHints()
        self.scheme = Qt.ColorScheme.Light
        self.forced: list[Qt.ColorScheme] = []
        theme._hints = self

    def become(self, scheme):
        self.scheme = scheme
        self._real.colorSchemeChanged.emit(scheme)

    def colorScheme(self):
        return self.scheme

    def setColorScheme(self, scheme):
        self.forced.append(scheme)


def test_it_follows_the_system_live(qapp, fresh):
    hints = Hints(qapp, fresh)
    told: list[str] = []
    fresh.changed.connect(lambda: told.append(fresh.name))
    hints.become(Qt.ColorScheme.Dark)
    assert (fresh.name, fresh.tokens.is_dark) == ("dark", True)
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(load_tokens("dark").canvas)
    hints.become(Qt.ColorScheme.Light)
    assert told == ["dark", "light"]


def test_what_a_person_chose_stays(qapp, fresh):
    hints = Hints(qapp, fresh)
    fresh.choose("dark")
    assert fresh.name == "dark"
    hints.become(Qt.ColorScheme.Light)
    assert fresh.name == "dark"
    fresh.choose("pink")
    assert fresh.choice == "dark"
    fresh.choose("system")
    assert fresh.name == "light"
    assert hints.forced == [Qt.ColorScheme.Dark, Qt.ColorScheme.Unknown]


def test_an_icon_follows_the_theme_and_is_sharp_at_any_scale(fresh, show):
    button = QPushButton()
    fresh.dress(button, "stop", "text")
    show(button)
    for scale in (1.0, 1.25, 2.0):
        assert button.icon().pixmap(QSize(16, 16), scale).size() == QSize(16, 16) * scale
    before = button.icon().pixmap(QSize(16, 16)).toImage().pixelColor(8, 8)
    fresh.choose("dark")
    after = button.icon().pixmap(QSize(16, 16)).toImage().pixelColor(8, 8)
    assert before == QColor(load_tokens("light").text)
    assert after == QColor(load_tokens("dark").text)


def test_what_is_gone_is_not_dressed_again(fresh):
    button = QPushButton()
    fresh.dress(button, "stop")
    button.deleteLater()
    button.destroyed.emit()
    fresh.choose("dark")


def test_every_icon_can_be_drawn(fresh):
    from ui.theme import _ROOT

    names = [path.stem for path in (_ROOT / "icons").glob("*.svg")]
    assert len(names) > 15
    for name in names:
        image = fresh.icon(name).pixmap(QSize(16, 16)).toImage()
        inks = {image.pixelColor(x, y).alpha() for x in range(16) for y in range(16)}
        assert max(inks) > 100, name


def test_high_contrast_is_followed(qapp, fresh, monkeypatch):
    import ui.theme

    monkeypatch.setattr(ui.theme, "_wants_contrast", lambda hints: True)
    fresh._refresh()
    assert fresh.name == "contrast-light"
    monkeypatch.undo()
    fresh._refresh()
    assert fresh.name == "light"
    assert isinstance(fresh, Theme)

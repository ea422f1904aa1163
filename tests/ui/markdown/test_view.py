"""The page: what streams in looks at the end as if it had been there at once, and what is read stays."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QTextCursor, QWheelEvent
from PySide6.QtWidgets import QScrollArea

from tests.ui.markdown.test_blocks import cut, cuts, texts
from ui.markdown import view as view_module
from ui.markdown.code import CodeBlock
from ui.markdown.prose import ProsePane
from ui.markdown.table import TablePane
from ui.markdown.view import MarkdownView
from ui.theme import transcript_font

RICH = """# Head

Some **bold** and *slanted* `code`, ~~gone~~, [a link](https://example.com/a) and 中文 tiếng Việt 😀.

1. one
   ```sh
   ls
   ```
2. two
   - nested
- [x] done

> quoted
> > twice

| a | b |
|---|--:|
| **1** | 2 |

---

```python
x = 1
```

![a cat](https://pictures.example.com/cat.png) <b>raw</b>
"""


@pytest.fixture
def page(theme, show, monkeypatch):
    """A page in a scroll area, shown, on which nothing is too slow to be shown at once."""
    monkeypatch.setattr(view_module, "_SLOW_S", 1e9)
    area = QScrollArea()
    area.setWidgetResizable(True)
    view = MarkdownView(theme, transcript_font())
    area.setWidget(view)
    area.resize(640, 500)
    show(area)
    yield view
    view._pace.stop()


def bodies(view: MarkdownView) -> list[object]:
    return [cell.body for cell in view._cells]


def looks(view: MarkdownView) -> list[tuple[str, str]]:
    return [(type(cell.body).__name__, cell.pane.toHtml()) for cell in view._cells]


def test_what_there_is_on_a_page(page):
    page.set_text(RICH)
    page.finish()
    kinds = [ProsePane, CodeBlock, ProsePane, TablePane, ProsePane, CodeBlock, ProsePane]
    assert [type(body) for body in bodies(page)] == kinds
    prose = page.panes()[0]
    assert prose.toPlainText() == (
        "Head\nSome bold and slanted code, gone, a link and 中文 tiếng Việt 😀.\n1.\tone"
    )
    assert page.panes()[2].toPlainText() == "2.\ttwo\n◦\tnested\n☑\tdone\nquoted\ntwice"
    assert page.panes()[-1].toPlainText() == "[Image: a cat] (pictures.example.com) <b>raw</b>"
    assert page.text() == RICH


def drain(view: MarkdownView) -> None:
    view._pace.stop()
    view.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts, cuts)
@example(RICH, list(range(0, 400, 3)))
@example("one\n\ntwo\n===\n\n> three\n", list(range(30)))
@example("a 😀😀 b\n\n> x\n\n| a |\n|---|\n| 1 |\n| 2 |\n", list(range(50)))
def test_what_streamed_looks_as_if_it_had_been_there_at_once(theme, text, places):
    grown, whole = MarkdownView(theme, transcript_font()), MarkdownView(theme, transcript_font())
    for piece in cut(text, places):
        grown._rested_at = 0.0  # no piece waits
        grown.append(piece)
    grown.finish()
    whole.set_text(text)
    whole.finish()
    assert looks(grown) == looks(whole)
    drain(grown)
    drain(whole)


def test_what_is_closed_is_not_touched(page):
    changes: list[tuple[int, int]] = []
    page.append("# Head\n\nFirst **bold** words.\n\n")
    document = page.panes()[0].document()
    document.contentsChange.connect(lambda at, removed, added: changes.append((at, removed)))
    end = document.characterCount() - 1
    for character in "Second *slanted* words [and a link](https://example.com).\n\n- item":
        page.append(character)
    assert changes
    assert min(at for at, _ in changes) >= end
    assert max(removed for _, removed in changes) < 30


def test_plain_words_are_only_added(page):
    page.append("Hello")
    changes: list[tuple[int, int, int]] = []
    page.panes()[0].document().contentsChange.connect(lambda *change: changes.append(change))
    for piece in (" there", ", you", " 😀", " again"):
        page.append(piece)
    assert changes == [(5, 0, 6), (11, 0, 5), (16, 0, 3), (19, 0, 6)]


def test_what_is_selected_stays_selected_as_the_end_is_replaced(page):
    page.append("Some words **and mo")
    pane = page.panes()[0]
    cursor = pane.textCursor()
    cursor.setPosition(5)
    cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
    pane.setTextCursor(cursor)
    for piece in ("re** of", " them", "\n\n- item"):
        page.append(piece)
    assert page.selected_text() == "words and mo"


def test_one_selection_at_a_time(page):
    page.set_text("first\n\n```\ncode\n```\n")
    for pane in page.panes():
        pane.selectAll()
    assert page.selected_text() == "code"
    assert not page.panes()[0].textCursor().hasSelection()


def test_it_goes_on_after_its_end(page):
    page.append("Some words")
    page.finish()
    pane = page.panes()[0]
    page.append(" and more\n\n```py\nx")
    page.finish()
    assert page.panes()[0] is pane
    assert [each.toPlainText() for each in page.panes()] == ["Some words and more", "x"]


def point_of(pane, position: int) -> QPoint:
    cursor = QTextCursor(pane.document())
    cursor.setPosition(position)
    return pane.cursorRect(cursor).center() + QPoint(3, 0)


def test_links_open_by_a_click_or_by_enter_only(qtbot, page):
    page.set_text("[here](https://example.com/a) and [there](javascript:alert(1)) or [x](ftp://b)")
    pane = page.panes()[0]
    wanted: list[str] = []
    page.link_wanted.connect(wanted.append)
    qtbot.mouseClick(pane.viewport(), Qt.MouseButton.LeftButton, pos=point_of(pane, 8))
    assert wanted == []
    qtbot.mouseClick(pane.viewport(), Qt.MouseButton.LeftButton, pos=point_of(pane, 1))
    assert wanted == ["https://example.com/a"]
    pane.moveCursor(QTextCursor.MoveOperation.Start)
    pane.moveCursor(QTextCursor.MoveOperation.NextCharacter)
    qtbot.keyClick(pane, Qt.Key.Key_Return)
    assert wanted == ["https://example.com/a"] * 2
    assert pane.toPlainText() == "here and [there](javascript:alert(1)) or x"
    assert pane.toHtml().count("href") == 1


def test_where_a_link_goes_is_said_whatever_its_text_says(page):
    page.set_text("[https://bank.example](https://other.example/)")
    cursor = QTextCursor(page.panes()[0].document())
    cursor.setPosition(4)
    assert cursor.charFormat().toolTip() == "https://other.example/"


def test_nothing_is_loaded_from_elsewhere(page, monkeypatch):
    asked: list[object] = []
    monkeypatch.setattr(ProsePane, "loadResource", lambda self, kind, url: asked.append(url))
    page.set_text("![](https://a.example/x.png) ![b](file:///etc/passwd) <img src='https://c.example/y'>")
    page.finish()
    page.grab()
    assert asked == []
    shown = "[Image] (a.example) ![b](file:///etc/passwd) <img src='https://c.example/y'>"
    assert page.to_plain() == shown


def test_code_can_be_copied(qtbot, qapp, page):
    page.set_text("```python\nx = 1\n\ty = 2\n")
    block = bodies(page)[0]
    assert block._language.text() == "python"
    assert block.pane.accessibleName() == "Code, python"
    qtbot.mouseClick(block._copy, Qt.MouseButton.LeftButton)
    assert qapp.clipboard().text() == "x = 1\n\ty = 2"
    assert block._copy.text() == "Copied"
    block._said.setInterval(0)
    qtbot.waitUntil(lambda: block._copy.text() == "Copy")


def test_all_of_the_text_can_be_seen_at_any_width(page, qapp):
    area = page.parent().parent()
    page.set_text(RICH + "\n\n" + "word " * 200 + "\n\n```\n" + "x" * 300 + "\n```\n")
    page.finish()
    for width in (640, 320, 1200):
        area.resize(width, 500)
        for _ in range(6):
            qapp.processEvents()
        for pane in page.panes():
            assert pane.document().size().height() <= pane.viewport().height() + 1
            assert pane.verticalScrollBar().maximum() == 0
        bottom = max(cell.geometry().bottom() for cell in page._cells)
        assert bottom < page.height() <= bottom + 4


def test_wide_code_scrolls_sideways_and_leaves_the_rest_to_the_page(page, qapp):
    page.set_text("```\n" + "x" * 300 + "\n```\n")
    qapp.processEvents()
    pane = page.panes()[0]
    bar = pane.horizontalScrollBar()
    assert bar.maximum() > 0
    assert bar.value() == 0

    def turn(x: int, y: int) -> bool:
        event = QWheelEvent(
            *(QPointF(5, 5), QPointF(5, 5), QPoint(), QPoint(x, y), Qt.MouseButton.NoButton),
            *(Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False),
        )
        pane.wheelEvent(event)
        return event.isAccepted()

    assert not turn(0, -120)
    assert bar.value() == 0
    assert turn(-120, 0)
    assert bar.value() > 0


def test_what_is_in_a_list_is_set_in(page, qapp):
    page.set_text("1. one\n   ```\n   x\n   ```\n\n```\ny\n```\n")
    qapp.processEvents()
    inner, outer = (body for body in bodies(page) if isinstance(body, CodeBlock))
    assert inner.x() > outer.x() + 10


def test_a_table_keeps_its_rows_as_others_come(page):
    page.append("| a | b |\n|---|---|\n| 1 | 2 |\n")
    table = bodies(page)[0]
    changes: list[int] = []
    table.document().contentsChange.connect(lambda at, removed, added: changes.append(at))
    before = table.document().characterCount()
    page.append("| 3 | 4 |\n")
    assert table._grid.rows() == 3
    assert min(changes) >= before - 3
    page.append("\nafter")
    assert page.to_plain().endswith("after")


def test_the_theme_can_change(page, theme):
    page.set_text("[link](https://example.com) and `code`")
    pane = page.panes()[0]

    def ink() -> QColor:
        cursor = QTextCursor(pane.document())
        cursor.setPosition(2)
        return cursor.charFormat().foreground().color()

    try:
        for choice in ("light", "dark"):
            theme.choose(choice)
            assert ink() == theme.color("accent")
            assert pane.toPlainText() == "link and code"
    finally:
        theme.choose("system")


def test_what_cannot_be_seen_is_laid_out_when_it_can(theme, show, qapp):
    view = MarkdownView(theme, transcript_font(), is_muted=True, is_lazy=True)
    view.append("Some **words**")
    view.append(" and more")
    assert view.panes() == []
    show(view)
    for _ in range(4):
        qapp.processEvents()
    assert view.to_plain() == "Some words and more"
    assert view.panes()[0].property("kind") == "muted"
    view._pace.stop()


def test_an_end_that_is_slow_to_show_is_shown_less_often(qtbot, page, monkeypatch):
    monkeypatch.setattr(view_module, "_SLOW_S", 0.0)
    monkeypatch.setattr(view_module, "_LONGEST_REST_S", 5.0)
    monkeypatch.setattr(view_module, "_REST", 1e9)
    page.append("one")
    page.append(" two")
    assert page.to_plain() == "one"
    monkeypatch.setattr(view_module, "_LONGEST_REST_S", 0.05)
    page.finish()
    assert page.to_plain() == "one two"
    assert not page._pace.isActive()
    page.append(" three")
    page.append(" four")
    qtbot.waitUntil(lambda: page.to_plain() == "one two three four")


def test_every_pane_has_a_name(page):
    page.setAccessibleName("Answer by Model")
    page.set_text(RICH)
    assert {pane.accessibleName() for pane in page.panes()} == {"Answer by Model", "Code, sh", "Code, python"}

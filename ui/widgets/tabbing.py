"""Where Tab goes: through everything in a window in the order in which it is read.

Qt's own order is that in which widgets were made, and messages are made last. Here it follows the layouts, so
it is right however often what they hold is made anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLayout, QScrollArea, QSplitter, QStackedWidget, QWidget

_TAB, _BACKTAB = Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason


def tab_stops(root: QWidget) -> list[QWidget]:
    """Returns what can take the focus by Tab below `root`, in reading order."""
    return list(_stops(root))


def step_focus(root: QWidget, *, forward: bool) -> bool:
    """Moves the focus to the stop after the one that has it, around at the ends; False when there is none."""
    stops = tab_stops(root)
    if not stops:
        return False
    place = _place(stops, root.window().focusWidget())
    if place is None:
        place = -1 if forward else 0
    target = stops[(place + (1 if forward else -1)) % len(stops)]
    give_focus(target, _TAB if forward else _BACKTAB)
    return True


def give_focus(target: QWidget, reason: Qt.FocusReason = _TAB) -> None:
    """Gives the focus as Tab does, and scrolls what is around so that it is seen."""
    target.setFocus(reason)
    around = target.parentWidget()
    while around is not None:
        if isinstance(around, QScrollArea) and target.height() < around.viewport().height():
            around.ensureWidgetVisible(target)
        around = around.parentWidget()


def next_part(parts: Sequence[QWidget], focused: QWidget | None, steps: int) -> QWidget:
    """Returns the part so many after the one with the focus, of those in which something can have it."""
    there = [part for part in parts if part.isVisible() and tab_stops(part)]
    here = next((place for place, part in enumerate(there) if focused and part.isAncestorOf(focused)), 0)
    return there[(here + steps) % len(there)]


def _place(stops: Sequence[QWidget], focused: QWidget | None) -> int | None:
    """What has the focus may be inside a stop, as the line of a number field is."""
    while focused is not None:
        if focused in stops:
            return stops.index(focused)
        focused = focused.parentWidget()
    return None


def _stops(widget: QWidget) -> Iterator[QWidget]:
    for child in _children(widget):
        if child.isHidden() or not child.isEnabled():
            continue
        if child.focusPolicy() & Qt.FocusPolicy.TabFocus:
            yield child
        else:
            yield from _stops(child)


def _children(widget: QWidget) -> Iterator[QWidget]:
    if isinstance(widget, QSplitter):
        yield from (widget.widget(place) for place in range(widget.count()))
    elif isinstance(widget, QStackedWidget):
        yield widget.currentWidget()
    elif isinstance(widget, QScrollArea):
        yield widget.widget()
        # What floats over it.
        yield from widget.findChildren(QAbstractButton, options=Qt.FindChildOption.FindDirectChildrenOnly)
    elif (layout := widget.layout()) is not None:
        yield from _laid(layout)


def _laid(layout: QLayout) -> Iterator[QWidget]:
    for place in range(layout.count()):
        item = layout.itemAt(place)
        if (widget := item.widget()) is not None:
            yield widget
        elif (inner := item.layout()) is not None:
            yield from _laid(inner)

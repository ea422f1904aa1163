"""What a flush costs while an answer streams: `python -m tests.benchmarks.markdown`; `--save` keeps it.

An answer of 22 kB in pieces of 20 characters, in a scroll area, each painted; the medians of the first and
the last quarter show whether the cost grows with what is there already. Each piece is shown at once, although
the page would let the next ones wait after a slow one.
"""

from __future__ import annotations

import os
import statistics
import sys
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication, QScrollArea

from tests.benchmarks.table import Row, append, heading, markdown
from ui.markdown import view as view_module
from ui.markdown.view import MarkdownView
from ui.theme import COLUMN_PX, Theme, transcript_font

SIZE = 22_000
SIZES = {"one table": 3_000}  # a hundred rows
PIECE = 20
WARM_UP = 20
SECTION = """## Một phần

Some **words** that fill a line and then a bit more of the next one, with `code` and a [link](https://example.com).

1. First, which is *longer* than the others and wraps to another line of the page
2. Second
   - nested, 中文

| a | b |
|---|--:|
| one | 1 |

```python
def answer(question: str) -> int:
    return 42  # always
```

> Quoted.

"""
KINDS = {
    "of all kinds": SECTION,
    "one list": "- an item with **some** words in it, and a few more\n",
    "one piece of code": "    value = compute(first, second)  # and a comment\n",
    "one table": "| a cell | another | 12345 |\n",
    "one paragraph": "words that never come to an end, with **bold** between them, ",
}
OPENINGS = {"one piece of code": "```python\n", "one table": "| a | b | c |\n|---|---|---|\n"}


def main() -> None:
    view_module._SLOW_S = float("inf")  # nothing is too slow to be shown at once
    qt = QApplication([])
    theme = Theme(qt)
    rows: list[Row] = []
    for name, part in KINDS.items():
        text = (OPENINGS.get(name, "") + part * (SIZE // len(part) + 1))[: SIZES.get(name, SIZE)]
        rows += measured(qt, theme, name, text)
    text = heading() + markdown(rows)
    print(text)
    if "--save" in sys.argv:
        append(text)


def measured(qt: QApplication, theme: Theme, name: str, text: str) -> list[Row]:
    area = QScrollArea()
    area.setWidgetResizable(True)
    view = MarkdownView(theme, transcript_font())
    area.setWidget(view)
    area.resize(COLUMN_PX + 40, 800)
    area.show()
    costs = [_flush(qt, area, view, text[place : place + PIECE]) for place in range(0, len(text), PIECE)][
        WARM_UP:
    ]
    quarter = len(costs) // 4
    first, last = statistics.median(costs[:quarter]), statistics.median(costs[-quarter:])
    slow = statistics.quantiles(costs, n=100)[98]
    whole = _whole(qt, theme, text)
    area.close()
    return [
        Row(
            f"flush, {name}: first quarter, last quarter",
            f"{first:.1f} ms, {last:.1f} ms (p99 {slow:.1f} ms)",
        ),
        Row(f"show {len(text) // 1000} kB at once, {name}", f"{whole:.0f} ms"),
    ]


def _flush(qt: QApplication, area: QScrollArea, view: MarkdownView, piece: str) -> float:
    begun = time.perf_counter()
    view.append(piece)
    qt.processEvents()
    area.verticalScrollBar().setValue(area.verticalScrollBar().maximum())
    qt.processEvents()
    return (time.perf_counter() - begun) * 1000


def _whole(qt: QApplication, theme: Theme, text: str) -> float:
    view = MarkdownView(theme, transcript_font())
    view.resize(COLUMN_PX, 800)
    begun = time.perf_counter()
    view.set_text(text)
    view.finish()
    view.show()
    qt.processEvents()
    took = (time.perf_counter() - begun) * 1000
    view.close()
    return took


if __name__ == "__main__":
    main()

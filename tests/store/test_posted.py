from __future__ import annotations

from app.domain.model import Model
from app.loop import Loop
from app.store.posted import PostedTable


class Rows:
    """A table in memory that remembers on whose thread it was written."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.rows: dict[str, Model] = {}
        self.is_on_loop: list[bool] = []

    def all(self) -> list[Model]:
        return list(self.rows.values())

    def put(self, row: Model, /) -> None:
        self.is_on_loop.append(self._loop.is_current)
        self.rows[row.id] = row

    def remove(self, row_id: str, /) -> None:
        self.is_on_loop.append(self._loop.is_current)
        self.rows.pop(row_id, None)


def test_writes_from_any_thread_happen_in_order_on_the_store_s() -> None:
    loop = Loop("test-loop")
    loop.start()
    rows = Rows(loop)
    table = PostedTable(loop, rows)
    model = Model(id="m", name="M", path="/m.gguf", size_bytes=1)
    table.put(model)
    table.remove("m")
    loop.run(lambda: table.put(model))  # from the loop itself: at once
    assert loop.run(table.all) == (model,)
    assert rows.is_on_loop == [True, True, True]
    loop.close()

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from app.domain.model import Model
from app.store import Store


def model(model_id: str, size_bytes: int = 1) -> Model:
    return Model(id=model_id, name=model_id, path=f"/models/{model_id}", size_bytes=size_bytes)


def test_values_are_kept_in_the_order_they_came(path: Path):
    with closing(Store.open(path)) as store:
        for name in ("b", "a", "c"):
            store.library.put(model(name))
        store.library.put(model("b", size_bytes=2))
        store.library.remove("a")
        store.library.remove("nobody")
    with closing(Store.open(path)) as store:
        assert store.library.all() == [model("b", 2), model("c")]
        assert store.library.get("b") == model("b", 2)
        assert store.library.get("a") is None


def test_a_value_that_cannot_be_read_is_left_alone(store: Store):
    store.library.put(model("good"))
    store.library.put(model("odd"))
    store._database.execute("""UPDATE models SET value = '{"id": 7}' WHERE id = 'odd'""")
    assert store.library.all() == [model("good")]
    assert store.library.get("odd") is None
    assert store._database.number("SELECT count(*) FROM models") == 2

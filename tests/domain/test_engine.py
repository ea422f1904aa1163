from __future__ import annotations

from app.domain.engine import LoadPlan


def test_a_plan_names_all_that_its_child_has_to_read():
    """A confined child can open nothing else of the user's: a field with a path belongs here."""
    plan = LoadPlan(model_id="m", model_path="/models/m.gguf")
    assert plan.files == ("/models/m.gguf",)
    paths = {name for name in plan.__struct_fields__ if name.endswith(("_path", "_paths"))}
    assert paths == {"model_path"}

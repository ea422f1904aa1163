"""A dry run in the child itself."""

from __future__ import annotations

import pytest

from app.domain.engine import BufferKind
from app.domain.notice import NoticeCode
from app.engine.wire import Loaded, LoadFailed, Measure, Measured
from app.engine.worker.control import Control
from app.engine.worker.dryrun import measure
from app.errors import KnownError
from tests.engine.worker.conftest import plan_of
from tests.fakes.tiny_models import tiny_model

pytestmark = pytest.mark.llama


def test_it_says_what_a_load_then_takes(library):
    measured = measure(library, plan_of(tiny_model("qwen35")), Control())
    kinds = {buffer.kind: buffer.size_bytes for buffer in measured.buffers}
    assert kinds[BufferKind.WEIGHTS] == 0  # nothing was read
    assert kinds[BufferKind.COMPUTE] > 0
    assert measured.kv_bytes > 0


def test_what_would_not_load_is_said(library, tmp_path, monkeypatch):
    path = tmp_path / "nothing.gguf"
    path.write_bytes(b"GGUF")
    monkeypatch.setattr("app.engine.worker.nativelog.log.disabled", True)
    with pytest.raises(KnownError) as caught:
        measure(library, plan_of(path), Control())
    assert caught.value.notice.code is NoticeCode.MODEL_CORRUPT


def test_a_child_that_measured_holds_nothing_and_can_load(own_child):
    path = tiny_model("llama")
    own_child.send(Measure(plan=plan_of(path)))
    measured = own_child.wait_for(Measured)
    loaded = own_child.load(path)
    assert isinstance(loaded, Loaded)
    real = {buffer.kind: buffer.size_bytes for buffer in loaded.model.buffers}
    assert real[BufferKind.KV] == measured.kv_bytes
    own_child.send(Measure(plan=plan_of(path.with_name("gone"))))
    assert own_child.wait_for(LoadFailed).notice.code is NoticeCode.MODEL_FILE_MISSING

"""What an order comes to."""

from __future__ import annotations

import pytest

from app.domain.notice import NoticeCode
from app.downloads.patience import Patience, StopFlag
from app.downloads.plan import Order, Plan, make_plan
from app.errors import KnownError
from app.models.hub import ModelHub
from tests.downloads.rig import REPO, Rig
from tests.fakes.hub_server import HubServer


def planned(rig: Rig, quant: str | None = None, repo: str = REPO, revision: str = "main") -> Plan:
    order = Order(repo, quant, revision, rig.server.environment)
    with ModelHub(rig.door).session(repo, revision, order.environment) as remote:
        return make_plan(remote, order, Patience(StopFlag(), (0, 0)))


def test_files_are_known_by_size_and_hash(rig: Rig, server: HubServer):
    plan = planned(rig)
    repo = server.repos.get(REPO)
    assert repo is not None
    (file,) = plan.files
    assert (file.filename, file.size_bytes) == ("tiny-Q4_K_M.gguf", repo.files[file.filename].size)
    assert file.sha256 == file.etag == repo.files[file.filename].sha256
    assert (plan.choice.commit, plan.entries) == (repo.commit, plan.choice.group.files)


def test_the_id_is_that_of_the_model_not_of_the_words(rig: Rig):
    plan = planned(rig)
    assert plan.transfer_id == planned(rig, "q4_k_m").transfer_id
    assert plan.transfer_id == planned(rig, "tiny-Q4_K_M.gguf", REPO.lower()).transfer_id
    assert plan.transfer_id != planned(rig, "q8_0").transfer_id
    assert plan.transfer_id != planned(rig, revision=plan.choice.commit).transfer_id


def test_passing_faults_pass(rig: Rig, server: HubServer):
    server.fault("status", where="api", status=503)
    server.fault("status", where="resolve", status=503)
    assert planned(rig).files


def test_names_are_looked_at_before_anything_else_is_asked(rig: Rig, server: HubServer):
    server.add_repo(REPO, {"../x-Q4_0.gguf": b""})
    with pytest.raises(KnownError) as caught:
        planned(rig)
    assert caught.value.notice.code is NoticeCode.DOWNLOAD_CORRUPT
    assert server.log("resolve") == []


def test_a_token_is_not_in_an_order_s_text():
    assert "hf_secret" not in repr(Order(REPO, None, "main", {"HF_TOKEN": "hf_secret"}))

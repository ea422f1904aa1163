"""Getting a model by name: what is a name, what is asked, and what is said when it fails."""

from __future__ import annotations

import pytest

from app.client.protocol import FindModel, LoadModel, ModelReply, Pull
from app.domain.notice import Notice, NoticeCode
from tests.ui.fake_client import LARGER
from ui.viewmodels.getting import split_reference


@pytest.fixture
def getting(workspace, deliver):
    deliver()
    return workspace.getting


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("owner/repo", ("owner/repo", None)),
        ("  owner/repo:Q4_K_M ", ("owner/repo", "Q4_K_M")),
        ("https://huggingface.co/owner/My.Repo-GGUF/", ("owner/My.Repo-GGUF", None)),
        ("hf.co/owner/repo:Q8_0", ("owner/repo", "Q8_0")),
        ("repo", None),
        ("a/b/c", None),
        ("owner/repo:", None),
        ("/etc/passwd", None),
        ("", None),
    ],
)
def test_what_names_a_repository(text, expected):
    assert split_reference(text) == expected


def test_a_download_is_begun_once(host, deliver, getting):
    begun = []
    getting.begun.connect(lambda: begun.append(True))
    getting.get("owner/repo:Q4_K_M")
    getting.get("owner/repo:Q4_K_M")
    assert getting.is_asking
    deliver()
    assert [(pull.repo, pull.quant) for pull in host.asked(Pull)] == [("owner/repo", "Q4_K_M")]
    assert begun == [True]
    assert not getting.is_asking


def test_what_went_wrong_stays_until_something_else_is_typed(host, deliver, getting):
    getting.get("nonsense")
    assert getting.is_malformed
    assert not host.asked(Pull)
    host.refusals[Pull] = Notice(code=NoticeCode.REPO_NOT_FOUND, facts={"repo": "o/r"})
    getting.get("o/r")
    deliver()
    assert not getting.is_malformed
    assert getting.notice is not None
    getting.forget()
    assert getting.notice is None


def test_a_file_that_is_opened_is_chosen(host, deliver, workspace, getting):
    host.models.append(LARGER)
    host.connect()
    host._handlers[FindModel] = lambda command: ModelReply(model=LARGER)
    workspace.models.open_file("/models/deepseek.gguf")
    deliver()
    assert [command.reference for command in host.asked(FindModel)] == ["/models/deepseek.gguf"]
    assert workspace.models.selected == LARGER
    assert [command.model_id for command in host.asked(LoadModel)] == [LARGER.id]


def test_a_file_that_is_no_model_is_told(host, deliver, workspace, getting):
    notice = Notice(code=NoticeCode.MODEL_CORRUPT, facts={"path": "/x.gguf", "detail": "?"})
    host.refusals[FindModel] = notice
    workspace.models.open_file("/x.gguf")
    deliver()
    assert workspace.notices.banner.notice == notice

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import msgspec
import pytest

from app.domain.chat import Role
from app.engine.base import PromptMessage
from app.engine.wire import CompileTemplate, TemplateCompiled, pack, read_frame
from app.engine.worker import template_helper
from app.engine.worker.sandbox import OutputTooLargeError
from app.engine.worker.template import READY, Limit, Rendered, RenderFailed, RenderJob
from app.spawn import Role as ProcessRole
from app.spawn import engine_environment, role_argv


def job(template: str) -> RenderJob:
    return RenderJob(template=template, messages=(PromptMessage(role=Role.USER, content="hi"),))


@pytest.mark.parametrize(
    ("raised", "limit"),
    [(MemoryError(), Limit.MEMORY), (RecursionError(), Limit.DEPTH), (OutputTooLargeError(), Limit.OUTPUT)],
)
def test_limits_have_names(monkeypatch, raised, limit):
    def explode(_job: RenderJob) -> None:
        raise raised

    monkeypatch.setattr(template_helper, "render", explode)
    assert template_helper.answer(job("")) == RenderFailed(limit=limit)


def test_a_fault_has_a_detail_even_when_it_says_nothing(monkeypatch):
    def explode(_job: RenderJob) -> None:
        raise ValueError

    monkeypatch.setattr(template_helper, "render", explode)
    assert template_helper.answer(job("")) == RenderFailed(detail="ValueError")


def test_it_answers_jobs_until_there_are_no_more(monkeypatch):
    monkeypatch.setattr(template_helper, "_limit_time", lambda: None)
    jobs = io.BytesIO(b"".join(pack(msgspec.json.encode(job(text))) for text in ("a", "{{ 1/0 }}")))
    replies = io.BytesIO()
    template_helper.serve(jobs, replies)
    replies.seek(0)
    assert read_frame(replies) == READY
    decode = msgspec.json.Decoder(Rendered | RenderFailed).decode
    assert decode(read_frame(replies)) == Rendered(prompt="a", generation_prompt="")
    assert decode(read_frame(replies)) == RenderFailed(detail="division by zero")
    assert read_frame(replies) is None


def helper_process(**fields: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        role_argv(ProcessRole.TEMPLATE),
        env=engine_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        **fields,
    )


def test_it_ends_with_its_pipe():
    with helper_process() as process:
        assert read_frame(process.stdout) == READY
        process.stdin.close()
        assert process.wait(20) == 0


# Each needs something that is loaded or looked up when it is first used.
LAZY = {
    "{{ 'a b c' | wordwrap(2) }}": "a\nb\nc",
    "{{ [1] | pprint }}": "[1]",
    "{{ strftime_now('%Y') | length }}": "4",
    "{{ '\\u00e9\\N{SNOWMAN}' | upper }}": "É☃",
    "{{ 'http://a.b' | urlize | length > 0 }}": "True",
    "{{ [2, 1] | sort | random in [1, 2] }}": "True",
    "{{ {'a': [1.5, none]} | tojson(indent=1) }}": '{\n "a": [\n  1.5,\n  null\n ]\n}',
}


def test_confined_it_still_renders_all_a_template_may_use():
    with helper_process() as process:
        assert read_frame(process.stdout) == READY
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert "Seccomp:\t2" in status
        replies = []
        for template in (*LAZY, "{% for %}", "{{ raise_exception('no') }}", "{{ 1 + 'a' }}"):
            process.stdin.write(pack(msgspec.json.encode(job(template))))
            process.stdin.flush()
            replies.append(msgspec.json.decode(read_frame(process.stdout), type=Rendered | RenderFailed))
        process.stdin.close()
        assert process.wait(20) == 0
    assert [reply.prompt for reply in replies[: len(LAZY)]] == list(LAZY.values())
    assert all(isinstance(reply, RenderFailed) and reply.limit is None for reply in replies[len(LAZY) :])


def test_nobody_listening_is_no_fault():
    with helper_process(stderr=subprocess.PIPE) as process:
        assert read_frame(process.stdout) == READY
        process.stdout.close()
        process.stdin.write(pack(msgspec.json.encode(job("a"))))
        process.stdin.close()
        assert process.wait(20) == 0
        assert process.stderr.read() == b""


def test_garbage_ends_it_with_a_reason():
    with helper_process(stderr=subprocess.PIPE) as process:
        process.stdin.write(pack(b"garbage"))
        process.stdin.flush()
        assert process.wait(20) == 1
        assert b"the template helper ended" in process.stderr.read()


def test_its_limits_are_set():
    with helper_process() as process:
        assert read_frame(process.stdout) == READY
        limits = Path(f"/proc/{process.pid}/limits").read_text().splitlines()
        memory = next(line for line in limits if line.startswith("Max address space"))
        assert str(template_helper.MEMORY_BYTES) in memory
        process.stdin.close()
        process.wait(20)


def test_what_a_template_complains_of_can_be_printed():
    def complaint(template: str) -> str:
        return template_helper.answer(RenderJob(template=template, messages=())).detail

    long = "{{ raise_exception('no\\x00 such\\x1b[31m\\n\\u202erole' + '\\x00' * 10 ** 6) }}"
    assert complaint(long) == "no such [31m role"
    assert complaint("{{ raise_exception('\\x00') }}") == "TemplateError"


@pytest.mark.parametrize(
    ("template", "fault"),
    [("{{ messages }}", ""), ("{% for %}", "Expected an expression, got 'end of statement block'")],
)
def test_a_template_may_only_be_compiled(monkeypatch, template, fault):
    monkeypatch.setattr(template_helper, "_limit_time", lambda: None)  # it would be the tests' own
    job = CompileTemplate(template=template)
    assert template_helper.compile_only(job) == TemplateCompiled(fault=fault)
    answered = io.BytesIO()
    template_helper.serve(io.BytesIO(pack(msgspec.json.encode(job))), answered)
    answered.seek(0)
    assert read_frame(answered) == READY
    assert msgspec.json.decode(read_frame(answered), type=TemplateCompiled).fault == fault


@pytest.mark.parametrize(
    ("raised", "fault"), [(MemoryError(), "memory"), (RecursionError(), "depth"), (SyntaxError("x"), "x")]
)
def test_a_compilation_has_limits(monkeypatch, raised, fault):
    def explode(_source: str) -> None:
        raise raised

    monkeypatch.setattr(template_helper, "compiled", explode)
    assert template_helper.compile_only(CompileTemplate(template="")).fault == fault

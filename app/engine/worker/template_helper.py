"""The process that renders chat templates: small, without the model, limited in time and memory.

Reads one job at a time and answers it; ends when its pipe does. What it cannot survive (a template that
loops for ever) ends only this process: `template` starts another one.
"""

from __future__ import annotations

import importlib
import logging
import math
import os
import sys
import time
from typing import BinaryIO

import msgspec

from app.engine.wire import CompileTemplate, TemplateCompiled, pack, read_frame
from app.engine.worker.confinement import confine_helper
from app.engine.worker.sandbox import TEMPLATE_FAULTS, OutputTooLargeError, compiled, render
from app.engine.worker.template import READY, Limit, Rendered, RenderFailed, RenderJob

try:
    import resource
except ImportError:  # Windows: the wall clock in `template` is the only limit
    resource = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

MEMORY_BYTES = 1024**3
CPU_SECONDS = 2
_DETAIL_CHARACTERS = 300
_COMPILE = b'{"type":"CompileTemplate"'


def main() -> int:
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    jobs = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        _limit_memory()
        rehearse()
        confine_helper()
        serve(jobs, replies)
    except BrokenPipeError:
        return 0  # whoever asked is gone
    except Exception:
        log.exception("the template helper ended")
        return 1
    return 0


def rehearse() -> None:
    """Loads what is otherwise only loaded when a template first needs it: a confined helper has no files."""
    for name in ("pprint", "textwrap", "unicodedata", "jinja2.debug"):
        importlib.import_module(name)
    for template in ("{{ strftime_now('%c %Z') }}{{ messages | tojson }}", "{{ raise_exception('') }}", "{%"):
        answer(RenderJob(template=template, messages=()))


def serve(jobs: BinaryIO, replies: BinaryIO) -> None:
    """Answers jobs until there are no more."""
    _send(replies, READY)
    while (body := read_frame(jobs)) is not None:
        _limit_time()
        _send(replies, msgspec.json.encode(_reply(body)))


def _reply(body: bytes) -> Rendered | RenderFailed | TemplateCompiled:
    if _COMPILE in body[: 2 * len(_COMPILE)]:  # a tag comes first
        return compile_only(msgspec.json.decode(body, type=CompileTemplate))
    return answer(msgspec.json.decode(body, type=RenderJob))


def compile_only(job: CompileTemplate) -> TemplateCompiled:
    try:
        compiled(job.template)
    except MemoryError:
        return TemplateCompiled(fault=Limit.MEMORY.value)
    except RecursionError:
        return TemplateCompiled(fault=Limit.DEPTH.value)
    except (*TEMPLATE_FAULTS, SyntaxError) as error:  # Python compiles what Jinja made of it
        return TemplateCompiled(fault=_detail(error))
    return TemplateCompiled()


def answer(job: RenderJob) -> Rendered | RenderFailed:
    try:
        return render(job)
    except OutputTooLargeError:
        return RenderFailed(limit=Limit.OUTPUT)
    except MemoryError:
        return RenderFailed(limit=Limit.MEMORY)
    except RecursionError:
        return RenderFailed(limit=Limit.DEPTH)
    except TEMPLATE_FAULTS as error:
        return RenderFailed(detail=_detail(error))


def _detail(error: Exception) -> str:
    said = "".join(each if each.isprintable() else " " for each in str(error)[: 10 * _DETAIL_CHARACTERS])
    return (" ".join(said.split()) or type(error).__name__)[:_DETAIL_CHARACTERS]


def _send(replies: BinaryIO, body: bytes) -> None:
    replies.write(pack(body))
    replies.flush()


def _limit_memory() -> None:
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time() -> None:
    # The limit counts from the start of the process, so it moves with every job.
    if resource is not None:
        until = math.ceil(time.process_time()) + CPU_SECONDS - 1  # whole seconds only
        resource.setrlimit(resource.RLIMIT_CPU, (until, resource.getrlimit(resource.RLIMIT_CPU)[1]))


if __name__ == "__main__":
    os._exit(main())  # what else runs at a usual end would look for files that are out of reach

"""Whether a chat template compiles, found out in a process of its own: templates are foreign code.

Promises an answer within a few seconds, whatever the template does. Renders nothing.
"""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import msgspec

from app.domain.filefault import FileFault
from app.domain.notice import Action, NoticeCode
from app.engine.wire import CompileTemplate, TemplateCompiled, WireError, pack, read_frame
from app.errors import KnownError
from app.spawn import Role, engine_environment, kill_group, spawn

TEMPLATE_BYTES = 1024 * 1024
SECONDS = 20.0  # to start and to compile; the helper limits its own processor time


def check_template(template: str, home: Path) -> None:
    """Raises KnownError: TEMPLATE_FAILED for one that is too long or has a mistake, TEMPLATE_TOO_COSTLY for
    one whose compilation was cut off."""
    if len(template.encode("utf-8", "replace")) > TEMPLATE_BYTES:
        raise _failed(FileFault.TEMPLATE_SIZE.value)
    outcome = _compiled(template, home)
    if outcome is None:
        raise KnownError.of(
            NoticeCode.TEMPLATE_TOO_COSTLY, Action.SET_TEMPLATE, Action.CHOOSE_MODEL, limit="time"
        )
    if outcome.fault:
        raise _failed(outcome.fault)


def _compiled(template: str, home: Path) -> TemplateCompiled | None:
    """Asks a helper; None when it did not answer."""
    job = pack(msgspec.json.encode(CompileTemplate(template=template)))
    with spawn(
        Role.TEMPLATE,
        cwd=home,
        environment=engine_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            output, _ = process.communicate(job, SECONDS)
        except subprocess.TimeoutExpired:
            kill_group(process)
            return None
    frames = io.BytesIO(output)
    try:
        read_frame(frames)  # it is ready
        body = read_frame(frames)
        return msgspec.json.decode(body, type=TemplateCompiled) if body is not None else None
    except (WireError, msgspec.DecodeError):
        return None


def _failed(detail: str) -> KnownError:
    return KnownError.of(NoticeCode.TEMPLATE_FAILED, Action.SET_TEMPLATE, Action.CHOOSE_MODEL, detail=detail)

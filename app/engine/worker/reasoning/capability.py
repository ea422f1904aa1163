"""What a chat template lets people choose about reasoning: found out by rendering it, once."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from app.domain.chat import Role
from app.domain.generation import EFFORTS
from app.domain.value import Value
from app.engine.base import PromptMessage
from app.engine.worker.reasoning.formats import FORMATS, Family, Tags, is_spoken_of, opened_by
from app.engine.worker.template import Rendered, RenderJob
from app.errors import KnownError

_SWITCHES = ("enable_thinking", "thinking")
_EFFORT = "reasoning_effort"
_QUESTION = (PromptMessage(role=Role.USER, content="Hello"),)


class Switch(StrEnum):
    """How reasoning is turned off."""

    TEMPLATE = "template"  # the template does it when told
    PREFILL = "prefill"  # an empty block is put where the answer begins
    NONE = "none"


class Capability(Value):
    """`efforts` are those that make a difference."""

    can_think: bool = False
    switch: Switch = Switch.NONE
    efforts: tuple[str, ...] = ()

    @property
    def can_switch(self) -> bool:
        return self.switch is not Switch.NONE


def probe(
    template: str,
    formats: tuple[Tags, ...],
    render: Callable[[RenderJob], Rendered],
    bos: str = "",
    eos: str = "",
) -> Capability:
    """Renders a short chat in every way. A template that fails is only read."""
    spoken_of = tuple(tags for tags in FORMATS if is_spoken_of(tags, template))
    can_think = bool(spoken_of) or any(name in template for name in (_SWITCHES[0], _EFFORT))
    # A template cannot use what it does not name: most need no rendering.
    if not can_think and _SWITCHES[1] not in template:
        return Capability()

    def prompt(*, thinking: bool = True, effort: str = "") -> Rendered:
        job = RenderJob(
            template=template, messages=_QUESTION, bos=bos, eos=eos, thinking=thinking, effort=effort
        )
        return render(job)

    try:
        on = prompt()
        switches = prompt(thinking=False) != on if any(name in template for name in _SWITCHES) else False
        levels = {effort: prompt(effort=effort).prompt for effort in EFFORTS} if _EFFORT in template else {}
    except KnownError:
        return Capability(can_think=can_think)
    efforts = EFFORTS if len(set(levels.values())) > 1 else ()
    is_opened = opened_by(on.generation_prompt, formats or FORMATS) is not None
    if not (spoken_of or switches or efforts or is_opened):
        return Capability()
    return Capability(can_think=True, switch=_switch(formats, switches=switches), efforts=efforts)


def _switch(formats: tuple[Tags, ...], *, switches: bool) -> Switch:
    if switches:
        return Switch.TEMPLATE
    is_block = bool(formats) and formats[0].family is Family.BLOCK
    return Switch.PREFILL if is_block else Switch.NONE

"""How families of models mark their reasoning: one row of a table each."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from app.domain.value import Value


class Family(StrEnum):
    """Which state machine reads the output."""

    BLOCK = "block"  # one block of thoughts, then the answer
    CHANNELS = "channels"  # messages, each with a header that says what it is


class Tags(Value):
    """What opens and closes the reasoning, and what some put around the answer. `sign` is what a template or
    a vocabulary has that knows this format; without it the tags themselves are."""

    open: str
    close: str
    answer_open: str = ""
    answer_close: str = ""
    sign: str = ""
    gap: str = "\n\n"  # between the two
    family: Family = Family.BLOCK

    @property
    def ending(self) -> str:
        """What stands between the last thought and the first word of the answer."""
        return f"{self.close}{self.gap}{self.answer_open}"


HARMONY = Tags(
    open="<|channel|>analysis<|message|>",
    close="<|end|><|start|>assistant",
    answer_open="<|channel|>final<|message|>",
    sign="<|channel|>",
    gap="",
    family=Family.CHANNELS,
)
GRANITE = Tags(
    open="<think>",
    close="</think>",
    answer_open="<response>",
    answer_close="</response>",
    sign="<response></response>",
)
THINK = Tags(open="<think>", close="</think>")
COMMAND = Tags(
    open="<|START_THINKING|>",
    close="<|END_THINKING|>",
    answer_open="<|START_RESPONSE|>",
    answer_close="<|END_RESPONSE|>",
    gap="",
)
# Of two that begin alike the more particular comes first.
FORMATS = (
    HARMONY,
    GRANITE,
    THINK,
    Tags(open="[THINK]", close="[/THINK]", gap=""),
    Tags(open="<seed:think>", close="</seed:think>"),
    Tags(open="<|channel>thought", close="<channel|>", gap=""),
    COMMAND,
    Tags(open="<reasoning>", close="</reasoning>"),
    Tags(open="<thought>", close="</thought>"),
    Tags(open="<mm:think>", close="</mm:think>"),
    Tags(open="◁think▷", close="◁/think▷"),
    Tags(open="<think:opensource>", close="</think:opensource>", sign="<think{}>"),
    Tags(
        open="<|open|>think<|sep|>",
        close="<|close|>think<|sep|>",
        answer_open="<|open|>response<|sep|>",
        answer_close="<|close|>response<|sep|>",
        sign="<|open|>",
        gap="",
    ),
    Tags(
        open="<|think|>",
        close="<|end|><|begin|>assistant",
        answer_open="<|content|>",
        sign="<|begin|>assistant<|think|>",
        gap="",
    ),
    Tags(open="<|inner_prefix|>", close="<|inner_suffix|>"),
)


def formats_for(template: str, is_token: Callable[[str], bool]) -> tuple[Tags, ...]:
    """Returns the formats a model may use: its template speaks of them, or its vocabulary has the tag."""
    return tuple(tags for tags in FORMATS if is_spoken_of(tags, template) or is_token(tags.sign or tags.open))


def is_spoken_of(tags: Tags, template: str) -> bool:
    if tags.sign:
        return tags.sign in template
    return tags.open in template or tags.close in template


def opened_by(generation_prompt: str, formats: tuple[Tags, ...]) -> Tags | None:
    """Returns the tags whose block the generation prompt opens and leaves open."""
    for tags in formats:
        if generation_prompt.rfind(tags.open) > generation_prompt.rfind(tags.close):
            return tags
    return None

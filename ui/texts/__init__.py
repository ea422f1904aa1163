"""Everything the window says that is not a label of one view. Knows the domain's codes, no widget."""

from ui.texts.figures import (
    context_text,
    duration_text,
    number_text,
    percent_text,
    seconds_text,
    size_text,
    speed_text,
    tokens_text,
)
from ui.texts.notices import Words, action_text, notice_words
from ui.texts.states import (
    SEPARATOR,
    answer_text,
    ending_text,
    engine_text,
    model_line,
    model_title,
    phase_text,
    placement_text,
    remark_text,
    thought_text,
    transfer_text,
    transfer_title,
)

__all__ = [
    "SEPARATOR",
    "Words",
    "action_text",
    "answer_text",
    "context_text",
    "duration_text",
    "ending_text",
    "engine_text",
    "model_line",
    "model_title",
    "notice_words",
    "number_text",
    "percent_text",
    "phase_text",
    "placement_text",
    "remark_text",
    "seconds_text",
    "size_text",
    "speed_text",
    "thought_text",
    "tokens_text",
    "transfer_text",
    "transfer_title",
]

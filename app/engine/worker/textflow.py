"""From the bytes of tokens to text that may be shown: characters, stop strings, reasoning, in that order."""

from __future__ import annotations

from app.engine.worker.reasoning.formats import Tags
from app.engine.worker.reasoning.marks import Marks
from app.engine.worker.reasoning.splitter import Splitter
from app.engine.worker.stops import StopStrings
from app.engine.worker.utf8 import Utf8Decoder


class TextFlow:
    """Collects the text of one answer until somebody takes it. Stop strings are looked for in the raw
    output, reasoning included."""

    def __init__(self, stops: tuple[str, ...], splitter: Splitter, marks: Marks) -> None:
        self._characters = Utf8Decoder()
        # A tag that is a token is found as well as one that is spelled.
        self._stops = StopStrings({*stops, *(marks.marked(word) for word in stops)})
        self._splitter = splitter
        self._marks = marks
        self._has_marks = False
        self._content: list[str] = []
        self._reasoning: list[str] = []

    @property
    def is_stopped(self) -> bool:
        return self._stops.is_hit

    @property
    def is_thinking(self) -> bool:
        return self._splitter.is_thinking

    @property
    def open_tags(self) -> Tags | None:
        """The (marked) tags of the reasoning that could be closed now."""
        return self._splitter.open_tags

    @property
    def is_whole(self) -> bool:
        """Whether no character is half there."""
        return self._characters.is_empty

    @property
    def has_text(self) -> bool:
        return bool(self._content or self._reasoning)

    def feed(self, piece: bytes | str) -> None:
        """Takes the bytes of a token, or its mark."""
        if isinstance(piece, str):
            self._has_marks = True
            piece = self._characters.finish() + piece
        else:
            piece = self._characters.feed(piece)
        text = self._stops.feed(piece)
        if text:
            self._keep(*self._splitter.feed(text))

    def finish(self) -> None:
        """Lets go of everything held back; no more will be fed."""
        rest = self._stops.feed(self._characters.finish())
        if not self._stops.is_hit:
            rest += self._stops.finish()
        if rest:
            self._keep(*self._splitter.feed(rest))
        self._keep(*self._splitter.finish())

    def take(self) -> tuple[str, str]:
        """Returns (content, reasoning) collected since the last time."""
        taken = "".join(self._content), "".join(self._reasoning)
        self._content.clear()
        self._reasoning.clear()
        return taken

    def _keep(self, content: str, reasoning: str) -> None:
        if self._has_marks:
            content, reasoning = self._marks.shown(content), self._marks.shown(reasoning)
        if content:
            self._content.append(content)
        if reasoning:
            self._reasoning.append(reasoning)

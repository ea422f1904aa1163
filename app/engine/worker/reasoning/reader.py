"""The splitter for an output, by how its prompt ends."""

from __future__ import annotations

from app.engine.worker.reasoning.blocks import BlockSplitter
from app.engine.worker.reasoning.channels import ChannelSplitter
from app.engine.worker.reasoning.formats import Family, Tags
from app.engine.worker.reasoning.marks import Marks
from app.engine.worker.reasoning.splitter import PlainSplitter, Splitter, State


def splitter_for(
    formats: tuple[Tags, ...], marks: Marks, state: State = State.MAYBE, tags: Tags | None = None
) -> Splitter:
    """Returns what reads an output that may have any of `formats`; `tags` are those of the block the prompt
    left open."""
    likely = tags or (formats[0] if formats else None)
    if likely is None:
        return PlainSplitter()
    if likely.family is Family.CHANNELS:
        return ChannelSplitter(marks.marked_tags(likely), marks, state)
    blocks = tuple(marks.marked_tags(each) for each in formats if each.family is Family.BLOCK)
    return BlockSplitter(blocks, state, marks.marked_tags(tags) if tags is not None else None)

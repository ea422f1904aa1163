"""A chat's first title: its first words, until a person or a model gives it a better one."""

from __future__ import annotations

LIMIT = 60


def title_from(text: str) -> str:
    """Returns the first line with words in it, cut at a word's end, at most LIMIT characters."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = " ".join(line.split())
    if len(line) <= LIMIT:
        return line
    head = line[: LIMIT - 1]
    space = head.rfind(" ")
    return (head[:space] if space > LIMIT // 2 else head).rstrip() + "…"

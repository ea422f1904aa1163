"""A small byte-level BPE vocabulary: all bytes, the merges that make common words, and control tokens.

Any text round-trips. Ordinary words are one to four tokens.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

NORMAL, CONTROL, USER_DEFINED = 1, 3, 4
END = "<|im_end|>"
PAD = "<|endoftext|>"
MARKS = {
    PAD: CONTROL,
    "<|im_start|>": CONTROL,
    END: CONTROL,
    "<think>": USER_DEFINED,
    "</think>": USER_DEFINED,
}
_COMMON = """
the of and to in is that it was for on are with as his they at be this from have or by one had not but
what all were when we there can an your which their said if do will each about how up out them then she
many some so these would other into has more her two like him see time could no make than first been its
who now people my made over did down only way find use may water long little very after words called just
where most know get through back much before go good new write our used me man too any day same right
look think also around another came come work three word must because does part even place well such here
take why things help put years different away again off went old number great tell men say small every
found still between name should home big give air line set own under read last never us left end along
while might next sound below saw something thought both few those always show large often together asked
house world going want school important until form food keep children feet land side without boy once
animals life enough took sometimes four head above kind began almost live page got earth need far hand
high year mother light parts country father let night following picture being study second eyes soon
times story boys since white days ever paper hard near sentence better best across during today others
however sure means knew try told young miles sun ways thing whole hear example heard several change
answer room sea against top turned learn point city play toward five using himself usually
"""
WORDS = tuple(_COMMON.split())
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]


@dataclass(frozen=True)
class Vocabulary:
    tokens: list[str]
    kinds: list[int]
    merges: list[str]

    def id(self, token: str) -> int:
        return self.tokens.index(token)

    @property
    def silent(self) -> list[int]:
        """What a model of ours does not say: control tokens, and bytes that are no text of their own."""
        return [
            index
            for index, (token, kind) in enumerate(zip(self.tokens, self.kinds, strict=True))
            if kind != NORMAL or (len(token) == 1 and not (token == _SPACE or 33 <= ord(token) < 127))
        ]


def byte_letters() -> list[str]:
    """How byte-level BPE spells the 256 bytes: printable ones as themselves, the others as letters above."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    above = itertools.count(256)
    return [chr(byte) if byte in printable else chr(next(above)) for byte in range(256)]


_SPACE = byte_letters()[ord(" ")]


def vocabulary(size: int) -> Vocabulary:
    """Returns a vocabulary of exactly this size; what common words do not fill is made up."""
    tokens = byte_letters()
    known = set(tokens)
    merges: list[str] = []
    room = size - len(tokens) - len(MARKS)
    for word in _words():
        start = _SPACE
        for letter in word:
            if len(merges) == room:
                return Vocabulary([*tokens, *MARKS], [*[NORMAL] * len(tokens), *MARKS.values()], merges)
            if start + letter not in known:
                known.add(start + letter)
                tokens.append(start + letter)
                merges.append(f"{start} {letter}")
            start += letter
    raise ValueError(f"no vocabulary of {size} tokens")


def _words() -> itertools.chain[str]:
    made_up = ("".join(parts) for parts in itertools.product(SYLLABLES, repeat=3))
    return itertools.chain(WORDS, made_up)

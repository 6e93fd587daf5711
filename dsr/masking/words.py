"""Words of a text with their places, in the form in which `dsr.evidence.name_of` compares names."""

import re
import sys
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from dsr.evidence import name_of

_APOSTROPHES: Final = "'’´`"
_LONGEST: Final = 80
"""Letters, accents that stand alone included. Nothing longer is a name, and to compose it could take for ever."""


@lru_cache(maxsize=1)
def _joining() -> str:
    """Of a regular expression's class: what stands inside a word without being a letter (accents that stand alone,
    invisible characters). Only the planes that have any."""
    ends: list[list[int]] = []
    last = -2
    for code in (*range(0x300, 0x10000), *range(0x10000, 0x20000), *range(0xE0000, min(0xE0200, sys.maxunicode))):
        category = unicodedata.category(chr(code))
        if category[0] == "M" or category == "Cf":
            if code == last + 1:
                ends[-1][1] = code
            else:
                ends.append([code, code])
            last = code
    return "\u00ad" + "".join(f"\\U{one:08x}-\\U{other:08x}" for one, other in ends)


@lru_cache(maxsize=1)
def _word() -> re.Pattern[str]:
    return re.compile(rf"[^\W_](?:[^\W_]|[{_joining()}{_APOSTROPHES}])*")


class Word(NamedTuple):
    """`plain`: without case, accents and apostrophes; "" = no name. `end` is behind the last letter and its accents."""

    start: int
    end: int
    plain: str


def words(text: str) -> Iterator[Word]:
    """The words of a text, in order. Hyphens and full stops part words, apostrophes and accents don't."""
    for found in _word().finditer(text):
        start, end = found.span()
        if end - start > _LONGEST:
            yield Word(start, end, "")
            continue
        spelt = found[0].rstrip(_APOSTROPHES)
        yield Word(start, start + len(spelt), plain(spelt))


@lru_cache(maxsize=16384)
def plain(word: str) -> str:
    """One word as `name_of` has it; "" when that is no single word, and for what stands where there is no name."""
    if word.isascii():
        return "".join(c for c in word.lower() if c not in _APOSTROPHES)
    parts = name_of(word)
    return parts[0] if len(parts) == 1 else ""

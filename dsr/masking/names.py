"""Names of known people, and their addresses, among the words of a text.

The rule. A **whole name** is two or more words of one known name side by side, in any order, with nothing but a blank,
hyphen, comma or a full stop without a blank between; it counts in any case. **One word** of a name counts

- in any case, when it is no everyday word (`everyday.COMMON`) and has three letters or more;
- else only when it is written as a name (capital, then small letters) where a sentence doesn't begin; or where one
  begins, when the whole name stands in the same text.

A genitive's -s and initials beside a name belong to it. What is also a word of the subject's names never counts alone.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from dsr.masking.everyday import COMMON, PARTICLES
from dsr.masking.masks import Mask
from dsr.masking.people import KnownPeople, Names
from dsr.masking.words import Word

_GAP: Final = re.compile(r"[\s,\-‐-―_]{1,3}|\.")
_AFTER_INITIAL: Final = re.compile(r"\.\s{0,2}|\s{1,2}")
_OPENING: Final = "\"'([{“”„«»‘’*_>-–—•"
_ENDS: Final = ".!?:;…\n\r"


def names(text: str, found: Sequence[Word], known: KnownPeople, own: KnownPeople) -> Iterator[Mask]:
    """Masks for the names of `known`, some of them overlapping."""
    alone, whole = [], set()
    for run in _runs(text, found, known.names):
        bases = [known.names.base(word.plain) for _, word in run]
        strange = [base for base in bases if base and not own.names.base(base)]
        if len(run) > 1 and strange and not all(base in PARTICLES for base in filter(None, bases)):
            whole.update(bases)
            yield Mask(run[0][1].start, run[-1][1].end, _kind(known.names, bases))
        else:
            alone += [(word, base) for (_, word), base in zip(run, bases, strict=True) if base]
    for word, base in alone:
        is_own = own.names.base(word.plain) or own.names.base(base)
        if not is_own and _counts_alone(text, word, base, whole):
            yield Mask(word.start, word.end, "person" if known.names.words[base] else "staff")


def own_names(text: str, found: Sequence[Word], own: KnownPeople) -> Iterator[tuple[int, int]]:
    """Where the subject's names stand, two of their words or more side by side."""
    for run in _runs(text, found, own.names):
        if len(run) > 1:
            yield run[0][1].start, run[-1][1].end


def addresses(text: str, found: Sequence[Word], known: KnownPeople) -> Iterator[tuple[int, int]]:
    """Where postal addresses of people stand, word by word as they are known."""
    if not known.lines:
        return
    for place, word in enumerate(found):
        for line in known.lines.get(word.plain, ()):
            last = place + len(line) - 1
            if (
                last < len(found)
                and all(found[place + n].plain == part for n, part in enumerate(line))
                and all(_near(text, found[n], found[n + 1]) for n in range(place, last))
            ):
                yield word.start, found[last].end


def _runs(text: str, found: Sequence[Word], names: Names) -> Iterator[list[tuple[int, Word]]]:
    """Known words side by side that stand in one name, as long as there are any, with initials before, among and
    behind them; or one known word."""
    place = 0
    while place < len(found):
        base = names.base(found[place].plain)
        if not base:
            place += 1
            continue
        run = [(place, found[place])]
        if place and _is_before(text, found[place - 1], found[place], base, names):
            run.insert(0, (place - 1, found[place - 1]))
        place += 1
        while place < len(found) and _near(text, found[place - 1], found[place]):
            following = names.base(found[place].plain)
            if following and (base, following) in names.pairs:
                base = following
            elif not _initial(text, found[place], base, names):
                break
            run.append((place, found[place]))
            place += 1
        yield run


def _is_before(text: str, word: Word, name: Word, base: str, names: Names) -> bool:
    """Whether an initial with its full stop stands before a name: "I. Lund", not "I Lund", where somebody lives."""
    return text[word.end] == "." and _initial(text, word, base, names) and _near(text, word, name)


def _initial(text: str, word: Word, base: str, names: Names) -> bool:
    return len(word.plain) == 1 and text[word.start].isupper() and word.plain in names.initials[base]


def _near(text: str, one: Word, other: Word) -> bool:
    gap = _AFTER_INITIAL if len(one.plain) == 1 else _GAP
    return other.start - one.end <= 3 and gap.fullmatch(text, one.end, other.start) is not None


def _kind(names: Names, bases: Sequence[str]) -> str:
    """staff when every two words side by side name staff alone."""
    words = [base for base in bases if base]
    pairs = list(pairwise(words))
    others = any(names.pairs.get(pair, True) for pair in pairs) if pairs else names.words[words[0]]
    return "person" if others else "staff"


def _counts_alone(text: str, word: Word, base: str, whole: set[str]) -> bool:
    spelt = text[word.start : word.end]
    if len(base) > 2 and base not in COMMON and word.plain not in COMMON and not base.isdigit():
        return True
    if not spelt[0].isupper() or spelt[1:] != spelt[1:].lower():
        return False
    return base in whole or not _begins_sentence(text, word.start)


def _begins_sentence(text: str, start: int) -> bool:
    """Whether nothing, or the end of a sentence or line, stands before a word. Looks back ten characters at most."""
    before = text[max(0, start - 10) : start].rstrip(_OPENING).rstrip(" \t\u00a0").rstrip(_OPENING)
    return not before or before[-1] in _ENDS

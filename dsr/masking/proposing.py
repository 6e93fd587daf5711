"""`propose`: every finder over one text, one answer."""

import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from dsr.evidence import name_of
from dsr.masking import contacts, names
from dsr.masking.marking import joined, unmarked
from dsr.masking.masks import Mask, Person
from dsr.masking.numbers import loosely, numbers
from dsr.masking.people import KnownPeople
from dsr.masking.words import words

_NAMED: Final = ("person", "staff", "address")
_SHORTEST: Final = 5
"""Characters of what may still be found between masks: an e-mail address, "a@b.se"."""
Span = tuple[int, int]


def propose(text: str, known: KnownPeople, own: Person, country: str = "SE") -> tuple[Mask, ...]:
    """What in a text may be somebody else's: sorted, not overlapping, none empty; () = nothing was found, which
    doesn't mean that nothing is there. Overlapping finds become one mask, of the kind of the longest.

    known     other people; `own`: the subject, whose names, addresses and numbers are never proposed. What somebody
              else shares with the subject (a household's address, a switchboard) is the subject's, too; but another's
              full name is masked as a whole although the family name is also the subject's.
    country   ISO 3166 code of the controller's: telephone numbers without a country code are read as that country's

    Found: names of known people (the rule: `names`), their addresses; e-mail addresses but mailboxes of a function;
    valid telephone numbers; Swedish personal and organisation numbers, card numbers, IBANs, by their check digits.
    Not found: nicknames, misspelt names, names and addresses of people whom no system knows, and what HTML spells by
    entities or parts by tags: give plain text. Markers that `apply` left are skipped, so that what was masked is found
    no second time.
    """
    subject = _Own.of(own)
    masks: list[Mask] = []
    waiting = [(start, end, True) for start, end in unmarked(text)]
    while waiting:
        start, end, whole = waiting.pop()
        part = text[start:end]
        found = joined(part, _part(part, known, subject, country, named=whole))
        masks += [Mask(start + m.start, start + m.end, m.kind) for m in found]
        if found:
            edges = [0, *(edge for m in found for edge in (m.start, m.end)), end - start]
            between = zip(edges[::2], edges[1::2], strict=True)
            waiting += [(start + a, start + b, False) for a, b in between if b - a >= _SHORTEST]
    return tuple(sorted(masks))


class _Own:
    """The subject, made ready."""

    def __init__(self, own: Person) -> None:
        self.people = KnownPeople([own])
        self.phones = frozenset(own.phones)
        self.numbers = [pattern for number in own.numbers if (pattern := loosely(number))]

    @staticmethod
    @lru_cache(maxsize=64)
    def of(own: Person) -> "_Own":
        """Of a subject; made once."""
        return _Own(own)


def _part(text: str, known: KnownPeople, own: _Own, country: str, *, named: bool) -> Iterator[Mask]:
    """Masks for a piece of text that holds no marker, some of them overlapping. `named`: with names and postal
    addresses. Between masks there are no others than were found before; numbers and e-mail addresses there may be,
    since a number ends where a mask begins."""
    reached, kept = _reached(text, known, own, country)
    named_masks: list[Mask] = []
    if named:
        found = list(words(text))
        inside = _merged([(m.start, m.end) for m in reached if m.kind == "email"])
        whole = list(names.names(text, found, known, own.people))
        theirs = _but_for_longer(text, list(names.own_names(text, found, own.people)), whole, known)
        kept += [span for span in theirs if not _within(span, inside)]
        kept += names.addresses(text, found, own.people)
        named_masks = whole + [Mask(a, b, "address") for a, b in names.addresses(text, found, known)]
    return _without(text, reached + named_masks, kept)


def _reached(text: str, known: KnownPeople, own: _Own, country: str) -> tuple[list[Mask], list[Span]]:
    """Masks for what others are reached or told apart by, and where what is the subject's stands."""
    masks, kept = [], [match.span() for pattern in own.numbers for match in pattern.finditer(text)]
    for start, end, address in contacts.emails(text):
        if address in own.people.emails:
            kept.append((start, end))
        elif address in known.emails or contacts.somebodys(address):
            masks.append(Mask(start, end, "email"))
    for start, end, digits in contacts.written(text):
        if digits in own.people.phones:
            kept.append((start, end))
        elif digits in known.phones:
            masks.append(Mask(start, end, "phone"))
    checked = [Mask(start, end, kind) for start, end, kind in numbers(text)]
    for start, end, number in contacts.phones(_blanked(text, checked), country):
        if number in own.phones:
            kept.append((start, end))
        else:
            masks.append(Mask(start, end, "phone"))
    return masks + checked, kept


def _blanked(text: str, masks: Sequence[Mask]) -> str:
    """The text with line ends in place of what is masked: a number in it is no part of another."""
    pieces, last = [], 0
    for start, end in _merged([(m.start, m.end) for m in masks]):
        pieces += [text[last:start], "\n" * (end - start)]
        last = end
    return "".join([*pieces, text[last:]])


def _within(span: Span, spans: Sequence[Span]) -> bool:
    place = bisect_right(spans, (span[0], sys.maxsize)) - 1
    return place >= 0 and span[1] <= spans[place][1]


def _but_for_longer(text: str, own: Sequence[Span], whole: Sequence[Mask], known: KnownPeople) -> list[Span]:
    """The subject's names, but those that are part of a longer name of somebody else: "Anna Maria" of "Anna Maria
    Lund", when the subject is Anna Maria Berg."""
    kept, at = [], 0
    for start, end in own:
        while at < len(whole) and whole[at].end <= start:
            at += 1
        longer = at < len(whole) and whole[at].start <= start and end <= whole[at].end
        other = text[whole[at].start : whole[at].end] if longer else ""
        if len(other) <= end - start or not known.has(name_of(other)):
            kept.append((start, end))
    return kept


def _without(text: str, masks: Sequence[Mask], kept: Sequence[Span]) -> Iterator[Mask]:
    """Masks, cut where something of the subject's stands. Of a number or an e-mail address nothing is left then."""
    spans = _merged(kept)
    at = 0
    for mask in sorted(masks):
        while at < len(spans) and spans[at][1] <= mask.start:
            at += 1
        pieces, start, place = [], mask.start, at
        while place < len(spans) and spans[place][0] < mask.end:
            pieces.append((start, spans[place][0]))
            start = spans[place][1]
            place += 1
        if place == at:
            yield mask
        elif mask.kind in _NAMED:
            for one, other in (*pieces, (start, mask.end)):
                yield from _trimmed(text, one, other, mask.kind)


def _merged(spans: Sequence[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _trimmed(text: str, start: int, end: int, kind: str) -> Iterator[Mask]:
    """What is left of a mask, from its first word to its last."""
    left = list(words(text[start:end])) if start < end else []
    if left:
        yield Mask(start + left[0].start, start + left[-1].end, kind)

"""`apply`: masks made visible; and where a text already has them."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from dsr.masking.masks import KINDS, Mask

_LANGUAGES: Final = ("sv", "en")
_JOINER: Final = "\u200d"


@cache
def markers(language: str) -> Mapping[str, str]:
    """Kind of mask → what stands in its place, brackets included. FileNotFoundError for an unknown language."""
    text = files("dsr.report").joinpath("texts", f"masks.{language}.toml").read_text(encoding="utf-8")
    words = tomllib.loads(text)["marker"]
    return {kind: f"[{words[kind]}]" for kind in KINDS}


@cache
def _any_marker() -> re.Pattern[str]:
    every = {marker for language in _LANGUAGES for marker in markers(language).values()}
    return re.compile("|".join(map(re.escape, sorted(every, key=len, reverse=True))))


def unmarked(text: str) -> Iterator[tuple[int, int]]:
    """The parts of a text between the markers of any language, in order, none empty."""
    last = 0
    for found in _any_marker().finditer(text):
        if found.start() > last:
            yield last, found.start()
        last = found.end()
    if len(text) > last:
        yield last, len(text)


def apply(text: str, masks: Iterable[Mask], language: str = "sv") -> str:
    """The text with each mask's span replaced by the marker of its kind, which tells nothing of its length; all else
    verbatim. A mask that begins or ends inside a grapheme takes the whole of it; overlapping ones become one marker.

    ValueError("mask.outside_text") when a mask isn't within the text: it belongs to another text.
    """
    shown, pieces, last = markers(language), [], 0
    for mask in joined(text, masks):
        pieces += [text[last : mask.start], shown[mask.kind]]
        last = mask.end
    return "".join([*pieces, text[last:]])


def joined(text: str, masks: Iterable[Mask]) -> list[Mask]:
    """Sorted, each with whole graphemes; overlapping ones are one, of the kind of the longest, `mentioned` when all
    are. ValueError as `apply`."""
    found: list[Mask] = []
    longest = 0
    for mask in sorted(masks):
        if not 0 <= mask.start <= mask.end <= len(text):
            raise ValueError("mask.outside_text")
        if mask.start == mask.end:
            continue
        length, last = mask.end - mask.start, found[-1] if found else None
        if last is not None and mask.start < last.end:
            kind = mask.kind if length > longest else last.kind
            end = last.end if mask.end <= last.end else _forwards(text, mask.end)
            found[-1] = Mask(last.start, end, kind, last.mentioned and mask.mentioned)
            longest = max(length, longest)
            continue
        start = _backwards(text, mask.start, last.end if last else 0)
        found.append(Mask(start, _forwards(text, mask.end), mask.kind, mask.mentioned))
        longest = length
    return found


def _forwards(text: str, end: int) -> int:
    while end < len(text) and _sticks(text, end):
        end += 1
    return end


def _backwards(text: str, start: int, least: int) -> int:
    while start > least and _sticks(text, start):
        start -= 1
    return start


def _sticks(text: str, place: int) -> bool:
    """Whether a character belongs to the grapheme of the one before it: accents, variation selectors, skin tones, what
    a zero width joiner joins, the second halves of surrogate pairs and of flags (Unicode Annex 29, without Hangul and
    prepended marks)."""
    char, before = text[place], text[place - 1] if place else ""
    if not before or before in "\r\n":
        return before == "\r" and char == "\n"
    if unicodedata.category(char)[0] == "M" or char in ("\u200c", _JOINER) or "\U0001f3fb" <= char <= "\U0001f3ff":
        return True
    if "\U000e0020" <= char <= "\U000e007f":
        return True
    if before == _JOINER:
        return unicodedata.category(char) == "So"
    if "\ud800" <= before <= "\udbff":
        return "\udc00" <= char <= "\udfff"
    return _is_flag(char) and _is_flag(before) and _flags_before(text, place) % 2 == 1


def _is_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _flags_before(text: str, place: int) -> int:
    """How many halves of flags stand before a place, of the last hundred characters."""
    count = 0
    while count < min(place, 100) and _is_flag(text[place - 1 - count]):
        count += 1
    return count

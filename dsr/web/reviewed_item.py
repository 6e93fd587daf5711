"""An item as the review's page shows it."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import rfc8785

from dsr import schema
from dsr.errors import PermanentError
from dsr.masking import Mask
from dsr.proposing import Proposal
from dsr.review import FILE_NAME, MASKED, Entry, Item, Verdict

_MOST_WORDS: Final = 100
_MOST_MASKS: Final = 5_000
_SPAN: Final = re.compile(r"(\d{1,9})-(\d{1,9})-([a-z_]{1,30})")


@dataclass(frozen=True)
class Shown:
    """An item with what is decided. `segments`: the text in pieces, each with the number of its mask, or None; a mask
    is `ticked` when it is proposed, or was decided on. `spans`: the masks as a form names them; `state`: see
    `state_of`. `agreeable`: this user may look a second time."""

    item: Item
    state: str
    proposal: Proposal
    spans: tuple[str, ...]
    where: str
    count: int
    segments: tuple[tuple[str, int | None], ...]
    ticked: frozenset[int]
    also: tuple[str, ...]
    verdict: Verdict | None
    agreeable: bool
    unseconded: bool


def shown(item: Item, entry: Entry, proposal: Proposal, verdict: Verdict | None, user: str, four_eyes: bool) -> Shown:
    """For who looks. A decision about something else that had the number before is none."""
    if verdict is not None and verdict.key != item.key:
        verdict = None
    decided = set(verdict.masks) if verdict is not None and verdict.verdict == MASKED else None
    spans = {span(mask) for mask in (proposal.hidden if decided is None else decided)}
    ticked = {number for number, mask in enumerate(proposal.masks) if span(mask) in spans}
    offered = {span(mask) for mask in proposal.masks}
    also = sorted({item.text[m.start : m.end] for m in decided or () if span(m) not in offered})
    unseconded = four_eyes and verdict is not None and not verdict.seconded
    return Shown(
        item,
        state_of(item, proposal, verdict),
        proposal,
        tuple(span(mask) for mask in proposal.masks),
        ", ".join(dict.fromkeys(_where(place.dataset, place.field) for place in entry.places)),
        sum(place.count for place in entry.places),
        tuple(_segments(item.text, proposal.masks)),
        frozenset(ticked),
        tuple(also),
        verdict,
        unseconded and verdict is not None and verdict.by != user,
        unseconded,
    )


def state_of(item: Item, proposal: Proposal, verdict: Verdict | None) -> str:
    """Digest of what is shown of an item: which content, what is offered, what is decided. A form that brings another
    was made for something else."""
    shown = [item.key, proposal.verdict, [span(mask) for mask in proposal.masks]]
    standing = verdict.as_json() if verdict is not None else None
    return f"{item.number}.{hashlib.sha256(rfc8785.dumps([shown, standing])).hexdigest()[:32]}"


def span(mask: Mask) -> str:
    """A part of a text as a form names it."""
    return f"{mask.start}-{mask.end}-{mask.kind}"


def span_of(text: str) -> Mask | None:
    """Back from `span`; None for anything else."""
    found = _SPAN.fullmatch(text)
    return Mask(int(found[1]), int(found[2]), found[3]) if found else None


def also_hidden(text: str, words: str) -> list[Mask]:
    """Masks for every place where one of these words or phrases stands, a line each: whatever their case, the blanks
    between them, and how their letters are composed. PermanentError("review.nothing_hidden") for a line that stands
    nowhere, or for too many: better no decision than one that hides less than was asked for."""
    wanted = [line.split() for line in words.splitlines() if line.strip()]
    masks: list[Mask] = []
    for line in wanted[:_MOST_WORDS]:
        forms = {_pattern(unicodedata.normalize(form, word) for word in line) for form in ("NFC", "NFD")}
        found = [match for form in forms for match in re.finditer(form, text, re.IGNORECASE)]
        if not found:
            raise PermanentError("review.nothing_hidden", "review")
        masks += [Mask(match.start(), match.end(), "person") for match in found]
    if len(wanted) > _MOST_WORDS or len(masks) > _MOST_MASKS:
        raise PermanentError("review.nothing_hidden", "review")
    return masks


def _pattern(words: Iterable[str]) -> str:
    """In a nested value, as JSON writes them, too."""
    return r"\s+".join(f"(?:{re.escape(word)}|{re.escape(json.dumps(word)[1:-1])})" for word in words)


def _where(dataset: str, column: str) -> str:
    described: dict[str, Any] = schema.load(dataset)
    unknown = column if column == FILE_NAME else "fields that nobody has declared"
    title = described["properties"].get(column, {}).get("title", unknown)
    return f"{described['title']}: {title}" if column else f"{described['title']}: file"


def _segments(text: str, masks: Sequence[Mask]) -> Iterator[tuple[str, int | None]]:
    at = 0
    for number, mask in enumerate(masks):
        if mask.start > at:
            yield text[at : mask.start], None
        yield text[mask.start : mask.end], number
        at = mask.end
    if at < len(text):
        yield text[at:], None

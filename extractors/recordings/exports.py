"""Raw deliveries of contact records, in which many people stand: rewritten without some calls, then the old versions
deleted. What is not about those calls keeps every byte."""

import json
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from dsr.errors import PermanentError, TransientError
from extractors.recordings.store import PLACE
from extractors.recordings.versions import Lock, Version, Versions, heaviest

REFUSED: Final = Lock("s3.refused")
BINNED: Final = Lock("export.binned")
DIFFERING: Final = Lock("export.versions_differ")
_TRIES: Final = 5
_KEPT: Final = ("ContentType", "ContentEncoding", "ContentLanguage", "ContentDisposition", "CacheControl", "Metadata",
                "StorageClass")  # fmt: skip
_DECODER: Final = json.JSONDecoder()


@dataclass(frozen=True)
class Purged:
    """`held`: contact ids that stood in the object; `obstacle`: why they still do, None when they don't.

    BINNED: the object lies under a delete marker, and writing would bring others' records back; DIFFERING: an older
    version holds records of others that the newest lacks. Both are for a person."""

    held: frozenset[str]
    obstacle: Lock | None = None


@dataclass(frozen=True)
class Span:
    """A piece of the text with the blanks behind it. `contact_id`: "" when it is nobody's record."""

    text: str
    contact_id: str


def spans(body: bytes) -> Iterator[Span]:
    """The delivery cut into its JSON values; put together again they are the body, byte for byte. Blanks before the
    first are a span of nobody. PermanentError("record.unreadable") when something else stands there."""
    try:
        text, at = body.decode(), 0
        while at < len(text):
            value, end = (None, at) if text[at].isspace() else _DECODER.raw_decode(text, at)
            while end < len(text) and text[end].isspace():
                end += 1
            contact_id = value.get("ContactId") if isinstance(value, dict) else None
            yield Span(text[at:end], contact_id if isinstance(contact_id, str) else "")
            at = end
    except (ValueError, RecursionError):
        raise PermanentError("record.unreadable", PLACE) from None


def purge(versions: Versions, key: str, calls: Collection[str]) -> Purged:
    """Takes the records of these calls out of every version of the object. Another process may rewrite it too: the new
    version is only put on the one that was read, and all is looked at again until no version holds them."""
    held: set[str] = set()
    for _ in range(_TRIES):
        there = [v for v in versions.under(key) if v.key == key]
        copies = {v: copy for v in there if not v.marker and (copy := versions.get(v)) is not None}
        read = {v: list(spans(copy["Body"])) for v, copy in copies.items()}
        holding = [v for v, found in read.items() if any(s.contact_id in calls for s in found)]
        if not holding:
            return Purged(frozenset(held))
        held |= {s.contact_id for v in holding for s in read[v] if s.contact_id in calls}
        obstacle = _obstacle(versions, there, holding, read, calls)
        if obstacle is not None:
            return Purged(frozenset(held), obstacle)
        kept = {v: [s for s in found if s.contact_id not in calls] for v, found in read.items()}
        if all(v in holding and not any(s.text.strip() for s in kept[v]) for v in read):
            doomed = there  # nothing of anybody else's in any version: the object goes
        elif _rewritten(versions, holding, copies, kept):
            doomed = holding
        else:
            continue
        if versions.delete(doomed):
            return Purged(frozenset(held), REFUSED)
    raise TransientError("objects.remain", PLACE)


def _rewritten(
    versions: Versions, holding: list[Version], copies: dict[Version, dict[str, Any]], kept: dict[Version, list[Span]]
) -> bool:
    """Puts the newest version anew if it holds any of the calls; False when somebody else was faster."""
    newest = next((v for v in holding if v.newest), None)
    if newest is None:
        return True
    copy, tags = copies[newest], versions.tags(newest) or {}
    headers = {name: copy[name] for name in _KEPT if copy.get(name)}
    if tags:
        headers["Tagging"] = urlencode(tags)
    body = "".join(span.text for span in kept[newest]).encode()
    return versions.replace(newest.key, body, str(copy["ETag"]), **headers)


def _obstacle(
    versions: Versions, there: list[Version], holding: list[Version], read: dict[Version, list[Span]],
    calls: Collection[str],
) -> Lock | None:  # fmt: skip
    lock = heaviest(found for v in holding if (found := versions.lock(v)) is not None)
    if lock is not None:
        return lock
    newest = next((v for v in there if v.newest), None)
    others = {v: Counter(s.text.strip() for s in found if s.contact_id not in calls) for v, found in read.items()}
    if newest is None or newest.marker:
        return BINNED if any(others[v] - Counter([""]) for v in holding) else None
    return DIFFERING if any(not set(others[v]) <= {*others[newest], ""} for v in holding) else None

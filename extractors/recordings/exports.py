"""Raw deliveries of contact records, in which many people stand: rewritten without some calls, then the old versions
deleted. What is not about those calls keeps every byte."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Executor
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


def purge(versions: Versions, calls: Mapping[str, Collection[str]], pool: Executor) -> dict[str, Purged]:
    """Takes the records of these calls out of every version of these objects. `calls`: key → contact ids. Another
    process may rewrite them too: a new version is only put on the one that was read, and all is looked at again until
    no version holds them. What is to go of all objects is deleted together: the store takes a thousand versions a
    call."""
    work = [_Delivery(key, frozenset(ids)) for key, ids in sorted(calls.items())]
    for _ in range(_TRIES):
        left = [each for each in work if each.purged is None]
        for _ in pool.map(lambda each: each.rewrite(versions), left):
            pass
        refused = versions.delete([v for each in left for v in each.doomed])
        for each in left:
            if refused & set(each.doomed):
                each.purged = Purged(frozenset(each.held), REFUSED)
        if all(each.purged for each in work):
            return {each.key: each.purged for each in work if each.purged}
    raise TransientError("objects.remain", PLACE)


class _Delivery:
    """One object on its way to hold nothing of these calls. `doomed`: what is to be deleted of it now; `purged`: what
    became of it, None until that is known."""

    def __init__(self, key: str, calls: frozenset[str]) -> None:
        self.key, self._calls = key, calls
        self.held: set[str] = set()
        self.doomed: list[Version] = []
        self.purged: Purged | None = None

    def rewrite(self, versions: Versions) -> None:
        """Looks at all versions, and puts the newest anew where it holds any of the calls."""
        self.doomed = []
        there = [v for v in versions.under(self.key) if v.key == self.key]
        copies = {v: copy for v in there if not v.marker and (copy := versions.get(v)) is not None}
        read = {v: list(spans(copy["Body"])) for v, copy in copies.items()}
        holding = [v for v, found in read.items() if any(s.contact_id in self._calls for s in found)]
        self.held |= {s.contact_id for v in holding for s in read[v] if s.contact_id in self._calls}
        obstacle = _obstacle(versions, there, holding, read, self._calls) if holding else None
        if not holding or obstacle is not None:
            self.purged = Purged(frozenset(self.held), obstacle)
            return
        kept = {v: [s for s in found if s.contact_id not in self._calls] for v, found in read.items()}
        if all(v in holding and not any(s.text.strip() for s in kept[v]) for v in read):
            self.doomed = there  # nothing of anybody else's in any version: the object goes
        elif _rewritten(versions, holding, copies, kept):
            self.doomed = holding


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

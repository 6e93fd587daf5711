"""Reaching records of which nothing but ids is known any more: after a restore, and when what kept them has ended."""

from collections.abc import Container, Iterable, Iterator

from dsr.errors import PermanentError
from dsr.evidence import VENDOR_LINKS
from dsr.model import Found, Identifier, Match, Rows
from dsr.rereading import find_again, own_ids
from dsr.source import Declaration, Source


def asks_of(declaration: Declaration, matches: Iterable[Match]) -> frozenset[Identifier]:
    """What a source is to be asked for to find these records again when everything else was taken out of them: vendors'
    ids. Where an id alone doesn't lead to a record (a system without look-up shows it only to whom it names; some are
    found by an address alone), also the addresses and numbers that it answered to."""
    asked: set[Identifier] = set()
    for match in matches:
        own = own_ids(declaration, match.dataset, match.record_id)
        links = {i for i in match.by | match.holds if i.kind in VENDOR_LINKS}
        answered = match.by if declaration.indexed or not own else frozenset()
        asked |= {i for i in own | links | answered if i.kind in declaration.finds_by}
    return frozenset(asked)


def reach(source: Source, request_id: str, asks: frozenset[Identifier], records: Container[tuple[str, str]]) -> Found:
    """The person-level records among `records`, (dataset, record id), that answer now: an id may lead on to others.
    No call when there is nothing to ask for. PermanentError("match.foreign") as `find_again`."""
    if not asks:
        return Found(source.declaration.name)
    now = find_again(source, request_id, asks)
    matches = tuple(match for match in now.matches if (match.dataset, match.record_id) in records)
    return Found(now.source, matches, now.cache)


def read(source: Source, found: Found) -> Iterator[Rows]:
    """The rows that hang on what was found, as they come; no call when it is nothing. PermanentError("piece.foreign")
    for another request's, ("dataset.undeclared") for a dataset that the source doesn't have."""
    requests = {match.request_id for match in found.matches}
    declared = {dataset.name for dataset in source.declaration.datasets}
    for piece in source.extract(found) if found.matches else ():
        if piece.request_id not in requests:
            raise PermanentError("piece.foreign", found.source)
        if piece.dataset not in declared:
            raise PermanentError("dataset.undeclared", found.source)
        if isinstance(piece, Rows):
            yield piece


def bear_others_addresses(before: Found, now: Found) -> bool:
    """Whether a record that had addresses has others by now, and none of those: somebody else's (RFC 2606: nobody has
    an address under .invalid)."""
    had = {(match.dataset, match.record_id): _addresses(match) for match in before.matches}
    pairs = ((had.get((match.dataset, match.record_id)), _addresses(match)) for match in now.matches)
    return any(theirs and has and not theirs & has for theirs, has in pairs)


def _addresses(match: Match) -> set[str]:
    return {i.value for i in match.holds if i.kind == "email" and not i.value.endswith(".invalid")}

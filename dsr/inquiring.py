"""What the sources are asked when a person is looked for, round by round, until nothing new appears.

The decision itself is `dsr.identity`; systems without look-up are asked by way of the index.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from dsr.errors import DsrError, PermanentError, TransientError
from dsr.evidence import VENDOR_LINKS, Sighting
from dsr.findings import ANYBODYS, DOUBTFUL, JUDGED_THEIRS, THEIRS, Finding, explained, own_id, unread
from dsr.identity import Decision, decide
from dsr.model import Found, Identifier, IndexEntry, Match, Subject
from dsr.search import SearchResult
from dsr.source import Declaration

_MOST_ROUNDS: Final = 20
_FEW: Final = 20
"""As many records behind one shared identifier a person can look at."""
_STALE: Final = timedelta(days=7)
"""An index is read every night. One that has not been for so long no longer shows what its system holds."""


RecordKey = tuple[str, str]
"""Dataset and id of a record of one source."""


@dataclass(frozen=True)
class Asking:
    """What a round asks for. direct: where a system has a look-up; where it has none, by way of the index: `trusted`,
    which only the person has, and `shared`, which others have too, or nobody can tell."""

    direct: frozenset[Identifier]
    trusted: frozenset[Identifier]
    shared: frozenset[Identifier] = frozenset()


class Finder(Protocol):
    """What is asked of a system here; a `dsr.source.Source` is it."""

    @property
    def declaration(self) -> Declaration:
        """What it says about itself."""
        ...

    def find(self, subjects: Sequence[Subject]) -> Found:
        """The records that answer."""
        ...


class Index(Protocol):
    """What is asked of the index for systems without look-up; `dsr.subjects.SubjectIndex` is it."""

    def lookup(self, source: str, identifiers: Iterable[Identifier]) -> list[IndexEntry]:
        """The entries of a source for these identifiers."""
        ...

    def freshness(self, source: str) -> datetime | None:
        """When the source was last read into it; None = never."""
        ...


def settle(
    anchor: Identifier,
    inquiries: Mapping[str, "Inquiry"],
    *,
    final: bool,
    side_by_side: bool = True,
    possessed: frozenset[Identifier] = frozenset(),
) -> Decision:
    """Looks up, decides, and looks up what came up, until nothing new does; `side_by_side`: asks the sources of a round
    all at once, since they mostly wait; `possessed` as `dsr.identity.decide`.

    A transient failure is raised unless this is the `final` try. PermanentError("identify.rounds") when it takes more
    rounds than anybody's records do."""
    asking, asked = Asking(frozenset({anchor}), frozenset({anchor})), frozenset[Identifier]()
    for _ in range(_MOST_ROUNDS):
        _ask_all(inquiries.values(), asking, final=final, side_by_side=side_by_side)
        asked |= asking.direct
        unproven = frozenset(i for inquiry in inquiries.values() for i in inquiry.unanswered(asked))
        seen = [s for i in inquiries.values() for s in i.sightings()]
        decision = decide(anchor, seen, asked, unproven - {anchor}, possessed)
        following = Asking(decision.ask, asking.trusted | decision.trusted, asking.shared | decision.shared)
        if not following.direct and (following.trusted, following.shared) == (asking.trusted, asking.shared):
            return decision
        asking = following
    # Only a chain of links longer than any human's leads here; what it would still add stays out.
    raise PermanentError("identify.rounds", "identify")


def _ask_all(inquiries: Iterable["Inquiry"], asking: Asking, *, final: bool, side_by_side: bool) -> None:
    """One round. Raises a transient failure unless `final`."""
    open_ones = [inquiry for inquiry in inquiries if not inquiry.code]
    if not open_ones:
        return
    if side_by_side:
        with ThreadPoolExecutor(len(open_ones), thread_name_prefix="identify") as threads:
            errors = list(threads.map(lambda inquiry: inquiry.ask(asking), open_ones))
    else:
        errors = [inquiry.ask(asking) for inquiry in open_ones]
    transient = [error for error in errors if isinstance(error, TransientError)]
    if transient and not final:
        raise max(transient, key=lambda e: e.retry_after.total_seconds() if e.retry_after else 0.0) from None


class Inquiry:
    """What one source has been asked so far and what it answered. `code` is set once it failed for good."""

    def __init__(self, source: Finder, index: Index, request_id: str, at: datetime) -> None:
        self.code = ""
        self._at = at
        self._source, self._index, self._request_id = source, index, request_id
        self._declaration = source.declaration
        self._asked: set[Identifier] = set()
        self._matches: dict[tuple[str, str], Match] = {}
        self._cache: dict[str, object] = {}

    def ask(self, asking: Asking) -> DsrError | None:
        """Looks up what is new among these. What the index knows by something shared is read only where it is few
        records, for a person to decide; a switchboard's thousand calls are not fetched just to be left out."""
        try:
            if self._declaration.indexed:
                self._ask_index(asking)
            else:
                self._find(asking.direct, {})
        except DsrError as error:
            self.code = error.code
            return error
        return None

    def _ask_index(self, asking: Asking) -> None:
        freshness = self._index.freshness(self._declaration.name)
        if freshness is None or freshness < self._at - _STALE:
            raise PermanentError("index.stale" if freshness else "index.never_read", self._declaration.name)
        wanted = {i for i in asking.trusted | asking.shared if i.kind not in VENDOR_LINKS} - self._asked
        known = self._index.lookup(self._declaration.name, wanted)
        counts = Counter(entry.identifier for entry in known)
        people = {i for i in wanted if i in asking.trusted or counts[i] <= _FEW}
        entries = {e.record_id: e for e in known if e.identifier in people}
        kind = next((k for k in self._declaration.finds_by if k in VENDOR_LINKS), None)
        if kind is None:
            raise PermanentError("index.kind", self._declaration.name)
        records = {Identifier(kind, record_id) for record_id in entries}
        links = {i for i in asking.direct if i.kind in VENDOR_LINKS}
        if (records | self._understood(links)) - self._asked:
            # The source checks that a record still carries what the index knew it by: so it gets both.
            self._find(frozenset(people | records | links), entries)
        self._asked |= people

    def unanswered(self, asked: Iterable[Identifier]) -> set[Identifier]:
        """What it could have told about and never will, since it failed; nothing while it works."""
        return self._understood(asked) - self._asked if self.code else set()

    def _understood(self, identifiers: Iterable[Identifier]) -> set[Identifier]:
        return {i for i in identifiers if i.kind in self._declaration.finds_by}

    def _find(self, identifiers: frozenset[Identifier], entries: Mapping[str, IndexEntry]) -> None:
        new = self._understood(identifiers) - self._asked
        if not new:
            return
        found = self._source.find([Subject(self._request_id, frozenset(new))])
        self._asked |= new
        self._cache.update(found.cache)
        for match in found.matches:
            if match.request_id != self._request_id:
                raise PermanentError("match.foreign", self._declaration.name)
            if not match.reference and match.record_id in entries:
                match = replace(match, reference=entries[match.record_id].reference)
            key = (match.dataset, match.record_id)
            self._matches[key] = _merged(self._matches[key], match) if key in self._matches else match

    def sightings(self) -> list[Sighting]:
        """All records it reported, in every round."""
        unchecked = {dataset.name for dataset in self._declaration.datasets if dataset.unchecked}
        name = self._declaration.name
        return [Sighting(name, match, match.dataset in unchecked) for match in self._matches.values()]

    def found(self, decision: Decision, judged: Collection[RecordKey] = ()) -> Found:
        """The certain matches, and those that a person has `judged` to be theirs. They carry only what is the person's
        alone: an extractor that follows an identifier can't be led to somebody else by a shared one. Of a judged record
        nothing is followed but its own id."""
        certain = tuple(_narrowed(s.match, decision.trusted) for s in self._mine(decision.theirs))
        more = (s.match for s in self._judged(decision, judged))
        alone = tuple(replace(match, by=own, holds=frozenset()) for match in more if (own := own_id(match)))
        return Found(self._declaration.name, certain + alone, self._cache)

    def shared(self, decision: Decision, judged: Collection[RecordKey] = ()) -> dict[str, Any]:
        """What these records carry and others too: {"identifiers": [[kind, value]], "records": how many do}."""
        records = (*self._mine(decision.theirs), *self._judged(decision, judged))
        carried = [s.identifiers & decision.shared for s in records]
        pairs = sorted([i.kind, i.value] for i in frozenset().union(*carried))
        return {"identifiers": pairs, "records": sum(bool(its) for its in carried)}

    def result(self, decision: Decision, at: datetime, findings: Sequence[Finding]) -> SearchResult:
        """Its line in the search report; `findings` as `evidence` gives them, with what persons have judged."""
        name = self._declaration.name
        freshness = self._index.freshness(name) if self._declaration.indexed else None
        if self.code:
            return SearchResult(name, "failed", at, code=self.code, freshness=freshness)
        certain = sum(f.verdict in (THEIRS, JUDGED_THEIRS) for f in findings)
        doubtful = sum(f.verdict in (DOUBTFUL, ANYBODYS) for f in findings)
        return SearchResult(name, "found" if certain else "none", at, certain, doubtful, freshness=freshness)

    def evidence(self, anchor: Identifier, decision: Decision) -> list[Finding]:
        """Why each record is theirs or doubtful, the highest score first; [] when there is none."""
        read = [explained(anchor, decision, s) for s in self._mine((*decision.theirs, *decision.doubtful))]
        known = self.unfetched(decision.shared).values()
        found = [*read, *(unread(self._declaration.name, anchor, decision, entries) for entries in known)]
        return sorted(found, key=lambda f: (-f.score, f.dataset, f.record_id))

    def others(self, decision: Decision) -> list[dict[str, Any]]:
        """Who else answered to something of the person's: `{"name", "email": […], "phone": […]}`, each once, with what
        could be theirs alone. Doubtful ones are among them: they may be somebody else."""
        theirs = {sighting.key for sighting in decision.theirs}
        seen = {
            (s.match.person, _values(s, decision, "email"), _values(s, decision, "phone"))
            for s in self.sightings()
            if s.key not in theirs and s.match.person
        }
        return [{"name": name, "email": list(emails), "phone": list(phones)} for name, emails, phones in sorted(seen)]

    def unfetched(self, shared: frozenset[Identifier]) -> dict[tuple[str, str], list[IndexEntry]]:
        """Dataset and id of the records that the index knows by something shared and that are too many to be fetched
        for it, with its entries."""
        if not self._declaration.indexed or self.code:
            return {}
        by_record: dict[tuple[str, str], list[IndexEntry]] = {}
        for entry in self._index.lookup(self._declaration.name, shared - self._asked):
            if (entry.dataset, entry.record_id) not in self._matches:
                by_record.setdefault((entry.dataset, entry.record_id), []).append(entry)
        return by_record

    def _judged(self, decision: Decision, judged: Collection[RecordKey]) -> list[Sighting]:
        return [s for s in self._mine(decision.doubtful) if (s.match.dataset, s.match.record_id) in judged]

    def _mine(self, sightings: Iterable[Sighting]) -> list[Sighting]:
        return [s for s in sightings if s.source == self._declaration.name]


def _values(sighting: Sighting, decision: Decision, kind: str) -> tuple[str, ...]:
    return tuple(sorted(i.value for i in sighting.own - decision.trusted if i.kind == kind))


def _merged(known: Match, again: Match) -> Match:
    """The same record, reported in two rounds."""
    return replace(
        known,
        by=known.by | again.by,
        holds=known.holds | again.holds,
        person=known.person or again.person,
        reference={**known.reference, **again.reference},
    )


def _narrowed(match: Match, trusted: frozenset[Identifier]) -> Match:
    holds = frozenset(i for i in match.holds if i in trusted or i.kind == "salesforce_account")
    return replace(match, by=(match.by & trusted) or (holds & trusted), holds=holds)

"""Finding again what was found before, and reading it again: before records are changed, after, and after a restore."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa

from dsr import rounds, rows
from dsr.casefile import CaseFile
from dsr.errors import PermanentError
from dsr.evidence import VENDOR_LINKS
from dsr.model import Found, Identifier, Match, Rows, Subject
from dsr.search import found_as_json, found_from_json, stamp
from dsr.source import Declaration, Source

Reread = Callable[[str], Iterator[pa.RecordBatch]]
"""dataset → its rows as they are now, from their start at each call."""


def known_identifiers(declaration: Declaration, matches: Iterable[Match]) -> frozenset[Identifier]:
    """All that a source can be asked for to find these records again: what they answered to and carry, and their own
    ids, which still lead to them when everything else was taken out."""
    asked = {i for match in matches for i in match.by | match.holds if i.kind in declaration.finds_by}
    return frozenset(asked | {i for match in matches for i in own_ids(declaration, match.dataset, match.record_id)})


def own_ids(declaration: Declaration, dataset: str, record_id: str) -> frozenset[Identifier]:
    """The record's own id as an identifier that the source finds by; empty when it has no such kind. A system without
    look-up has one kind for all its records, as `identify` asks it."""
    if declaration.indexed:
        kind = next((k for k in declaration.finds_by if k in VENDOR_LINKS), None)
        return frozenset({Identifier(kind, record_id)}) if kind else frozenset()
    return frozenset({Identifier(dataset, record_id)}) if dataset in declaration.finds_by else frozenset()


def find_again(source: Source, request_id: str, identifiers: frozenset[Identifier]) -> Found:
    """All records that answer now, anybody's. PermanentError("match.foreign") when one is another request's."""
    found = source.find([Subject(request_id, identifiers)])
    if any(match.request_id != request_id for match in found.matches):
        raise PermanentError("match.foreign", source.declaration.name)
    return found


def narrowed(again: Found, before: Found) -> Found:
    """Of what answers now, the records that were certain before. They carry no more than they did then, so that no
    identifier that is not the person's leads on."""
    now = {(m.dataset, m.record_id): m for m in again.matches}
    matches = tuple(
        replace(match, reference=now[key].reference or match.reference)
        for match in before.matches
        if (key := (match.dataset, match.record_id)) in now
    )
    return Found(before.source, matches, {**before.cache, **again.cache})


def read_again(case: CaseFile, source: Source, found: Found, area: str) -> Mapping[str, int]:
    """Streams the rows that hang on `found` into the case file, in place of what lay in that area; rows per dataset.
    `area` is a name like a source's. Files are not read: they go where their records go."""
    case.remove(rows.folder(area))
    declared = {dataset.name for dataset in source.declaration.datasets}
    with rows.RowsWriter(case, area) as writer:
        for piece in source.extract(found) if found.matches else ():
            if any(piece.request_id != match.request_id for match in found.matches[:1]):
                raise PermanentError("piece.foreign", found.source)
            if piece.dataset not in declared:
                raise PermanentError("dataset.undeclared", found.source)
            if isinstance(piece, Rows):
                writer.add(piece.dataset, piece.batch)
    return writer.counts()


def reread(case: CaseFile, area: str) -> Reread:
    """What `read_again` has put there."""
    return lambda dataset: rows.batches(case, area, dataset)


@dataclass(frozen=True)
class Reading:
    """What a source held right before any system was written to (fresh/<source>, rows/<source>.fresh).

    digest  of the plan that it was read for; at: when, aware
    found   the certain records that were still there, as before; answers: the same with all that they carried then
    rows    rows by dataset
    """

    source: str
    digest: str
    at: datetime
    found: Found
    answers: Found
    rows: Mapping[str, int]

    @staticmethod
    def place(source: str) -> str:
        """Its name in the case file."""
        return f"fresh/{source}"

    @classmethod
    def load(cls, case: CaseFile, source: str) -> "Reading | None":
        """The reading for the case's plan; None when there is none, or not all of it: without it, records would seem
        to be gone that nobody has looked for."""
        if not case.exists(cls.place(source)):
            return None
        kept = case.read_json(cls.place(source))
        if kept["digest"] != rounds.digest_of(case):
            return None
        if not all(case.names(rows.folder(f"{source}.fresh", name)) for name, count in kept["rows"].items() if count):
            return None
        found, answers = (found_from_json(kept[name]) for name in ("found", "answers"))
        return cls(source, kept["digest"], datetime.fromisoformat(kept["at"]), found, answers, kept["rows"])

    def save(self, case: CaseFile) -> None:
        """Puts it into the case file; its rows are there already."""
        kept = {"digest": self.digest, "at": stamp(self.at), "rows": dict(self.rows)}
        kept |= {"found": found_as_json(self.found), "answers": found_as_json(self.answers)}
        case.write_json(self.place(self.source), kept)

    @property
    def count(self) -> int:
        """How many rows."""
        return sum(self.rows.values())

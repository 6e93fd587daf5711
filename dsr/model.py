"""The nouns: who asks, what was found, what was read. Plain frozen values, no I/O, imports nothing of the project.

Values that hold personal data hide it in `repr`, so that a traceback or a log line can't show it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa


@dataclass(frozen=True, order=True)
class Identifier:
    """Something that points to a person: `kind` is one of `vocabulary.IDENTIFIER_KINDS`, `value` is normalised.

    Normal forms: e-mail lower case in both parts and stripped (the case rule: local parts are compared without
    case, plus tags are kept and count as another address); phone E.164 (`+46…`); all others verbatim.
    """

    kind: str
    value: str = field(repr=False)


@dataclass(frozen=True)
class Subject:
    """One person in one request. `identifiers`: those that the request stated or that were found to be the
    person's since; empty = nobody can be found. `request_id` is opaque and safe to log."""

    request_id: str
    identifiers: frozenset[Identifier] = field(default=frozenset(), repr=False)

    def values(self, kind: str) -> list[str]:
        """The normalised values of one kind of identifier, sorted; [] when there is none."""
        return sorted(i.value for i in self.identifiers if i.kind == kind)


@dataclass(frozen=True)
class Match:
    """A record that answers to at least one identifier of a subject; whether it is theirs, `identify` decides.

    dataset      name of the dataset that the record belongs to (the person-level record: contact, prospect, …)
    record_id    the vendor's id of the record
    by           the subject's identifiers that it answered to; never empty
    holds        every identifier that the record itself carries (its e-mails, phones, customer number, its own
                 vendor id and its links to records in this or other systems): what a next round may look up and
                 what shows that an identifier is shared
    person       the name of the person as the record holds it, for telling people apart; "" when it holds none
    reference    what `extract` needs to read it (ids, keys), JSON-able; {} when record_id is enough
    """

    request_id: str
    dataset: str
    record_id: str
    by: frozenset[Identifier] = field(repr=False)
    holds: frozenset[Identifier] = field(default=frozenset(), repr=False)
    person: str = field(default="", repr=False)
    reference: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Found:
    """What one source answered to `find`, for a batch of subjects. No match for a subject = it holds nothing.

    cache   what `extract` may reuse so that it need not ask again (for example field lists); JSON-able, no
            personal data, no credentials
    """

    source: str
    matches: tuple[Match, ...] = ()
    cache: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Rows:
    """A piece of one dataset of one subject: columns as `schema.arrow_schema(dataset)` gives them, see there.

    A dataset may come in any number of pieces, in any order; records are told apart by the column `_source_id`.
    """

    request_id: str
    dataset: str
    batch: pa.RecordBatch = field(repr=False)


@dataclass(frozen=True)
class Attachment:
    """A file of one subject: `chunks` are its bytes in order, read once. `dataset` and `record_id` name the record
    it belongs to; `title` is the real file name, which may hold personal data and only goes into metadata. `mixed`: it
    holds others' voices that can't be told apart from the person's, so that a reviewer is offered to withhold it."""

    request_id: str
    dataset: str
    record_id: str
    attachment_id: str
    media_type: str
    extension: str
    title: str = field(repr=False)
    chunks: Iterator[bytes] = field(repr=False)
    mixed: bool = False


@dataclass(frozen=True)
class Withheld:
    """Something that belongs to the person's records but is not disclosed, so that nothing is left out silently.

    ground: a term of `vocabulary.WITHHELD_GROUNDS`; count: how many items (lines, files, fields)."""

    request_id: str
    dataset: str
    ground: str
    count: int


Piece = Rows | Attachment | Withheld
"""What `extract` yields."""


@dataclass(frozen=True)
class Checked:
    """What a light look at a system came to. It is reached and lets us in, and all that we need is there.

    undeclared    what holds or may hold personal data and that nothing here declares: "table", "table.column",
                  "Object.Field__c"; sorted. The system's own names, no values
    calls_left, calls_a_day  of its API, where the system says so; None = it doesn't
    """

    undeclared: tuple[str, ...] = ()
    calls_left: int | None = None
    calls_a_day: int | None = None


@dataclass(frozen=True)
class Budget:
    """Calls that a vendor allows its customer a day, whoever makes them, and how many of these are left. a_day: 0 = it
    only said that none is left."""

    left: int
    a_day: int


@dataclass(frozen=True)
class IndexEntry:
    """For systems without look-up: this person-like identifier occurs in that record.

    `reference` is what `Match.reference` will be; JSON-able; ids and keys only."""

    identifier: Identifier
    dataset: str
    record_id: str
    reference: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of some records of one request when a right was enforced.

    effect, outcome   one of `vocabulary.EFFECTS`, one of `vocabulary.OUTCOMES`
    reason            a code, never a value; "" when there is nothing to add
    until             the last day that a retained or scheduled record is there; None when that isn't known
    """

    request_id: str
    source: str
    dataset: str
    effect: str
    outcome: str
    count: int
    reason: str = ""
    until: date | None = None

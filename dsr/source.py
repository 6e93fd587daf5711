"""The contract of a source: a declaration and its verbs. `extractors/` holds one class per system.

Every verb takes a batch of subjects; a single request is a batch of one, so that a hundred cost few more calls
than one. A source only ever raises `TransientError` or `PermanentError` with a code, never a vendor's exception,
since those carry the query and so the person.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol, Self

from dsr.model import Budget, Checked, Found, IndexEntry, Match, Outcome, Piece, Subject
from dsr.selection import Selection


@dataclass(frozen=True)
class Connection:
    """Where a system is and how to sign in: the fields of an Airflow connection, without Airflow.

    `host` may carry a scheme; `extra` is the connection's JSON; absent values are "" or {}. `repr` shows nothing.
    """

    conn_id: str
    host: str = field(default="", repr=False)
    port: int | None = field(default=None, repr=False)
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    schema: str = field(default="", repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Dataset:
    """One kind of record that a source holds about people.

    name         unique over all sources; `schemas/<name>.schema.json` is its JSON Schema 2020-12
    title        in words, English; what the person reads (translations live in the schema)
    category     key of `vocabulary.CATEGORIES`: the folder in the package
    origin       one of `vocabulary.ORIGINS`
    personal_data  DPV 2.3 personal-data terms, e.g. "pd:EmailAddressWork"
    processing   id of the row in the register of processing (purposes, legal basis, retention, recipients)
    erasure      one of `vocabulary.ERASURE_WAYS`
    own_when     boolean schema field: records where it is true are the person's alone, and are deleted whatever
                 `erasure` says of the others; "" = it holds for all
    rectifiable  names of schema fields that Art. 16 may change here; () = none
    profile      schema field → attribute of the person's profile ("name", "email", "phone", "address",
                 "organisation", "language", "title"); {} = adds nothing to the profile
    contact_changes  of a history of changes: its schema fields for the changed field's name and the time (RFC 3339),
                 and the names of fields that hold an address; None = it is no such history
    unchecked    anybody makes such a record by filling in a form, and nobody has looked at it: what it states beside
                 the address that the request comes from proves nothing
    instructions what a person has to do where no API can, by language ("sv", "en"); {} = there is nothing to do
    """

    name: str
    title: str
    category: str
    origin: str
    personal_data: tuple[str, ...]
    processing: str
    erasure: str
    rectifiable: tuple[str, ...] = ()
    profile: Mapping[str, str] = field(default_factory=dict)
    instructions: Mapping[str, str] = field(default_factory=dict)
    own_when: str = ""
    contact_changes: tuple[str, str, tuple[str, ...]] | None = None
    unchecked: bool = False


@dataclass(frozen=True)
class Exclusion:
    """Something in the system that is left out on purpose, and why, in words a person may read."""

    what: str
    reason: str


@dataclass(frozen=True)
class Declaration:
    """What a source says about itself.

    name             lower case, also the pool and task-group name in Airflow
    role             "controller" (own system) or "processor" (run by another for us)
    connection_type  Airflow's conn_type; connection_id is `dsr_<name>`
    connection_fields  field → what to put there; shown by `python -m dsr sources`
    finds_by         identifier kinds that `find` understands
    indexed          True: the system has no look-up, `find` works from references of the keyed-hash index
    concurrency      how many tasks may talk to it at once (size of its Airflow pool)
    title_sv         the title in Swedish; "" = the same
    erase_after      sources that must have been erased from before this one
    calls_of_list    about how many calls of a day's budget it takes to read or to erase people on a list: once, and for
                     each of them; for sources that are `Budgeted`
    """

    name: str
    title: str
    role: str
    connection_type: str
    connection_fields: Mapping[str, str]
    datasets: tuple[Dataset, ...]
    finds_by: tuple[str, ...]
    exclusions: tuple[Exclusion, ...] = ()
    indexed: bool = False
    concurrency: int = 4
    title_sv: str = ""
    erase_after: tuple[str, ...] = ()
    calls_of_list: tuple[int, int] = (0, 0)

    @property
    def titles(self) -> Mapping[str, str]:
        """What it is called, by language."""
        return {"sv": self.title_sv or self.title, "en": self.title}

    @property
    def connection_id(self) -> str:
        """The Airflow connection that holds host and credentials."""
        return f"dsr_{self.name}"

    def dataset(self, name: str) -> Dataset:
        """The dataset of that name. KeyError when the source declares none such."""
        for dataset in self.datasets:
            if dataset.name == name:
                return dataset
        raise KeyError(name)


class Source(Protocol):
    """One system. Subclasses import their vendor's client inside `connect`, so that declarations stay cheap."""

    declaration: ClassVar[Declaration]

    @classmethod
    def connect(cls, connection: Connection) -> Self:
        """A client. No call is made before the first verb. PermanentError("connection.<field>") when one lacks."""
        ...

    def check(self) -> Checked:
        """Whether it is reached, lets us in and has what is declared, by a few calls that read nobody's data; and what
        it has that isn't declared. Errors as of the verbs."""
        ...

    def find(self, subjects: Sequence[Subject]) -> Found:
        """Which person-level records answer to the subjects' identifiers. Read only; nobody known = no matches.

        A source reports every record that answers, the colleague's on the shared number too, with all that the
        record `holds`: only so can `identify` see that an identifier is shared.
        """
        ...

    def extract(self, found: Found) -> Iterator[Piece]:
        """All that hangs on the matches of `found`, which are certain by now; streamed, any order, no duplicates
        within a dataset (`_source_id`). Fields that no schema names go into the column `unmapped`."""
        ...


class IndexedSource(Source, Protocol):
    """A source whose system has no look-up by person: it lists what is new, `dsr_upkeep` keeps the index.

    It may have a verb `known(request_id, record_ids) -> Found` too: by their rows' ids alone, whomever they name, the
    matches of records that were erased and have come back. Only where no id is ever given to another record.
    """

    def index(self, since: datetime | None) -> Iterator[IndexEntry]:
        """Entries for records that are new or changed since then (UTC); None = all that can be reached."""
        ...


class Budgeted(Source, Protocol):
    """A source whose vendor allows so many calls a day, and says how many are left."""

    def budget(self) -> Budget:
        """By one call. Errors as of the verbs; that the day's calls are used up is none."""
        ...


class Acting(Source, Protocol):
    """A source that records can be changed in. Every verb takes a batch of approved selections, one per request, and
    changes nothing but the records in them; called again after an interruption it goes on, and absent already is a
    success. What the system has no way for comes back as "manual"."""

    def erase(self, selections: Sequence[Selection]) -> Iterator[Outcome]:
        """Deletes the records with the effect "erase" for good, recycle bins, versions and delete markers too, and
        anonymises those with "anonymise". "scheduled": the vendor does it later, call again to see."""
        ...

    def restrict(
        self, selections: Sequence[Selection], purposes: Sequence[str], *, lift: bool = False
    ) -> Iterator[Outcome]:
        """Marks the records with the effect "restrict" visibly as not to be processed for these purposes (DPV terms);
        () = for none at all (Art. 18). `lift` takes away what this verb has set, and only that."""
        ...

    def rectify(
        self, selections: Sequence[Selection], corrections: Mapping[str, Mapping[str, Mapping[str, Any]]]
    ) -> Iterator[Outcome]:
        """Writes request id → dataset → field → new value into the records with the effect "rectify".
        PermanentError("field.not_rectifiable") for a field that the dataset doesn't list as such."""
        ...


def matches_by_request(found: Found) -> dict[str, list[Match]]:
    """The matches of a batch, by request id; a request without a match is absent."""
    by_request: dict[str, list[Match]] = {}
    for match in found.matches:
        by_request.setdefault(match.request_id, []).append(match)
    return by_request

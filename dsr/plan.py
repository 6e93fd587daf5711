"""The plan of a case: what is to happen to each record, in columns, and the summary that a person approves.

plan                      the summary (`schemas/plan.schema.json`)
plan/<source>/<dataset>   Arrow IPC stream with the columns of `COLUMNS`, one row per record

The digest is what an approval is bound to. It is the SHA-256 of the RFC 8785 form of the summary, which holds a SHA-256
over the lines of every dataset, sorted, and one over what the request asks for. When the plan was made is not part of
it: the same plan, made again, is the same.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

import jsonschema_rs
import pyarrow as pa
import pyarrow.compute as pc
import rfc8785

from dsr import schema
from dsr.casefile import CaseFile
from dsr.errors import PermanentError
from dsr.rows import READ
from dsr.search import SearchResult, stamp
from dsr.version import versions

PLAN: Final = "plan"
UNPLACED: Final = "correction.unplaced"
"""Code of the caution that a correction lands nowhere."""
COLUMNS: Final = pa.schema(
    [
        pa.field(schema.SOURCE_ID, pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("effect", pa.string(), nullable=False),
        pa.field("ground", pa.string(), nullable=False),
        pa.field("until", pa.string()),
        pa.field("reason", pa.string(), nullable=False),
    ]
)
_ASKED: Final = ("request_id", "right", "purposes", "ground", "corrections")
_AT_ONCE: Final = 1_000_000
"""About so many lines are sorted at a time: more go in several passes, so that memory stays flat."""
_DIGITS: Final = 4
"""Of a version, by which the lines are cut into passes."""


@dataclass(frozen=True, order=True)
class Count:
    """So many records of a dataset. ground: a DPV term; until: ISO date or None; reason: a code or ""."""

    source: str
    dataset: str
    effect: str
    ground: str
    until: str | None
    reason: str
    count: int


@dataclass(frozen=True, order=True)
class Caution:
    """Something that the approver should look at. code: over_cap, doubtful, shared (records that carry what others
    carry too: a mailbox, a switchboard), younger, nothing_found, correction.unplaced (a field is to be corrected that
    no record of the person's has); source and dataset: "" when it is of none; field: of a dataset, or an attribute of
    the person where that is of none; "" unless the code is about one."""

    code: str
    source: str
    dataset: str
    count: int
    field: str = ""

    def as_json(self) -> dict[str, Any]:
        """Without a field when it has none: plans made before there were any keep their digest."""
        return {name: value for name, value in vars(self).items() if name != "field" or value}


@dataclass(frozen=True)
class PlanSummary:
    """The plan in counts and codes: it may go anywhere.

    made_at  aware; order: the sources in the order of work; asked: SHA-256 in hex of what the request asks for;
    records  "<source>/<dataset>" → SHA-256 in hex over its lines
    """

    right: str
    made_at: datetime
    counts: tuple[Count, ...]
    warnings: tuple[Caution, ...]
    order: tuple[str, ...]
    asked: str
    records: Mapping[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 in hex of all of it but `made_at`."""
        value = {name: part for name, part in self._content().items() if name != "made_at"}
        return hashlib.sha256(rfc8785.dumps(value)).hexdigest()

    def count(self, effect: str | None = None, source: str | None = None) -> int:
        """How many records, of one effect and source or of all."""
        return sum(c.count for c in self.counts if effect in (None, c.effect) and source in (None, c.source))

    def as_json(self) -> dict[str, Any]:
        """The form kept under `plan`. PermanentError("plan.invalid") when its schema doesn't accept it."""
        value = {"digest": self.digest, **self._content()}
        if not _validator().is_valid(value):
            raise PermanentError("plan.invalid", PLAN)
        return value

    def _content(self) -> dict[str, Any]:
        return {
            "right": self.right,
            "made_at": stamp(self.made_at),
            "counts": [vars(count) for count in self.counts],
            "warnings": [warning.as_json() for warning in self.warnings],
            "order": list(self.order),
            "asked": self.asked,
            "records": dict(sorted(self.records.items())),
        }


def read(case: CaseFile) -> PlanSummary:
    """The summary as it is kept. PermanentError("plan.absent") when there is none, ("plan.altered") when it isn't what
    its digest says; whether the records are, `check` tells."""
    if not case.exists(PLAN):
        raise PermanentError("plan.absent", PLAN)
    value = case.read_json(PLAN)
    if not _validator().is_valid(value):
        raise PermanentError("plan.invalid", PLAN)
    summary = PlanSummary(
        value["right"],
        datetime.fromisoformat(value["made_at"]),
        tuple(Count(**count) for count in value["counts"]),
        tuple(Caution(**warning) for warning in value["warnings"]),
        tuple(value["order"]),
        value["asked"],
        value["records"],
    )
    if summary.digest != value["digest"]:
        raise PermanentError("plan.altered", PLAN)
    return summary


def check(case: CaseFile, source: str | None = None) -> PlanSummary:
    """The summary, when the records (of one source or of all) and the request still are those that it was made of.
    PermanentError("plan.altered") when not."""
    summary = read(case)
    present = {name.removeprefix(f"{PLAN}/") for name in case.names(f"{PLAN}/")}
    wanted = {name for name in summary.records if source in (None, name.partition("/")[0])}
    if present != set(summary.records) or summary.asked != asked(case.read_json("request")):
        raise PermanentError("plan.altered", PLAN)
    for name in sorted(wanted):
        of, _, dataset = name.partition("/")
        if lines_digest(case, of, dataset) != summary.records[name]:
            raise PermanentError("plan.altered", PLAN)
    return summary


def asked(request: Mapping[str, Any]) -> str:
    """SHA-256 in hex of what a request asks for: a plan for one thing can't be carried out for another."""
    return hashlib.sha256(rfc8785.dumps({name: request.get(name) for name in _ASKED})).hexdigest()


def searched_everywhere(case: CaseFile, sources: Iterator[str] | tuple[str, ...]) -> None:
    """PermanentError("plan.incomplete", <source>) unless every source was searched and told what it holds: a person
    can't decide that an erasure may go without one."""
    for name in sources:
        if not case.exists(f"search/{name}"):
            raise PermanentError("plan.incomplete", name)
        if SearchResult.from_json(case.read_json(f"search/{name}")).status not in ("found", "none"):
            raise PermanentError("plan.incomplete", name)


class PlanWriter:
    """Takes one dataset's verdicts batch by batch, and counts them."""

    def __init__(self, writer: pa.ipc.RecordBatchStreamWriter, dataset: str) -> None:
        self.counts: Counter[tuple[str, str, str | None, str]] = Counter()
        self._writer, self._dataset = writer, dataset

    def add(self, batch: pa.RecordBatch, verdicts: pa.RecordBatch) -> None:
        """Records as collected, and what happens to each. PermanentError("plan.rows") when these differ in number or
        a record has no effect."""
        effects = verdicts.column("effect")
        if batch.num_rows != verdicts.num_rows or effects.null_count:
            raise PermanentError("plan.rows", PLAN)
        columns = [batch.column(schema.SOURCE_ID), versions(batch, self._dataset)]
        planned = [*columns, *(verdicts.column(name) for name in COLUMNS.names[2:])]
        self._writer.write_batch(pa.RecordBatch.from_arrays(planned, schema=COLUMNS))
        fields = ("effect", "ground", "until", "reason")
        table = pa.Table.from_batches([verdicts]).group_by(list(fields)).aggregate([([], "count_all")])
        for row in table.to_pylist():
            self.counts[row["effect"], row["ground"], row["until"], row["reason"]] += row["count_all"]


@contextmanager
def writing(case: CaseFile, source: str, dataset: str) -> Iterator[PlanWriter]:
    """A place for one dataset's plan; it is there once the block has ended without an error."""
    options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
    with (
        case.writer(f"{PLAN}/{source}/{dataset}") as file,
        pa.ipc.new_stream(file, COLUMNS, options=options) as stream,
    ):
        yield PlanWriter(stream, dataset)


def batches(case: CaseFile, source: str, dataset: str) -> Iterator[pa.RecordBatch]:
    """The plan of a dataset, one batch in memory at a time; nothing when it has none."""
    name = f"{PLAN}/{source}/{dataset}"
    if case.exists(name):
        with case.reader(name) as file, pa.ipc.open_stream(file, options=READ) as stream:
            yield from stream


def lines_digest(case: CaseFile, source: str, dataset: str, at_once: int = _AT_ONCE) -> str:
    """SHA-256 in hex over the dataset's lines in the order of their versions, whatever order and batches they lie in.

    Versions are evenly spread hashes, so that bounds between their first digits cut the lines into even parts."""
    few: list[pa.RecordBatch] = []
    total = 0
    for batch in batches(case, source, dataset):
        total += batch.num_rows
        few.append(batch)
        if total > at_once:
            few.clear()  # more than is held at a time: read again for each part
    parts = max(1, min(-(-total // at_once), 16**_DIGITS))
    bounds = [f"{number * 16**_DIGITS // parts:0{_DIGITS}x}" for number in range(parts)]
    digest = hashlib.sha256()
    for first, beyond in zip(bounds, [*bounds[1:], None], strict=True):
        lines = few or batches(case, source, dataset)
        for line in sorted(line for batch in lines for line in _hashed(_between(batch, first, beyond))):
            digest.update(line)
    return digest.hexdigest()


def _between(batch: pa.RecordBatch, first: str, beyond: str | None) -> pa.RecordBatch:
    """The lines whose version is at or after `first` and before `beyond`; None = no end."""
    version = batch.column("version")
    part = pc.greater_equal(version, first)
    return batch.filter(part if beyond is None else pc.and_(part, pc.less(version, beyond)))


def _hashed(batch: pa.RecordBatch) -> list[bytes]:
    """Version and hash of each line. The id, which may hold anything, comes last: so no two lines read alike."""
    if not batch.num_rows:
        return []
    until = pc.fill_null(batch.column("until"), "")
    columns = [batch.column(name) for name in ("version", "effect", "ground")]
    lines = pc.binary_join_element_wise(
        *columns, until, batch.column("reason"), batch.column(schema.SOURCE_ID), pa.scalar("\0")
    )
    found = zip(batch.column("version").to_pylist(), lines.to_pylist(), strict=True)
    return [version.encode() + hashlib.blake2b(line.encode(), digest_size=32).digest() for version, line in found]


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema.load("plan"), validate_formats=True)

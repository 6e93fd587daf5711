"""The records that an erasure left in one source, as they are today, with what today's law says of each.

In memory: the rows of the datasets that are concerned, of one person.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Final

import pyarrow as pa

from dsr import carried
from dsr.assessing import Law, key_of
from dsr.bonds import PlanContext, part_of
from dsr.holds import HoldsInForce
from dsr.kept import Kept, Signs, Ways
from dsr.model import Found
from dsr.reaching import reach, read
from dsr.register import Register
from dsr.retained import Retained
from dsr.sameness import none_younger
from dsr.schema import SOURCE_ID
from dsr.source import Source
from dsr.steps.end_retention.deciding import Key, Seen
from dsr.version import versions

_RIGHT: Final = "erasure"


@dataclass(frozen=True)
class Today:
    """The law as it stands. at: now, aware; zone: the controller's."""

    at: datetime
    zone: tzinfo
    law: Law
    register: Register
    holds: HoldsInForce

    @property
    def day(self) -> date:
        """The day in the controller's zone."""
        return self.at.astimezone(self.zone).date()


@dataclass
class Look:
    """What a source holds of the records of one request. batches: dataset → rows, of those that are concerned; marks:
    as `Ways` has them, now."""

    found: Found
    batches: dict[str, list[pa.RecordBatch]] = field(default_factory=dict, repr=False)
    marks: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)

    def rows(self, dataset: str) -> Iterator[pa.RecordBatch]:
        """Those of a dataset, from their start at each call."""
        return iter(self.batches.get(dataset, ()))

    def chosen(self, records: Collection[Key], dataset: str) -> list[pa.RecordBatch]:
        """Those of a dataset that are among `records`."""
        masks = ([(dataset, i) in records for i in b.column(SOURCE_ID).to_pylist()] for b in self.rows(dataset))
        parts = (b.filter(pa.array(mask, pa.bool_())) for b, mask in zip(self.rows(dataset), masks, strict=True))
        return [part for part in parts if part.num_rows]

    def signs(self, retained: Retained, at: datetime) -> dict[Key, Signs]:
        """By what each record will be known again."""
        return {
            (dataset, record_id): signs
            for dataset in self.batches
            for batch in self.rows(dataset)
            for record_id, signs in retained.signs(dataset, batch, at).items()
        }


def look(source: Source, request_id: str, ways: Ways, kept: Collection[Key]) -> Look:
    """Finds and reads them. Errors of the source are passed on."""
    datasets = _concerned(source, kept)
    looked = Look(reach(source, request_id, ways.asks, ways.matches))
    for rows in read(source, looked.found):
        if telling := carried.marks(source.declaration.dataset(rows.dataset), rows.batch, looked.found):
            looked.marks.setdefault(rows.dataset, {}).update(telling)
        if rows.dataset in datasets and rows.batch.num_rows:
            looked.batches.setdefault(rows.dataset, []).append(rows.batch)
    return looked


def seen(source: Source, looked: Look, kept: Mapping[Key, Kept], retained: Retained, today: Today) -> dict[Key, Seen]:
    """What the law says of each record, and by what it is known. No hold stands on the person."""
    found: dict[Key, Seen] = {}
    declaration, signs = source.declaration, looked.signs(retained, today.at)
    names = [dataset.name for dataset in declaration.datasets]
    assessed = today.law.assessed(
        declaration,
        list(looked.batches),
        looked.rows,
        right=_RIGHT,
        register=today.register,
        holds=today.holds,
        context=PlanContext(today.day, today.zone),
    )
    for dataset, judged in assessed:
        name, whole_by = dataset.name, _whole_by(dataset.name, names)
        for batch, verdicts in judged:
            records = [kept.get((name, i)) for i in batch.column(SOURCE_ID).to_pylist()]
            noted = [None if record is None else record.noted_at for record in records]
            later = [{} if record is None else record.signs.later for record in records]
            columns = zip(
                batch.column(SOURCE_ID).to_pylist(),
                versions(batch, name).to_pylist(),
                verdicts.to_pylist(),
                none_younger(name, batch, noted, later),
                _wholes(batch, whole_by),
                strict=True,
            )
            for record_id, version, verdict, older, whole in columns:
                until = date.fromisoformat(verdict["until"]) if verdict["until"] else None
                said = (verdict["effect"], verdict["ground"], until, verdict["reason"])
                key = name, record_id
                found[key] = Seen(name, *said, older, record_id, version, signs[key], whole)
    return found


def _concerned(source: Source, kept: Collection[Key]) -> set[str]:
    """The datasets of these records, with what they are part of and what is part of them."""
    datasets = {dataset for dataset, _ in kept}
    wholes = datasets | {part["dataset"] for name in datasets if (part := part_of(name))}
    names = (dataset.name for dataset in source.declaration.datasets)
    return wholes | {name for name in names if (part := part_of(name)) and part["dataset"] in wholes}


def _whole_by(dataset: str, names: Collection[str]) -> tuple[str, str] | None:
    """The dataset and the field that tell which whole a record of the dataset is, or is a part of."""
    part = part_of(dataset)
    if part is not None:
        return part["dataset"], part["field"]
    key = key_of(dataset, names)
    return None if key is None else (dataset, key)


def _wholes(batch: pa.RecordBatch, whole_by: tuple[str, str] | None) -> list[tuple[str, str] | None]:
    if whole_by is None:
        return [None] * batch.num_rows
    dataset, field_name = whole_by
    keys = batch.column(field_name).cast(pa.string()).to_pylist()
    return [None if key is None else (dataset, key) for key in keys]

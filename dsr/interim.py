"""What others have changed in a source since it was read, when that was a while ago: between two attempts, the first of
which broke off, or while another system took its time.

From the first attempt on, records differ by our own doing too, so a difference alone says nothing. It is somebody
else's when no verb has asked for records of that dataset and effect yet; or when a record that was to be erased says
something new in words: deleting only sets marks and times, and empties what leads to the deleted. In a system that
follows another one which was written to, it is somebody else's only when there are new words.

What was changed is kept as it reads now (rows/<source>.changed): it takes the place of the first reading, so it is no
longer what was approved, and is left alone.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from dsr import plan, rows, schema
from dsr.casefile import CaseFile
from dsr.model import Found
from dsr.rereading import Reread, read_again, reread
from dsr.schema import SOURCE_ID
from dsr.source import Declaration, Source
from dsr.version import versions

_NO_WORDS: Final = ("date", "date-time", "time", "uri")
"""Formats of texts that nobody writes by hand, or that deleting changes too."""


def overlaid(case: CaseFile, source: str) -> Reread:
    """The first reading of a source, with what others have changed since in its place."""
    first, changed = reread(case, f"{source}.fresh"), reread(case, f"{source}.changed")

    def batches(dataset: str) -> Iterator[pa.RecordBatch]:
        ids = [batch.column(SOURCE_ID) for batch in changed(dataset)]
        known = pa.concat_arrays(ids) if ids else pa.array([], pa.string())
        for batch in first(dataset):
            yield batch.filter(pc.invert(pc.is_in(batch.column(SOURCE_ID), value_set=known))) if ids else batch
        yield from changed(dataset)

    return batches


def look(
    case: CaseFile,
    source: Source,
    declaration: Declaration,
    found: Found,
    started: Collection[tuple[str, str]],
    *,
    follows: bool,
) -> None:
    """Reads the source again and keeps what others have changed. started: (dataset, effect) that a verb has asked
    for; follows: a system that this one takes changes over from was written to. In memory: two hashes of each record,
    and what differs."""
    name, area = declaration.name, f"{declaration.name}.again"
    read_again(case, source, found, area)
    first, again, changed = overlaid(case, name), reread(case, area), reread(case, f"{name}.changed")
    kept: dict[str, list[pa.RecordBatch]] = {}
    for dataset in (d.name for d in declaration.datasets):
        theirs = _theirs(case, name, dataset, first, again, started, follows=follows)
        now = [part for batch in again(dataset) if (part := _with(batch, theirs)).num_rows]
        before = [_without(batch, theirs) for batch in changed(dataset)]
        kept[dataset] = [batch for batch in (*before, *now) if batch.num_rows]
    case.remove(rows.folder(area))
    # Written at the writer's end: what was kept before is there until then.
    with rows.RowsWriter(case, f"{name}.changed") as writer:
        for dataset, batches in kept.items():
            for batch in batches:
                writer.add(dataset, batch)


def _theirs(
    case: CaseFile,
    source: str,
    dataset: str,
    first: Reread,
    again: Reread,
    started: Collection[tuple[str, str]],
    *,
    follows: bool,
) -> set[str]:
    """Ids of the records that others have changed."""
    before, now = _by_id(first, dataset), _by_id(again, dataset)
    differing = {record_id for record_id, version in now.items() if before.get(record_id, version) != version}
    if not differing:
        return set()
    effects = _effects(case, source, dataset, differing)
    old = {row[SOURCE_ID]: row for batch in first(dataset) for row in _with(batch, differing).to_pylist()}
    new = {row[SOURCE_ID]: row for batch in again(dataset) for row in _with(batch, differing).to_pylist()}
    names = words(dataset)
    theirs = set()
    for record_id, effect in effects.items():
        begun = (dataset, effect) in started
        said = any(new[record_id][w] and new[record_id][w] != old[record_id][w] for w in names)
        if (said and (effect == "erase" or not begun)) or not (begun or follows):
            theirs.add(record_id)
    return theirs


def _by_id(rows_of: Reread, dataset: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for batch in rows_of(dataset):
        found |= zip(batch.column(SOURCE_ID).to_pylist(), versions(batch, dataset).to_pylist(), strict=True)
    return found


def _effects(case: CaseFile, source: str, dataset: str, ids: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for batch in plan.batches(case, source, dataset):
        part = _with(batch, ids)
        found |= zip(part.column(SOURCE_ID).to_pylist(), part.column("effect").to_pylist(), strict=True)
    return found


def words(dataset: str) -> list[str]:
    """The fields that a person writes into."""
    properties: Mapping[str, Any] = schema.load(dataset)["properties"]
    return [
        name
        for name, definition in properties.items()
        if "string" in ([kind] if isinstance(kind := definition.get("type"), str) else kind or ())
        and definition.get("format") not in _NO_WORDS
        and not name.endswith(("Id", "_id"))
        and "enum" not in definition
    ]


def _with(batch: pa.RecordBatch, ids: set[str]) -> pa.RecordBatch:
    return batch.filter(pc.is_in(batch.column(SOURCE_ID), value_set=pa.array(sorted(ids), pa.string())))


def _without(batch: pa.RecordBatch, ids: set[str]) -> pa.RecordBatch:
    chosen = pc.is_in(batch.column(SOURCE_ID), value_set=pa.array(sorted(ids), pa.string()))
    return batch.filter(pc.invert(chosen))

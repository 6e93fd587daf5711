"""What a plan needs to know of the person beyond the records: by what they are known, and by which marks the records
that everything else hangs on are told to be theirs.

carried   {"identifiers": [[kind, value]], "matches": {source: {dataset: {record id: mark}}}}; personal data
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from dsr import schema
from dsr.casefile import CaseFile
from dsr.model import Found, Identifier
from dsr.search import found_from_json
from dsr.source import Dataset
from dsr.version import versions

CARRIED: Final = "carried"
_TELLING: Final = ("name", "email", "phone")

Marks = Mapping[str, Mapping[str, str]]
"""dataset → record id → a hash over what tells whose the record is."""


def planned_found(case: CaseFile, source: str) -> Found:
    """The certain matches of a source; none when it holds nothing."""
    if not case.exists(f"found/{source}"):
        return Found(source)
    return found_from_json(case.read_json(f"found/{source}"))


def identifiers(case: CaseFile, sources: Iterator[str] | tuple[str, ...]) -> frozenset[Identifier]:
    """Everything that the person is known by: what the request states, what the records answered to and carry; also
    what others carry too, as `identify` puts it down (shared/<source>)."""
    stated = case.read_json("request").get("subject", {})
    found = {Identifier(kind, value) for kind, value in stated.items() if kind != "name" and value}
    found |= {Identifier("email", value.strip().lower()) for kind, value in stated.items() if kind == "email"}
    for source in sources:
        for match in planned_found(case, source).matches:
            found |= match.by | match.holds
        if case.exists(f"shared/{source}"):
            found |= {Identifier(kind, value) for kind, value in case.read_json(f"shared/{source}")["identifiers"]}
    return frozenset(found)


def marks(dataset: Dataset, batch: pa.RecordBatch, found: Found) -> dict[str, str]:
    """Record id → mark, for the records of a batch that were matched themselves and that say whose they are."""
    telling = [name for name, adds_to in dataset.profile.items() if adds_to in _TELLING]
    matched = [match.record_id for match in found.matches if match.dataset == dataset.name]
    if not telling or not matched:
        return {}
    part = batch.filter(pc.is_in(batch.column(schema.SOURCE_ID), value_set=pa.array(matched, pa.string())))
    hashes = versions(part.select([schema.SOURCE_ID, *telling]), dataset.name).to_pylist()
    return dict(zip(part.column(schema.SOURCE_ID).to_pylist(), hashes, strict=True))


def keep(case: CaseFile, known: frozenset[Identifier], by_source: Mapping[str, Marks]) -> None:
    """Puts it into the case file."""
    pairs = [[identifier.kind, identifier.value] for identifier in sorted(known)]
    case.write_json(CARRIED, {"identifiers": pairs, "matches": by_source})


def kept(case: CaseFile, source: str) -> tuple[frozenset[Identifier], Marks]:
    """What was put there, for one source."""
    value: dict[str, Any] = case.read_json(CARRIED)
    known = frozenset(Identifier(kind, text) for kind, text in value["identifiers"])
    found: Marks = value["matches"].get(source, {})
    return known, found

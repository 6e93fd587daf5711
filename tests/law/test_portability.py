"""Art. 20(1): which fields are portable, for every combination of basis, automation and origin, spelled out."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr import schema
from dsr.register.activity import activity as read_activity
from dsr.source import Dataset
from dsr.steps.assess import Activity, Portable, portable
from extractors import SOURCES

ORIGINS = ("provided", "observed", "derived", "inferred", "unstated")
REASONS = {
    "basis": "not_consent_or_contract",
    "paper": "not_automated",
    "derived": "derived",
    "inferred": "inferred",
    "unknown": "unknown_origin",
}
TABLE = """
basis                       means      provided  observed  derived   inferred  unstated
gdpr:A6-1-a                 automated  yes       yes       derived   inferred  unknown
gdpr:A6-1-a                 paper      paper     paper     paper     paper     paper
gdpr:A9-2-a                 automated  yes       yes       derived   inferred  unknown
gdpr:A9-2-a                 paper      paper     paper     paper     paper     paper
gdpr:A6-1-b                 automated  yes       yes       derived   inferred  unknown
gdpr:A6-1-b                 paper      paper     paper     paper     paper     paper
gdpr:A6-1-c                 automated  basis     basis     basis     basis     basis
gdpr:A6-1-c                 paper      basis     basis     basis     basis     basis
gdpr:A6-1-d                 automated  basis     basis     basis     basis     basis
gdpr:A6-1-d                 paper      basis     basis     basis     basis     basis
gdpr:A6-1-e                 automated  basis     basis     basis     basis     basis
gdpr:A6-1-e                 paper      basis     basis     basis     basis     basis
gdpr:A6-1-f                 automated  basis     basis     basis     basis     basis
gdpr:A6-1-f                 paper      basis     basis     basis     basis     basis
gdpr:A6-1-c+gdpr:A6-1-b     automated  yes       yes       derived   inferred  unknown
gdpr:A6-1-c+gdpr:A6-1-b     paper      paper     paper     paper     paper     paper
gdpr:A6-1-f+gdpr:A6-1-a     automated  yes       yes       derived   inferred  unknown
gdpr:A6-1-f+gdpr:A6-1-a     paper      paper     paper     paper     paper     paper
gdpr:A6-1-c+gdpr:A6-1-f     automated  basis     basis     basis     basis     basis
gdpr:A6-1-c+gdpr:A6-1-f     paper      basis     basis     basis     basis     basis
none                        automated  basis     basis     basis     basis     basis
none                        paper      basis     basis     basis     basis     basis
"""
"""Whether data is portable, or why not, by what is said of its origin."""


def cells() -> Iterator[tuple[str, str, str, str]]:
    for line in TABLE.strip().splitlines()[1:]:
        basis, means, *outcomes = line.split()
        for origin, outcome in zip(ORIGINS, outcomes, strict=True):
            yield basis, means, origin, REASONS.get(outcome, outcome)


def row(basis: str, means: str) -> Activity:
    """The activity as the register reads it."""
    terms = [] if basis == "none" else basis.split("+")
    raw = {"id": "row", "automated": means == "automated", "legal_basis": [{"term": term} for term in terms]}
    return read_activity(raw, {}, frozenset(), "")


def dataset(origin: str = "provided") -> Dataset:
    return Dataset("note", "Notes", "interactions", origin, ("pd:Name",), "row", "delete")


def record(**origins: str) -> dict[str, Any]:
    """The schema of a record with these fields; "" = the field says nothing of its origin."""
    return {"properties": {name: {"type": "string"} | ({"x-origin": o} if o else {}) for name, o in origins.items()}}


def test_the_table_leaves_no_combination_out() -> None:
    listed = [cell[:3] for cell in cells()]
    assert len(set(listed)) == len(listed) == 11 * 2 * 5


@pytest.mark.parametrize(("basis", "means", "origin", "outcome"), list(cells()))
@pytest.mark.parametrize("stated_by", ["field", "dataset"])
def test_every_combination(basis: str, means: str, origin: str, outcome: str, stated_by: str) -> None:
    """The field says its origin, or its dataset does; beside it is what the schema doesn't name."""
    of_dataset, of_field = ("provided", origin) if stated_by == "field" else (origin, "")
    found = portable(dataset(of_dataset), row(basis, means), record=record(text=of_field))
    if outcome == "yes":
        assert found == Portable(("text",), {"unknown_origin": ("unmapped",)})
        return
    assert found.fields == ()
    reason = {name: why for why, names in found.excluded.items() for name in names}
    of_activity = outcome.startswith("not_")
    assert reason == {"text": outcome, "unmapped": outcome if of_activity else "unknown_origin"}


def test_one_field_of_each_origin() -> None:
    described = record(id="", seen="observed", score="derived", mood="inferred", odd="guessed", name="provided")
    found = portable(dataset(), row("gdpr:A6-1-b", "automated"), record=described)
    assert found.fields == ("id", "seen", "name")
    assert found.excluded == {
        "derived": ("score",),
        "inferred": ("mood",),
        "unknown_origin": ("odd", "unmapped"),
    }


def test_a_dataset_of_derived_data_keeps_what_the_person_stated_in_it() -> None:
    found = portable(dataset("derived"), row("gdpr:A6-1-a", "automated"), record=record(id="", answer="provided"))
    assert (found.fields, found.excluded["derived"]) == (("answer",), ("id",))


def test_a_record_without_fields_is_left_out_whole() -> None:
    found = portable(dataset(), row("gdpr:A6-1-a", "automated"), record={})
    assert found == Portable((), {"unknown_origin": ("unmapped",)})


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,12}", fullmatch=True).filter(lambda name: name != "unmapped")
SAID = st.sampled_from(["", "provided", "observed", "derived", "inferred"]) | st.text(max_size=9)


@given(
    origins=st.dictionaries(NAMES, SAID, max_size=12),
    of_dataset=SAID,
    automated=st.booleans(),
    on_basis=st.booleans(),
)
def test_fields_and_excluded_are_a_partition(
    origins: dict[str, str], of_dataset: str, automated: bool, on_basis: bool
) -> None:
    activity = SimpleNamespace(automated=automated, portable_basis=on_basis)
    found = portable(dataset(of_dataset), activity, record=record(**origins))
    every = [*origins, "unmapped"]
    divided = [*found.fields, *(name for names in found.excluded.values() for name in names)]
    assert sorted(divided) == sorted(every)
    assert set(found.fields) <= set(origins)
    for names in (found.fields, *found.excluded.values()):
        assert list(names) == [name for name in every if name in names]
    assert all(found.excluded.values())
    assert {origins[name] or of_dataset for name in found.fields} <= {"provided", "observed"}
    if not (automated and on_basis):
        assert found.fields == ()
        assert len(found.excluded) == 1


SHIPPED = [d for source in SOURCES for d in source.declaration.datasets]


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda d: d.name)
def test_what_ships(shipped: Dataset) -> None:
    """Every column of a dataset is accounted for; an origin stands where it is read, and is one that there is."""
    found = portable(shipped, row("gdpr:A6-1-b", "automated"))
    columns = set(schema.arrow_schema(shipped.name).names) - {"_source_id"}
    assert {*found.fields, *(n for names in found.excluded.values() for n in names)} == columns
    assert found.excluded["unknown_origin"] == ("unmapped",)
    described = schema.load(shipped.name)
    top = [d["x-origin"] for d in described["properties"].values() if "x-origin" in d]
    assert list(anywhere(described)) == top


def anywhere(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("x-origin"), str):
            yield value["x-origin"]
        for inner in value.values():
            yield from anywhere(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from anywhere(inner)

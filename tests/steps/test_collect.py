"""Reading a source into the case file: wholly or not at all."""

import hashlib
from typing import Any

import pytest
from made_up_sources import AT, NOTE, PERSON, Fake, declaration, email, record

from dsr import rows, schema
from dsr.casefile import CaseFile
from dsr.collected import Collected
from dsr.errors import PermanentError, TransientError
from dsr.model import Found, Rows
from dsr.search import SearchResult, found_as_json
from dsr.steps import collect as step

ROWS = {
    PERSON: [("003", {"email": "asa@kvarn.example", "name": "Åsa"})],
    NOTE: [(f"n{n}", {"text": f"rad {n}", "count": n}) for n in range(50)],
}
FILES = [("n1", "samtal Åsa.wav", "WAV", b"RIFF" * 1000), ("n2", "../../etc/passwd", "../x", b"two")]


def source(**more: Any) -> Fake:
    """A source that holds all of it."""
    return Fake(declaration(), rows=ROWS, files=FILES, left_out=[(NOTE, "third_party", 2)] * 2, **more)


@pytest.fixture
def searched(case: CaseFile) -> CaseFile:
    """A case after identify."""
    match = record("003", "Åsa", email("asa@kvarn.example"))
    found = Found("salesforce", (match.__class__(**{**vars(match), "by": match.holds, "request_id": case.case_id}),))
    case.write_json("found/salesforce", found_as_json(found))
    case.write_json("search/salesforce", SearchResult("salesforce", "found", AT, 1).as_json())
    return case


def ids(case: CaseFile, dataset: str) -> list[str]:
    """Source ids of what lies in the case file."""
    return [i for b in rows.batches(case, "salesforce", dataset) for i in b.column(schema.SOURCE_ID).to_pylist()]


def test_everything_is_kept_and_counted(searched: CaseFile) -> None:
    """Rows in one stream per dataset, files under neutral names, what was left out by ground."""
    counts = step.collect(searched, source(), at=AT)
    assert counts.as_json() == {
        "records": 51,
        "attachments": 2,
        "withheld": 4,
        "invalid": 0,
        "datasets": {NOTE: 50, PERSON: 1},
    }
    assert ids(searched, NOTE) == [f"n{n}" for n in range(50)]
    assert searched.names("rows/") == [f"rows/salesforce/{NOTE}/0000", f"rows/salesforce/{PERSON}/0000"]
    kept = Collected.from_json(searched.read_json("collected/salesforce"))
    assert [(a.name, a.extension, a.bytes) for a in kept.attachments] == [
        ("attachments/salesforce/0001", "wav", 4000),
        ("attachments/salesforce/0002", "bin", 3),
    ]
    assert kept.attachments[0].sha256 == hashlib.sha256(b"RIFF" * 1000).hexdigest()
    with searched.reader("attachments/salesforce/0002") as file:
        assert file.read() == b"two"
    assert kept.extracted_at == AT


@pytest.mark.parametrize("at_piece", [0, 1, 30, 51, 52])
def test_killed_in_the_middle_and_run_again(searched: CaseFile, at_piece: int) -> None:
    """Nothing doubled, nothing missing; until then no marker."""

    def stop(number: int) -> None:
        if number == at_piece:
            raise TransientError("connection.failed", "salesforce")

    with pytest.raises(TransientError):
        step.collect(searched, source(on_piece=stop), at=AT)
    assert not searched.exists("collected/salesforce")
    assert searched.names("rows/") == []
    step.collect(searched, source(), at=AT)
    step.collect(searched, source(), at=AT)
    assert len(ids(searched, NOTE)) == len(set(ids(searched, NOTE))) == 50
    assert len(searched.names("attachments/")) == 2


def test_rests_of_a_process_that_was_killed_are_removed(searched: CaseFile) -> None:
    """More files and other datasets than this time."""
    step.collect(searched, source(), at=AT)
    small = Fake(declaration(), rows={PERSON: ROWS[PERSON]})
    assert step.collect(searched, small, at=AT).records == 1
    assert searched.names("attachments/") == []
    assert searched.names("rows/") == [f"rows/salesforce/{PERSON}/0000"]


def test_interrupted_again_is_not_taken_for_whole(searched: CaseFile) -> None:
    """The marker of the first time must not vouch for the rests of the second."""
    step.collect(searched, source(), at=AT)

    def stop(number: int) -> None:
        raise TransientError("timeout", "salesforce")

    with pytest.raises(TransientError):
        step.collect(searched, source(on_piece=stop), at=AT)
    assert searched.read_json("collected/salesforce")["status"] == "failed"


def test_one_record_twice(searched: CaseFile) -> None:
    """Stops; the case file holds no half of it."""
    doubled = Fake(declaration(), rows={NOTE: [*ROWS[NOTE], ROWS[NOTE][7]]})
    with pytest.raises(PermanentError, match=r"record\.duplicate"):
        step.collect(searched, doubled, at=AT)
    assert searched.names("rows/") == []


def test_another_request_s_rows_are_refused(searched: CaseFile) -> None:
    """The worst error stops at once."""

    class Mixed(Fake):
        def extract(self, found: Found) -> Any:
            yield Rows("dsr-somebody-else", NOTE, schema.batch(NOTE, ROWS[NOTE]))

    with pytest.raises(PermanentError, match=r"piece\.foreign"):
        step.collect(searched, Mixed(declaration()), at=AT)


@pytest.mark.parametrize(
    ("dataset", "batch", "code"),
    [
        ("salesforce_secret", None, r"dataset\.undeclared"),
        (NOTE, [("", {"text": "x"})], r"record\.id"),
        (NOTE, "other columns", r"batch\.schema"),
    ],
)
def test_rows_that_nobody_declared(searched: CaseFile, dataset: str, batch: Any, code: str) -> None:
    """An unknown dataset, a row without an id, other columns."""

    class Odd(Fake):
        def extract(self, found: Found) -> Any:
            rows_given = schema.batch(NOTE, batch if isinstance(batch, list) else ROWS[NOTE])
            if batch == "other columns":
                rows_given = rows_given.select([schema.SOURCE_ID])
            yield Rows(searched.case_id, dataset, rows_given)

    with pytest.raises(PermanentError, match=code):
        step.collect(searched, Odd(declaration()), at=AT)


@pytest.mark.parametrize("status", ["none", "failed", "not_connected"])
def test_a_source_that_holds_nothing_is_not_asked(case: CaseFile, status: str) -> None:
    """Only the marker is written."""
    case.write_json("search/salesforce", SearchResult("salesforce", status, AT).as_json())
    assert step.collect(case, source(on_piece=pytest.fail), at=AT).records == 0
    assert case.read_json("collected/salesforce")["status"] == ("none" if status == "none" else "failed")


def test_giving_up_keeps_no_part(searched: CaseFile) -> None:
    """What was read before counts for nothing."""
    step.collect(searched, source(), at=AT)
    step.give_up(searched, "salesforce", "http.500", at=AT)
    assert searched.names("rows/") == searched.names("attachments/") == []
    assert searched.read_json("collected/salesforce")["code"] == "http.500"

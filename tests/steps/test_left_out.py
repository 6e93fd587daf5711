"""What a right doesn't reach is said, however little is left: in the decisions, the report and its first lines."""

import dataclasses
import html
import io
import json
import re
import zipfile
from typing import Any

import pytest
from made_up_sources import (
    AT,
    NOTE,
    PERSON,
    Fake,
    FakeIndex,
    combined,
    composed,
    declaration,
    email,
    record,
    request,
)

from dsr.casefile import CaseFile
from dsr.steps import collect, identify

ROWS = {PERSON: [("1", {"email": "asa@kvarn.example"})]}
FILE = ("1", "t.wav", "wav", b"abcd")
NOTHING = "Nothing that is surely about you was found"


def answered(case: CaseFile, right: str, activity: str = "crm", **held: Any) -> zipfile.ZipFile:
    """The package of a source that holds this, for an activity: crm rests on legitimate interest."""
    declared = declaration()
    datasets = tuple(dataclasses.replace(dataset, processing=activity) for dataset in declared.datasets)
    declared = dataclasses.replace(declared, datasets=datasets)
    source = Fake(declared, [record("1", "Åsa", email("asa@kvarn.example"))], **held)
    case.write_json("request", {**request(right=right), "language": "en"})
    identify.identify(case, {declared.name: source}, [declared], FakeIndex(), at=AT, final=True)
    collect.collect(case, source, at=AT)
    combined(case, [declared])
    composed(case, [declared])
    with case.reader("package") as file:
        return zipfile.ZipFile(io.BytesIO(file.read()))


def decisions(package: zipfile.ZipFile) -> dict[str, Any]:
    """What was decided."""
    value: dict[str, Any] = json.loads(package.read("decisions.json"))
    return value


def text(package: zipfile.ZipFile) -> str:
    """The report as it is read."""
    page = re.sub(r"<style>.*?</style>", "", package.read("index.html").decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def test_a_dataset_of_which_all_was_withheld_is_still_excluded(case: CaseFile) -> None:
    """Neither its rows nor its files are there: what was withheld is all that speaks of it."""
    decided = decisions(answered(case, "portability", left_out=[(NOTE, "third_party", 3)]))
    assert decided["withheld"] == []
    assert [(e["dataset"], e["reason"], e["rows"]) for e in decided["excluded"]] == [
        (NOTE, "not_consent_or_contract", 3)
    ]


def test_what_was_withheld_of_an_excluded_dataset_is_counted_once(case: CaseFile) -> None:
    """Beside its rows and files."""
    held: dict[str, Any] = {
        "rows": {**ROWS, NOTE: [("1", {"text": "a"})]},
        "files": [FILE],
        "left_out": [(NOTE, "third_party", 3)],
    }
    package = answered(case, "portability", **held)
    excluded = {e["dataset"]: (e["rows"], e["attachments"]) for e in decisions(package)["excluded"]}
    assert excluded == {PERSON: (1, 0), NOTE: (4, 1)}
    assert "items left out 6" in text(package)
    assert "4 1 file" in text(package)


def test_only_what_is_excluded_was_found(case: CaseFile) -> None:
    """Something was found, and that is not denied."""
    seen = text(answered(case, "portability", rows=ROWS, files=[FILE]))
    assert NOTHING not in seen
    assert "What was found about you is outside this right" in seen


def test_only_files_were_found(case: CaseFile) -> None:
    """They are no records, and still something."""
    seen = text(answered(case, "access", files=[FILE]))
    assert NOTHING not in seen
    assert "outside this right" not in seen


@pytest.mark.parametrize(("right", "paragraph"), [("access", "15(4)"), ("portability", "20(4)")])
def test_others_rights_in_the_words_of_the_right(case: CaseFile, right: str, paragraph: str) -> None:
    """Access and portability have a paragraph each."""
    package = answered(case, right, "marketing", rows=ROWS, left_out=[(PERSON, "third_party", 2)])
    (withheld,) = decisions(package)["withheld"]
    assert paragraph in withheld["words"]["en"]
    assert paragraph.replace("(", ".").replace(")", "") in withheld["words"]["sv"]


@pytest.mark.parametrize(("right", "told"), [("access", True), ("portability", False)])
def test_profiling_is_told_where_its_values_are(case: CaseFile, right: str, told: bool) -> None:
    """Art. 20 doesn't reach conclusions, so an answer under it says nothing of them, not that there are none."""
    seen = text(answered(case, right, rows=ROWS))
    assert ("Profiling and automated decisions" in seen) is told
    assert "We do no profiling" not in seen

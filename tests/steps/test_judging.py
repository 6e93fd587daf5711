"""What a person says about a doubtful record: it is fetched or left out, and nothing else follows from it."""

from dataclasses import replace

import pytest
from made_up_sources import AT, PERSON, Fake, FakeIndex, combined, composed, declaration, email, phone, record, request

from dsr import judging
from dsr.casefile import CaseFile
from dsr.errors import PermanentError
from dsr.findings import Finding
from dsr.judging import Doubts
from dsr.model import Identifier, Match
from dsr.search import SearchResult, found_from_json
from dsr.steps import collect, identify

ASA, SHARED, OTHER = email("asa@kvarn.example"), phone("+46851740610"), email("info@kvarn.example")
HERSELF = record("c1", "Åsa Öhrnqvist", ASA, SHARED, Identifier("salesforce_contact", "c1"))
DOUBTFUL = record("c2", "", SHARED, OTHER, Identifier("salesforce_contact", "c2"))
FURTHER = record("c3", "", OTHER)


def searched(case: CaseFile, *people: Match) -> SearchResult:
    """One system with these records."""
    source = Fake(declaration(), people)
    identify.identify(case, {"salesforce": source}, [source.declaration], FakeIndex(), at=AT, final=True)  # type: ignore[arg-type]
    return SearchResult.from_json(case.read_json("search/salesforce"))


@pytest.fixture
def asked(case: CaseFile) -> CaseFile:
    """A request of hers."""
    case.write_json("request", request())
    return case


def fetched(case: CaseFile) -> dict[str, frozenset[Identifier]]:
    """Record id → by what it is known, of those that will be read."""
    if not case.exists("found/salesforce"):
        return {}
    return {m.record_id: m.by for m in found_from_json(case.read_json("found/salesforce")).matches}


def test_theirs_is_fetched_and_leads_nowhere(asked: CaseFile) -> None:
    """Neither to what carries the same address, nor is the extractor given a shared one to follow."""
    before = searched(asked, HERSELF, DOUBTFUL, FURTHER)
    assert (before.matches, before.doubtful, judging.doubts(asked)) == (1, 1, Doubts(1, 0))
    (finding,) = judging.doubtful(asked)
    judging.judge(asked, finding, theirs=True, by="officer", at=AT)
    assert judging.doubts(asked) == Doubts(0, 1, 0)
    assert set(fetched(asked)) == {"c1"}  # nothing goes by it before another search
    after = searched(asked, HERSELF, DOUBTFUL, FURTHER)
    assert (after.matches, after.doubtful, judging.doubts(asked)) == (2, 0, Doubts(0, 0))
    assert fetched(asked)["c2"] == {Identifier("salesforce_contact", "c2")}
    assert "c3" not in fetched(asked)
    assert "c3" not in {f["record_id"] for f in asked.read_json("evidence/salesforce")["findings"]}


def test_not_theirs_is_no_doubt_any_more(asked: CaseFile) -> None:
    """It stays out, and no answer counts it."""
    searched(asked, HERSELF, DOUBTFUL)
    (finding,) = judging.doubtful(asked)
    judging.judge(asked, finding, theirs=False, by="officer", at=AT)
    assert judging.doubts(asked) == Doubts(0, 0, 1)
    judging.dismiss(asked)
    evidence = asked.read_json("evidence/salesforce")
    assert (asked.read_json("search/salesforce")["doubtful"], evidence["reasons"]) == (0, {})
    assert judging.doubts(asked) == Doubts(0, 0, 0)
    after = searched(asked, HERSELF, DOUBTFUL)
    assert (after.matches, after.doubtful, set(fetched(asked))) == (1, 0, {"c1"})
    assert asked.read_json("evidence/salesforce") == evidence


def test_a_mail_at_a_shared_address_is_nobodys_to_decide(asked: CaseFile) -> None:
    """It has no id of its own by which it could be read: who follows the address reads everybody's mail there."""
    mail = record("m1", "Torkel Öhrnqvist", SHARED, OTHER)
    company = record("a1", "", SHARED, Identifier("invoicing_customer", "a1"))
    found = searched(asked, HERSELF, mail, company)
    assert found.doubtful == 2
    assert list(judging.doubtful(asked)) == []
    for value in asked.read_json("evidence/salesforce")["findings"]:
        if value["verdict"] == "doubtful":
            with pytest.raises(PermanentError, match=r"record\.certain"):
                judging.judge(asked, Finding.from_json("salesforce", value), theirs=True, by="officer", at=AT)


def test_who_said_so_is_known(asked: CaseFile) -> None:
    """So that they don't approve what follows from it; and what others have too is counted with it."""
    searched(asked, HERSELF, DOUBTFUL)
    before = asked.read_json("shared/salesforce")["records"]
    (finding,) = judging.doubtful(asked)
    judging.judge(asked, finding, theirs=True, by="officer", at=AT)
    assert judging.judges(asked) == frozenset()
    searched(asked, HERSELF, DOUBTFUL)
    assert judging.judges(asked) == {"officer"}
    assert asked.read_json("shared/salesforce")["records"] == before + 1


@pytest.mark.parametrize("changed", [
    {"person": "Torkel Öhrnqvist"}, {"holds": DOUBTFUL.holds - {SHARED} | {phone("+46701740605"), SHARED, ASA}},
])  # fmt: skip
def test_a_record_that_says_something_else_is_doubtful_anew(asked: CaseFile, changed: dict[str, object]) -> None:
    """What was decided was decided about what stood there then."""
    searched(asked, HERSELF, DOUBTFUL)
    (finding,) = judging.doubtful(asked)
    judging.judge(asked, finding, theirs=True, by="officer", at=AT)
    searched(asked, HERSELF, replace(DOUBTFUL, **changed))  # type: ignore[arg-type]
    assert judging.doubts(asked).waiting == 0
    evidence = {f["record_id"]: f["verdict"] for f in asked.read_json("evidence/salesforce")["findings"]}
    assert evidence["c2"] != "judged_theirs"


def test_only_doubtful_records_are_decided(asked: CaseFile) -> None:
    """One that surely is theirs isn't."""
    searched(asked, HERSELF, DOUBTFUL)
    evidence = asked.read_json("evidence/salesforce")["findings"]
    (hers,) = [Finding.from_json("salesforce", f) for f in evidence if f["verdict"] == "theirs"]
    with pytest.raises(PermanentError, match=r"record\.certain"):
        judging.judge(asked, hers, theirs=False, by="officer", at=AT)


def test_somebody_of_whom_nothing_was_sure(asked: CaseFile) -> None:
    """A record that a person says is theirs is reason enough to answer with it."""
    box = record("c5", "Åsa Öhrnqvist", ASA, Identifier("salesforce_contact", "c5"))
    two = record("c6", "Torkel Öhrnqvist", ASA, Identifier("salesforce_contact", "c6"))
    before = searched(asked, box, two)
    assert (before.status, before.doubtful) == ("none", 2)
    for finding in judging.doubtful(asked):
        judging.judge(asked, finding, theirs=finding.record_id == "c5", by="officer", at=AT)
    after = searched(asked, box, two)
    assert (after.status, after.matches, after.doubtful) == ("found", 1, 0)
    source = Fake(declaration(), (box,), rows={PERSON: [("c5", {"name": "Åsa Öhrnqvist"})]})
    collect.collect(asked, source, at=AT)  # type: ignore[arg-type]
    combined(asked, [source.declaration])
    assert composed(asked, [source.declaration]).files

"""Why a record is theirs or not: readable evidence, codes without values, a score that follows what speaks for it."""

from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_records import worlds
from made_up_sources import AT, Fake, FakeIndex, declaration, email, phone, record

from dsr import schema
from dsr.casefile import CaseFile
from dsr.evidence import Sighting
from dsr.findings import LEADS, NAMES, Finding, explained, reasons, unread
from dsr.identity import decide
from dsr.model import Identifier, IndexEntry, Match
from dsr.steps.identify import identify
from dsr_tables import sources_table

ASA, FORMER = email("asa@kvarn.example"), email("asa.bergfalk@fornamn.example")
MOBILE, SWITCHBOARD = phone("+46701740605"), phone("+46851740610")
CONTACT = Identifier("salesforce_contact", "003")


def seen(record_id: str, person: str, *holds: Identifier, unchecked: bool = False) -> Sighting:
    """A record."""
    return Sighting(
        "salesforce", Match("dsr-test", "person", record_id, frozenset(), frozenset(holds), person), unchecked
    )


def finding(record_id: str, *world: Sighting, anchor: Identifier = ASA) -> Finding:
    """What is said of one record, once all has been asked for."""
    decision = decide(anchor, world, frozenset(i for s in world for i in s.match.holds))
    return next(explained(anchor, decision, s) for s in world if s.match.record_id == record_id)


HERSELF = seen("003", "Åsa Öhrnqvist", ASA, MOBILE, SWITCHBOARD, CONTACT)


def test_what_leads_to_a_record_that_is_theirs() -> None:
    """The strongest first; that a record carries its own id is no evidence."""
    found = finding("003", HERSELF)
    assert (found.verdict, found.score, found.against) == ("theirs", 100, ())
    assert found.led == ((ASA, "anchor"), (MOBILE, "alone"), (SWITCHBOARD, "common"))
    assert found.codes == ("email.anchor", "phone.alone", "phone.common")


@pytest.mark.parametrize(
    ("other", "codes"),
    [
        (seen("x", "", MOBILE), ("phone.alone", "no_name")),
        (seen("x", "", SWITCHBOARD), ("phone.common", "no_name")),
        (seen("x", "Åsa Öhrnqvist", SWITCHBOARD), ("phone.common",)),
        (seen("x", "Åsa", SWITCHBOARD, FORMER), ("phone.common", "part_of_name", "own_address")),
        (seen("x", "Åsa Öhrnkvist", SWITCHBOARD), ("phone.common", "misspelt_name")),
        (seen("x", "Åsa Bergfalk", SWITCHBOARD, FORMER), ("phone.common", "kindred_name", "own_address")),
        (seen("x", "Åsa Öhrnqvist", MOBILE, FORMER), ("phone.shared", "own_address")),
        (seen("x", "Torkel Öhrnqvist", MOBILE, unchecked=True), ("phone.shared", "other_name", "unchecked")),
    ],
)
def test_what_speaks_for_and_against(other: Sighting, codes: tuple[str, ...]) -> None:
    """In codes."""
    found = finding("x", HERSELF, other)
    assert found.codes == tuple(code for code in codes if code != "part_of_name")


def test_nothing_to_compare_with() -> None:
    """Two people behind the anchor: it is shared, and whose name counts isn't known."""
    found = finding("t", seen("a", "Åsa Öhrnqvist", ASA), seen("t", "Torkel Öhrnqvist", ASA))
    assert (found.verdict, found.codes) == ("doubtful", ("email.shared", "uncompared_name"))


def test_what_only_the_index_knows() -> None:
    """Behind a crowd's number it could be anybody's."""
    others = [seen(n, n, SWITCHBOARD) for n in ("Birger Qvarnsträng", "Ulla Alm", "Ture Falk")]
    for crowd, verdict in (([], "doubtful"), (others, "anybodys")):
        decision = decide(ASA, [HERSELF, *crowd], frozenset({ASA, MOBILE, SWITCHBOARD, CONTACT}))
        found = unread("recordings", ASA, decision, [IndexEntry(SWITCHBOARD, "call_record", "1")])
        assert (found.verdict, found.dataset, found.record_id) == (verdict, "call_record", "1")
        assert found.against == ("unread",)


def test_the_score_follows_what_speaks_for_it() -> None:
    """The more the better, and what is against it counts."""
    scores = [
        finding("x", HERSELF, other).score
        for other in (
            seen("x", "Åsa Öhrnqvist", MOBILE, SWITCHBOARD),
            seen("x", "", MOBILE),
            seen("x", "Åsa Öhrnqvist", SWITCHBOARD),
            seen("x", "Åsa Öhrnqvist", SWITCHBOARD, FORMER),
            seen("x", "Åsa Bergfalk", SWITCHBOARD, FORMER),
        )
    ]
    assert scores == [95, 60, 60, 35, 0]


@given(worlds(), st.data())
@settings(max_examples=100, deadline=None)
def test_codes_never_show_a_value(
    world: tuple[list[tuple[int, Sighting]], list[Identifier]], data: st.DataObject
) -> None:
    """Nor does the repr; the score stays in its range and what leads to a record is what it carries."""
    records, addresses = world
    anchor = data.draw(st.sampled_from(addresses))
    sightings = [s for _, s in records]
    decision = decide(anchor, sightings, frozenset(i for s in sightings for i in s.match.holds))
    known = {"anchor", "alone", "shared", "common", "crowd", "own_address", "unchecked", *NAMES}
    for sighting in (*decision.theirs, *decision.doubtful):
        found = explained(anchor, decision, sighting)
        assert 0 <= found.score <= 100
        assert {i for i, _ in found.led} <= sighting.identifiers
        assert {state for _, state in found.led} <= LEADS.keys()
        assert {code.rpartition(".")[2] for code in found.codes} <= known
        assert not any(
            i.value in f"{found!r} {found.codes}" for i in sighting.identifiers if i.value != found.record_id
        )


def _identified(case: CaseFile) -> dict[str, Any]:
    """The evidence after a search of two systems, by source."""
    people = (
        record("003", "Åsa Öhrnqvist", ASA, MOBILE, SWITCHBOARD, CONTACT),
        record("00X", "Torkel Öhrnqvist", SWITCHBOARD),
    )
    index = FakeIndex({"recordings": [IndexEntry(SWITCHBOARD, "made_up_person", f"call{n:02}") for n in range(21)]})
    kinds = ("email", "phone", "call_contact")
    sources = [Fake(declaration("salesforce"), people), Fake(declaration("recordings", indexed=True, finds_by=kinds))]
    identify(case, {s.declaration.name: s for s in sources}, [s.declaration for s in sources], index, at=AT, final=True)
    return {name: case.read_json(name) for name in case.names("evidence/")}


def test_the_case_file_keeps_the_evidence(case: CaseFile) -> None:
    """Of every record, read or not, and obeying its schema."""
    kept = _identified(case)
    for evidence in kept.values():
        jsonschema.Draft202012Validator(schema.load("evidence")).validate(evidence)
    crm = kept["evidence/salesforce"]
    assert [(f["record_id"], f["verdict"]) for f in crm["findings"]] == [("003", "theirs"), ("00X", "doubtful")]
    assert crm["reasons"] == {"other_name": 1, "phone.common": 1}
    assert crm["findings"][1]["led"] == [{"kind": "phone", "value": SWITCHBOARD.value, "as": "common"}]
    calls = kept["evidence/recordings"]["findings"]
    assert [(f["record_id"], f["against"]) for f in calls] == [(f"call{n:02}", ["unread"]) for n in range(21)]


def test_the_ledger_and_the_release_page_get_codes_and_counts(case: CaseFile) -> None:
    """The ledger's schema takes them, and no value is on the page."""
    kept = _identified(case)
    for declared in ("salesforce", "recordings"):
        case.write_json(f"collected/{declared}", {"status": "found"})
        detail = {"source": declared, "reasons": kept[f"evidence/{declared}"]["reasons"]}
        event = {"request_id": "dsr-abcdefgh", "kind": "source_searched", "detail": detail, "at": AT.isoformat()}
        jsonschema.Draft202012Validator(schema.load("event")).validate(event)
    page = sources_table(case, [declaration("salesforce"), declaration("recordings")])
    assert "other_name 1, phone.common 1" in page
    assert "phone.common 21, unread 21" in page
    assert not any(word in page for word in ("@", "+46", "hrnqvist"))


def test_evidence_counts_what_the_search_report_counts(case: CaseFile) -> None:
    """The same numbers of certain and doubtful records; another search begins anew."""
    for _ in range(2):
        for name, evidence in _identified(case).items():
            search = case.read_json(name.replace("evidence/", "search/"))
            verdicts = [f["verdict"] for f in evidence["findings"]]
            assert verdicts.count("theirs") == search["matches"]
            assert len(verdicts) - verdicts.count("theirs") == search["doubtful"]


def test_reasons_are_of_the_doubtful_only() -> None:
    """A record that is theirs needs none."""
    assert reasons([finding("003", HERSELF)]) == {}

"""Records of a system without look-up behind something shared: where they are few they are read, for a person to decide
whose they are, and nothing more is released by it."""

from typing import Any
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_records import ASA, MOBILE, SWITCHBOARD, worlds
from made_up_sources import AT, Fake, FakeIndex, declaration, email, record, request

from dsr import inquiring, judging
from dsr.casefile import CaseFile
from dsr.evidence import VENDOR_LINKS, Sighting
from dsr.findings import Finding
from dsr.inquiring import Inquiry, settle
from dsr.judging import Doubts
from dsr.model import Identifier, IndexEntry, Match
from dsr.search import found_from_json
from dsr.source import Source
from dsr.steps.identify import identify
from dsr.web import records as offered

KINDS = ("email", "phone", "webinar_registrant")


def form(*people: Match) -> Fake:
    """Records that anybody can make."""
    declared = declaration("pardot")
    datasets = tuple(d.__class__(**{**vars(d), "unchecked": True}) for d in declared.datasets)
    return Fake(declared.__class__(**{**vars(declared), "datasets": datasets}), people)


def calls(*people: Match) -> tuple[Fake, FakeIndex]:
    """A system without look-up, and its index."""
    entries = [IndexEntry(i, m.dataset, m.record_id) for m in people for i in m.holds if i.kind not in VENDOR_LINKS]
    return Fake(declaration("recordings", indexed=True, finds_by=KINDS), people), FakeIndex({"recordings": entries})


def call(record_id: str, *holds: Identifier, person: str = "") -> Match:
    """A call."""
    return record(record_id, person, *holds, Identifier("webinar_registrant", record_id))


def search(case: CaseFile, index: FakeIndex, *sources: Fake) -> None:
    """Once."""
    case.write_json("request", request())
    given: dict[str, Source | None] = {s.declaration.name: s for s in sources}
    identify(case, given, [s.declaration for s in sources], index, at=AT, final=True)  # type: ignore[arg-type]


def test_calls_by_a_number_that_only_a_form_states_are_a_person_s_to_decide(case: CaseFile) -> None:
    """Whoever fills in a form may type another's number: so they are asked about, with just that said, and nothing of
    them is fetched before somebody has decided."""
    prospect = form(record("p1", "Åsa Öhrnqvist", ASA, MOBILE))
    recordings, index = calls(call("c1", MOBILE), call("c2", MOBILE, person="Åsa Öhrnqvist"))
    search(case, index, prospect, recordings)
    assert not case.exists("found/recordings")
    assert judging.doubts(case) == Doubts(2, 0)
    named, nameless = judging.doubtful(case)
    assert (named.person, named.codes) == ("Åsa Öhrnqvist", ("phone.stated",))
    assert nameless.codes == ("phone.stated", "no_name")
    assert all("only a form says" in words for shown in offered.records(case) for _, _, words in shown.led)
    judging.judge(case, named, theirs=True, by="officer", at=AT)
    search(case, index, prospect, recordings)
    found = found_from_json(case.read_json("found/recordings")).matches
    assert [(m.record_id, m.by, m.holds) for m in found] == [
        ("c2", frozenset({Identifier("webinar_registrant", "c2")}), frozenset())
    ]
    assert judging.doubts(case) == Doubts(1, 0)


def test_another_s_name_on_a_call_is_an_answer(case: CaseFile) -> None:
    """The call is read, bears somebody else's name, and nobody needs to be asked."""
    prospect = form(record("p1", "Åsa Öhrnqvist", ASA, MOBILE))
    recordings, index = calls(call("c1", MOBILE, person="Birger Qvarnsträng"))
    search(case, index, prospect, recordings)
    assert judging.doubts(case) == Doubts(0, 0)
    assert case.read_json("search/recordings")["doubtful"] == 0


def test_a_call_that_is_gone_is_no_doubt(case: CaseFile) -> None:
    """The index still knows it; the system, asked, doesn't."""
    prospect = form(record("p1", "Åsa Öhrnqvist", ASA, MOBILE))
    recordings, _ = calls()
    index = FakeIndex({"recordings": [IndexEntry(MOBILE, "made_up_person", "c1")]})
    search(case, index, prospect, recordings)
    assert case.read_json("search/recordings")["doubtful"] == 0


def test_a_switchboard_s_many_calls_are_counted_and_not_read(case: CaseFile) -> None:
    """One call more than a person can look at, and none of them is fetched; what is theirs alone is, however many."""
    crm = Fake(declaration("salesforce"), [record("c", "Åsa Öhrnqvist", ASA, MOBILE, SWITCHBOARD)])
    many = [call(f"{kind}{n}", number) for kind, number in (("s", SWITCHBOARD), ("m", MOBILE)) for n in range(21)]
    recordings, index = calls(*many)
    search(case, index, crm, recordings)
    assert not any(SWITCHBOARD in identifiers for identifiers in recordings.asked)
    kept = case.read_json("search/recordings")
    assert (kept["matches"], kept["doubtful"]) == (21, 21)
    assert judging.doubts(case) == Doubts(0, 0)


@given(worlds(), st.data())
@settings(max_examples=60, deadline=None)
def test_reading_them_releases_nothing_more(
    world: tuple[list[tuple[int, Sighting]], list[Identifier]], data: st.DataObject
) -> None:
    """In any world: with them read, what is theirs is the same or less, and all that is theirs stays theirs or comes
    before a person."""
    records, addresses = world
    anchor = data.draw(st.sampled_from([*addresses, email("asa.ohrnqvist@x-example.example")]))
    unread, _ = _settled(anchor, records, few=0)
    theirs, doubtful = _settled(anchor, records, few=20)
    assert theirs <= unread
    assert unread - theirs <= {f.record_id for f in doubtful}


def _settled(anchor: Identifier, records: list[tuple[int, Sighting]], *, few: int) -> tuple[set[str], list[Finding]]:
    """Ids of what is theirs, and what is doubtful, where so many records behind something shared are read. Records of
    systems without look-up carry no other system's ids."""
    matches: dict[str, list[Match]] = {"salesforce": [], "recordings": []}
    for _, sighting in records:
        known = sighting.match
        if sighting.source in ("recordings", "webinars"):
            stated = [i for i in known.holds if i.kind not in VENDOR_LINKS]
            matches["recordings"].append(call(known.record_id, *stated, person=known.person))
        else:
            matches["salesforce"].append(record(known.record_id, known.person, *known.holds))
    recordings, index = calls(*matches["recordings"])
    sources: list[Any] = [Fake(declaration("salesforce"), matches["salesforce"]), recordings]
    inquiries = {s.declaration.name: Inquiry(s, index, "dsr-abcdefghijklmnopqrstuvwxyz", AT) for s in sources}
    with mock.patch.object(inquiring, "_FEW", few):
        decision = settle(anchor, inquiries, final=True)
        findings = [f for i in inquiries.values() for f in i.evidence(anchor, decision)]
    theirs = {s.match.record_id for s in decision.theirs}
    return theirs, [f for f in findings if f.verdict != "theirs"]

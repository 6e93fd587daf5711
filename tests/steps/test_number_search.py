"""What a search makes of a phone that was shown to be held, and of an officer's word against it."""

from made_up_records import ASA, MOBILE
from made_up_sources import AT, declaration, record, request
from test_few_shared import call, calls, form

from dsr import judging, provable
from dsr.casefile import CaseFile
from dsr.findings import JUDGED_NOT, Finding
from dsr.judging import Doubts
from dsr.model import Identifier
from dsr.search import found_from_json
from dsr.steps.identify import identify

HELD = frozenset({MOBILE})
FORM = form(record("p1", "Åsa Öhrnqvist", ASA, MOBILE))
CALLS, INDEX = calls(*(call(f"c{n}", MOBILE) for n in range(25)))
"""More than are read for something shared."""


def search(case: CaseFile, possessed: frozenset[Identifier] = frozenset(), first: object = FORM) -> None:
    """Once."""
    case.write_json("request", request())
    sources = {"pardot": first, "recordings": CALLS}
    declared = [declaration("pardot"), CALLS.declaration]
    identify(case, sources, declared, INDEX, at=AT, final=True, possessed=possessed)


def theirs(case: CaseFile) -> set[str]:
    if not case.exists("found/recordings"):
        return set()
    return {match.record_id for match in found_from_json(case.read_json("found/recordings")).matches}


def findings(case: CaseFile) -> list[Finding]:
    return [Finding.from_json("recordings", value) for value in case.read_json("evidence/recordings")["findings"]]


def test_all_the_calls_are_theirs_and_the_evidence_says_by_what(case: CaseFile) -> None:
    """Those too that were too many to be put before a person."""
    search(case)
    assert theirs(case) == set()
    assert provable.provable(case) == (MOBILE.value,)
    search(case, HELD)
    assert theirs(case) == {f"c{n}" for n in range(25)}
    assert {finding.codes for finding in findings(case)} == {("phone.proven", "no_name")}
    assert judging.doubts(case) == Doubts(0, 0)
    assert provable.provable(case) == ()
    assert case.read_json("search/recordings")["doubtful"] == 0


def test_once_it_is_vouched_for_nothing_rests_on_the_proof(case: CaseFile) -> None:
    checked = form(record("p1", "Åsa Öhrnqvist", ASA, MOBILE))
    search(case, HELD, first=type(checked)(declaration("pardot"), checked.people))
    assert {finding.codes for finding in findings(case)} == {("phone.alone", "no_name")}


def test_an_officer_s_word_outweighs_the_proof(case: CaseFile) -> None:
    """Whoever holds the phone now may not have had it then; before the proof and after it, and also when the working
    data of the first search is gone."""
    few, index = calls(call("c1", MOBILE), call("c2", MOBILE))

    def again(possessed: frozenset[Identifier] = frozenset()) -> None:
        case.write_json("request", request())
        sources = {"pardot": FORM, "recordings": few}
        declared = [declaration("pardot"), few.declaration]
        identify(case, sources, declared, index, at=AT, final=True, possessed=possessed)

    again()
    first, _ = judging.doubtful(case)
    judging.judge(case, first, theirs=False, by="officer", at=AT)
    again(HELD)
    assert theirs(case) == set()
    assert {f.record_id: f.verdict for f in findings(case)}[first.record_id] == JUDGED_NOT
    assert provable.provable(case) == (), "nobody is asked about it any more"
    case.remove("evidence/")
    again(HELD)
    assert theirs(case) == set()

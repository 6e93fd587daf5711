"""What an officer sees of who asks, and whether it counts: the portal's word, what took it back, tickets that were
joined."""

import sys
from pathlib import Path

from counter_hall import NOW, Office
from test_ask_identity import a_case, ask, by_portal, link_of

from dsr.casefile import CaseFile

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

import dsr_identity

MOVED = {"salesforce_contact": ["asa.new@kvarnberget.example"]}


def shown(office: Office, case: CaseFile) -> str:
    return dsr_identity.standing(office, case.case_id)  # type: ignore[arg-type]


def counts(office: Office, case: CaseFile) -> bool:
    return dsr_identity.confirmed(office, case.case_id)  # type: ignore[arg-type]


def test_the_portals_word_is_enough_for_an_officer_to_go_on(office: Office) -> None:
    case = a_case(office)
    assert not counts(office, case)
    by_portal(office, case)
    assert counts(office, case)
    assert "**confirmed**, customer_portal" in shown(office, case)


def test_taken_back_it_is_not_and_the_officer_sees_why_and_what_was_asked_since(office: Office) -> None:
    case = a_case(office, held=MOVED)
    by_portal(office, case)
    ask(office, case)
    assert not counts(office, case)
    assert "no answer yet" in shown(office, case)
    assert "its address is not the one on file" in shown(office, case)


def test_who_confirmed_after_that_is_confirmed_though_the_page_was_cut_off(office: Office) -> None:
    case = a_case(office, held=MOVED)
    by_portal(office, case)
    ask(office, case)
    link = link_of(office).partition("#")[2].partition(".")[0]
    drawn = office.challenges.send_code(link, NOW)
    assert drawn is not None
    assert office.challenges.confirm(link, drawn[1], "", NOW) is not None
    assert counts(office, case)
    doubt = {"by": "officer", "method": "doubt", "ok": False}
    office.ledger.append(case.case_id, "identity_verified", doubt, at=NOW)
    assert not counts(office, case)
    assert "in doubt" in shown(office, case)


def test_a_token_that_does_not_count_is_no_wrong_answer(office: Office) -> None:
    case = a_case(office)
    detail = {"method": "customer_portal", "code": "token.time"}
    office.ledger.append(case.case_id, "identity_refused", detail, at=NOW)
    ask(office, case)
    assert "does not count: token.time" in shown(office, case)
    assert "Wrong answers" not in shown(office, case)


def test_how_many_tickets_were_joined(office: Office) -> None:
    case = a_case(office)
    assert "joined" not in shown(office, case)
    for other in ("dsr-one-of-them", "dsr-another-one"):
        office.ledger.append(case.case_id, "linked", {"from": other}, at=NOW)
    assert "joined to this: 2." in shown(office, case)

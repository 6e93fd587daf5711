"""Every right that changes systems, from the ticket to the answer, through a real Airflow: eight requests in a day."""

import json
from collections import Counter
from typing import Any

import httpx
import pytest
from office_day import CORRECTIONS, KILLED, WAYS, Day, recipients_act

from sandbox.comparison import Change, difference

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.timeout(600)]

_STAMPS = frozenset({"LastModifiedDate", "SystemModstamp", "updatedAt", "updated_at"})
_VENDORS = frozenset({"ContactHistory", "LeadHistory"})
"""What Salesforce itself writes down beside a change."""
_MIRRORS = frozenset({"CampaignMember", "Case"})
"""Records that show what stands in the contact or lead that they belong to."""


def held(lines: list[str], person: str, kind: str) -> list[dict[str, Any]]:
    """What the systems hold of somebody, of one kind."""
    entries = (json.loads(line) for line in lines)
    return [e["content"] for e in entries if e["kind"] == kind and e.get("person") == person and not e["deleted"]]


def shapes(found: list[Change]) -> Counter[tuple[str, str, str, tuple[str, ...]]]:
    """Changes without the ids of what was changed."""
    return Counter((c.system, c.kind, c.what, c.fields if c.what == "changed" else ()) for c in found)


def otherwise(day: Day, name: str) -> Counter[str]:
    """Kinds of the records that somebody had before and that are otherwise at the end of the day, but for stamps;
    absent and empty are one."""
    person = WAYS[name].person
    before, after = (
        {(e["system"], e["kind"], e["id"]): e["content"] for e in map(json.loads, lines) if e.get("person") == person}
        for lines in (day.before, day.after)
    )
    fields = {
        key: {field for field in {**old, **after[key]} if (old.get(field) or None) != (after[key].get(field) or None)}
        for key, old in before.items()
    }
    return Counter(key[1] for key, its in fields.items() if its - _STAMPS)


def by_hand(day: Day, name: str) -> Counter[str]:
    """Kinds of the records of which the ledger says that a person has to lift the restriction, since they have no place
    for a mark that says who set it; what no system could restrict either is left out."""
    of = {"salesforce_contact": "Contact", "salesforce_lead": "Lead"}
    lifted = [e.detail for e in day.stack.events(day.requests[name]) if e.kind == "lifted"]
    return Counter({of[e["dataset"]]: e["count"] for e in lifted if e.get("reason") == "mark.absent"})


def kinds_of(day: Day, name: str) -> Counter[str]:
    """What the ledger says of a request."""
    return Counter(day.stack.kinds(day.requests[name]))


def decided(day: Day, name: str) -> set[tuple[str, str]]:
    """What was decided of a request, each once: Airflow asks again whose task it lost after the answer."""
    events = day.stack.events(day.requests[name])
    return {(e.detail["decision"], e.detail["choice"]) for e in events if e.kind == "decision"}


def test_nobody_elses_record_is_touched(day: Day) -> None:
    """The whole state of all systems, before and after. What is nobody's own (counters, a vendor's lists) has no
    person."""
    asked = {way.person for way in WAYS.values()}
    others = [c for c in difference(day.before, day.after) if c.person and not asked & set(c.person.split(","))]
    assert others == []
    assert all(day.changes(name) for name in WAYS if name not in ("restricted", "refused"))


def test_every_run_ends_well_and_its_working_data_is_gone(day: Day) -> None:
    for name, request_id in day.requests.items():
        states = day.office.states(request_id)
        assert "failed" not in states.values(), (name, states)
        assert states["shred"] == "success", (name, states)
        left = [n for n in day.stack.case(request_id).names() if n.startswith(("rows/", "found/", "search/", "plan/"))]
        assert left == [], name
        kinds = kinds_of(day, name)
        once = {"planned", "verified", "closed", "shredded"}
        assert {kind: kinds[kind] for kind in once} == dict.fromkeys(once, 1), (name, kinds)


def test_an_erasure_says_what_is_kept_why_and_until_when(day: Day) -> None:
    text = day.text("erased")
    assert "Lagen kräver att vi sparar dem (artikel 17.3 b). Längst till och med den 31 december" in text
    person = WAYS["erased"].person
    assert held(day.after, person, "invoice") != []
    assert all(row["restricted_at"] for row in held(day.after, person, "invoice"))
    assert held(day.after, person, "Contact") == held(day.after, person, "prospects") == []
    assert kinds_of(day, "erased")["suppressed"] == 1


def test_what_the_vendor_deletes_later_is_asked_for_until_it_is_gone(day: Day) -> None:
    request_id = day.requests["erased"]
    with day.stack.running.client("engineer") as client:
        assert client.tasks("dsr_erasure", request_id)["enforce.pardot"]["try_number"] > 1
    told = [e.detail for e in day.stack.events(request_id) if e.kind == "enforced" and e.detail["source"] == "pardot"]
    of_prospect = [(e["attempt"], e["outcome"]) for e in told if e["dataset"] == "pardot_prospect"]
    assert of_prospect[0] == (1, "scheduled")
    assert of_prospect[-1][1] == "done"


def test_killed_in_three_tasks_it_ends_as_if_it_had_not_been(day: Day) -> None:
    assert day.killed == list(KILLED)
    assert shapes(day.changes("killed")) == shapes(day.changes("erased"))
    once, other = (kinds_of(day, name) for name in ("killed", "erased"))
    for kind in ("notified", "certified", "answered", "closed", "shredded", "suppressed"):
        assert once[kind] == other[kind], kind
    assert decided(day, "killed") == decided(day, "erased")
    answers = [day.stack.requester.answers(day.requests[name]) for name in ("killed", "erased")]
    killed, unkilled = ([a["text"].replace(a["request_id"], "") for a in of] for of in answers)
    assert killed == unkilled
    assert len(killed) == 1


def test_a_rectification_reads_as_asked_for_wherever_the_field_is(day: Day) -> None:
    person, phone = WAYS["rectified"].person, CORRECTIONS["invoicing_contact.mobile"]
    street = CORRECTIONS["address"]
    read = {
        kind: held(day.after, person, kind) for kind in ("Contact", "Lead", "prospects", "customer_contact", "address")
    }
    assert {(row["MailingStreet"], row["MobilePhone"]) for row in read["Contact"]} == {(street, phone)}
    assert {(row["Street"], row["MobilePhone"]) for row in read["Lead"]} == {(street, phone)}
    assert {(row["addressOne"], row["phone"], row["language__c"]) for row in read["prospects"]} == {
        (street, phone, "en")
    }
    assert {(row["mobile"], row["language"]) for row in read["customer_contact"]} == {(phone, "en")}
    assert {row["line1"] for row in read["address"]} == {street}
    touched = {change.kind for change in day.changes("rectified")}
    assert touched - _VENDORS - _MIRRORS == {"Contact", "Lead", "prospects", "customer_contact", "address"}
    (answer,) = day.stack.requester.answers(day.requests["rectified"])
    assert answer["closed"]
    assert answer["text"].startswith("You asked us to correct your personal data. That is done")
    assert "Invoices that have been issued are not changed." in answer["text"]


def test_recipients_are_told_once_with_a_receipt_and_followed_to_the_end(day: Day) -> None:
    """Over OpenDSR; a receipt that isn't signed for exactly these bytes would have counted as a failure."""
    told = {name: notices_of(day, name) for name in day.requests}
    assert {e["recipient"] for e in told["rectified"]} == {"salesforce"}
    assert (
        {e["recipient"] for e in told["erased"]}
        == {e["recipient"] for e in told["restricted"]}
        == {"salesforce", "zoom"}
    )
    assert all(len(e["receipt_sha256"]) == 64 for of in told.values() for e in of)
    with httpx.Client(base_url=day.stack.running.endpoints["admin"], trust_env=False) as admin:
        there = {entry["id"]: entry for entry in admin.get("/processor/requests").json()}
    for details in told.values():
        assert all(there[e["notice"].rpartition(":")[2]]["posted"] == 1 for e in details)
    assert all(value not in json.dumps(list(there.values())) for value in CORRECTIONS.values() if len(value) > 2)
    recipients_act(day)
    for name, details in told.items():
        ends = notices_of(day, name)[len(details) :]
        assert {e["status"] for e in ends} <= {"completed"}
        assert {e["notice"] for e in ends} == {e["notice"] for e in details}


def notices_of(day: Day, name: str) -> list[dict[str, Any]]:
    """What recipients were told of what was changed; that a restriction is lifted they are told by mail."""
    details = [dict(e.detail) for e in day.stack.events(day.requests[name]) if e.kind == "notified"]
    return [detail for detail in details if detail["kind"] != "lifted"]


def test_recipients_are_told_that_a_restriction_is_lifted(day: Day) -> None:
    for name in ("restricted", "refused"):
        told = [e.detail for e in day.stack.events(day.requests[name]) if e.kind == "notified"]
        before = {d["recipient"] for d in told if d["kind"] == "restriction"}
        ended = [d for d in told if d["kind"] == "lifted"]
        assert sorted(d["recipient"] for d in ended) == sorted(before)
        assert {d["by"] for d in ended} == {"mail"}


def test_a_restriction_is_lifted_on_the_day_that_was_announced_and_not_before(day: Day) -> None:
    assert {c.system for c in day.changes("restricted", until="meanwhile")} >= {
        "salesforce",
        "pardot",
        "invoicing",
        "recordings",
    }
    assert day.changes("restricted", "meanwhile", "announced") == []
    assert otherwise(day, "restricted") == by_hand(day, "restricted")
    done, lifting = day.stack.requester.answers(day.requests["restricted"])
    assert not done["closed"]
    assert lifting["closed"]
    assert "We will lift that restriction on" in lifting["text"]
    kinds = day.stack.kinds(day.requests["restricted"])
    assert kinds.index("answered") < kinds.index("lift_announced") < kinds.index("lifted") < kinds.index("closed")


def test_an_objection_is_upheld_or_refused_after_it_was_restricted_at_once(day: Day) -> None:
    for name, choice in (("upheld", "uphold"), ("refused", "refuse")):
        decisions = [e.detail for e in day.stack.events(day.requests[name]) if e.kind == "decision"]
        assert [(d["decision"], d["choice"]) for d in decisions] == [("objection", choice)]
        assert day.changes(name, until="meanwhile") != []
        assert "While we examine it, your data is restricted" in day.text(name)
    assert day.changes("upheld", "meanwhile") == []
    assert "We have accepted your objection" in day.text("upheld", 1) or "stopped some of it" in day.text("upheld", 1)
    assert otherwise(day, "refused") == by_hand(day, "refused")
    assert "We have compelling legitimate grounds" in day.text("refused", 1)
    assert kinds_of(day, "refused")["readmitted"] == 2
    assert kinds_of(day, "upheld")["readmitted"] == 0


def test_an_objection_to_marketing_and_a_withdrawal_wait_for_nobody(day: Day) -> None:
    for name in ("marketing", "withdrawn"):
        kinds = kinds_of(day, name)
        assert kinds["decision"] == kinds["identity_verified"] == 0
        assert kinds["suppressed"] == kinds["answered"] == 1
        assert {c.system for c in day.changes(name)} >= {"salesforce", "pardot"}

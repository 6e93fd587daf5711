"""What happens after two people have approved, and before anything is changed: nothing of it is carried out unseen."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from office import SYSTEMS, Office
from running_sandbox import Sandbox
from state import Changed, State

from dsr.model import Identifier
from sandbox.people import Person

pytestmark = [pytest.mark.airflow, pytest.mark.slow]


def approved(office: Office, person: Person) -> str:
    """A request for erasure whose plan two people have approved."""
    request_id = office.ask(person.email, "erasure")
    office.until(request_id, "suppress")
    return request_id


def finish(office: Office, request_id: str) -> tuple[dict[str, str], list[Changed]]:
    """What failed, and what has changed in any system from now on, but for what vendors throw out of their bins."""
    before = State.of(office.state())
    failed = office.finish(request_id).failed
    changes = before.until(State.of(office.state()))
    return failed, [c for c in changes if not (c.after is None and c.before and c.before["deleted"])]


def nothing_is_told_as_done(office: Office, request_id: str) -> bool:
    """No answer, no certificate, no notice, no entry in the erasure ledger that counts."""
    told = {"answered", "certified", "notified", "closed"} & set(office.kinds(request_id))
    with office.at_work() as place:
        return not told and not any(list(place.erasures.erased(name, request_id)) for name in SYSTEMS)


def doubted(office: Office, request_id: str, person: Person) -> str:
    """Somebody is not sure any more that it is them."""
    with office.at_work() as place:
        place.ledger.append(request_id, "identity_verified", {"by": "officer", "ok": False}, at=office.now())
    return "approval.identity"


def altered(office: Office, request_id: str, person: Person) -> str:
    """Another record stands in the plan; whoever holds the public half of the case's key can write there."""
    case = office.case(request_id)
    with case.reader("plan/salesforce/salesforce_task") as file:
        rows = file.read()
    with case.writer("plan/salesforce/salesforce_contact") as file:
        file.write(rows)
    return "approval.digest"


def planned_anew(office: Office, request_id: str, person: Person) -> str:
    """The plan is another one than was approved."""
    with office.at_work() as place:
        place.holds.add_record("invoicing", "invoicing_contact", key_of(office, request_id), by="dpo", at=office.now())
    with office.at_work():
        office.runner.again(request_id, "make_plan")
    return "approval.digest"


def old(office: Office, request_id: str, person: Person) -> str:
    """The approval is too old."""
    office.wait(timedelta(days=31))
    return "approval.stale"


def key_of(office: Office, request_id: str) -> str:
    """The person's record in the books."""
    return next(i for dataset, i in office.planned(request_id) if dataset == "invoicing_contact")


@pytest.mark.parametrize(
    "event", [altered, *(pytest.param(event, marks=pytest.mark.thorough) for event in (doubted, planned_anew, old))]
)
def test_nothing_is_changed(
    office: Office, way_sandbox: Sandbox, somebody: Person, event: Callable[[Office, str, Person], str]
) -> None:
    request_id = approved(office, somebody)
    offset = office.offset
    code = event(office, request_id, somebody)
    failed, changes = finish(office, request_id)
    office.wait(timedelta(seconds=offset - office.offset))
    assert changes == []
    assert failed["enforce.salesforce"] == code
    assert nothing_is_told_as_done(office, request_id)


def test_a_hold_on_the_person_keeps_everything(office: Office, way_sandbox: Sandbox, somebody: Person) -> None:
    """Accounts are restricted all the same, which keeps them."""
    request_id = approved(office, somebody)
    with office.at_work() as place:
        place.holds.add_person(Identifier("email", somebody.email), by="dpo", at=office.now())
    failed, changes = finish(office, request_id)
    assert {(c.key[1], c.person) for c in changes} == {("invoice", somebody.key)}
    assert failed["verify"] == "verify.remains"
    assert nothing_is_told_as_done(office, request_id)
    assert blocked(office, request_id) >= {"salesforce_contact", "pardot_prospect", "invoicing_contact"}


@pytest.mark.thorough
def test_a_hold_on_one_record_keeps_that(office: Office, way_sandbox: Sandbox, somebody: Person) -> None:
    request_id = approved(office, somebody)
    key = key_of(office, request_id)
    with office.at_work() as place:
        place.holds.add_record("invoicing", "invoicing_contact", key, by="dpo", at=office.now())
    failed, changes = finish(office, request_id)
    assert ("invoicing", "customer_contact", key) not in {c.key for c in changes}
    assert ("salesforce", "Contact") in {c.key[:2] for c in changes}
    assert failed["verify"] == "verify.remains"
    assert nothing_said(office, request_id)
    assert blocked(office, request_id) == {"invoicing_contact"}


@pytest.mark.parametrize(
    ("system", "kind", "row"),
    [
        ("pardot", "prospects", {"jobTitle": "Chef"}),
        pytest.param("salesforce", "Contact", {"MobilePhone": "+46709876543"}, marks=pytest.mark.soak),
    ],
)
@pytest.mark.thorough
def test_a_record_that_was_changed_stays_as_it_is(
    office: Office, way_sandbox: Sandbox, somebody: Person, system: str, kind: str, row: dict[str, Any]
) -> None:
    """A colleague has worked with it meanwhile."""
    request_id = approved(office, somebody)
    column = {"pardot": "email", "salesforce": "Email"}[system]
    imported = {"system": system, "rows": [{column: somebody.email, **row}]}
    done = office.admin.post("/import", json=imported).raise_for_status().json()
    assert (len(done["updated"]), done["created"]) == (1, [])
    failed, changes = finish(office, request_id)
    assert (system, kind, done["updated"][0]) not in {c.key for c in changes}
    assert "verify" in failed
    assert nothing_said(office, request_id)
    left = [e.detail for e in office.events(request_id) if e.kind == "enforced"]
    assert any(d["source"] == system and d["outcome"] in ("changed", "blocked") for d in left)


def nothing_said(office: Office, request_id: str) -> bool:
    """Nobody was told anything."""
    return not {"answered", "certified", "notified", "closed"} & set(office.kinds(request_id))


def blocked(office: Office, request_id: str) -> set[str]:
    """Datasets of which something was left for a hold."""
    details = [e.detail for e in office.events(request_id) if e.kind == "enforced"]
    return {d["dataset"] for d in details if (d["outcome"], d.get("reason")) == ("blocked", "hold.added")}

"""The whole of all systems before and after: exactly what the law says of the person's records, and nothing of anybody
else's. The records are the sandbox's truth, so a plan that misses one is found too."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import judging
import pytest
from office import Office
from running_sandbox import Sandbox
from state import State

from dsr_approvals import OVERRIDE, UPHOLD
from sandbox.people import Person

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

_NOTED = frozenset({"restricted_purposes", "notes", "tags"})
"""Fields that bear a mark for each request."""
_MARKETING = {"right": "objection", "ground": "direct_marketing"}
_WITHDRAWAL = {"right": "withdrawal", "purposes": ["dpv:DirectMarketing"]}


def erase(office: Office, sandbox: Sandbox, people: Sequence[Person], *, twice: bool = False) -> tuple[str, State]:
    """Erases them, one after the other, and judges; the last one's request, and how it is then."""
    before, day = State.of(office.state()), office.now().date()
    for person in people:
        request_id = office.ask(person.email, "erasure")
        office.until(request_id, "prepare")
        planned = office.planned(request_id)
        assert list(judging.planned_as_the_law_says(sandbox.truth, planned, person.key, "erasure", day)) == []
        assert office.finish(request_id, twice=twice).failed == {}
        assert told_twice(office, request_id) == []
    others = [one for one in sandbox.population.people if one not in people]
    after = State.of(office.state())
    assert list(judging.erased(people, others, sandbox.truth, before, after, day)) == []
    return request_id, after


def told_twice(office: Office, request_id: str, answers: int = 1) -> list[str]:
    """What was said or written down more than once although it happened once. That a plan is made again, and found to
    be the same, is an event of its own each time; so is that nothing is left to shred."""
    events = [(e.kind, json.dumps(e.detail, sort_keys=True)) for e in office.events(request_id)]
    counts = Counter(e for e in events if e[0] not in ("planned", "shredded", "source_searched"))
    found = [f"{kind}, {count} times" for (kind, _), count in counts.items() if count > 1]
    found += [f"{len(office.answers(request_id))} answers"] if len(office.answers(request_id)) != answers else []
    return found + [f"a notice {n['posted']} times" for n in office.notices() if n["posted"] > 1]


def again(office: Office, request_id: str, before: State, *, letters: int, **asked: Any) -> list[str]:
    """Asks once more for what was had already, if there is anything in `asked`, and has the whole run of the first
    request run once more from its start, as an engineer can. What is otherwise since `before`, but for vendors' stamps
    and the marks that say who asked; and what was closed, certified or sent a second time. `letters`: how many answers
    the first request has by then: how it is now is told again."""
    if asked:
        assert office.finish(office.ask(**asked)).failed == {}
    office.runner.clear(request_id, "open_case")
    assert office.finish(request_id).failed == {}
    # Bins are emptied as time passes, whatever is asked.
    binned = {key for key, entry in before.items() if entry["deleted"]}
    changes = [c for c in before.until(State.of(office.state())) if c.after is not None or c.key not in binned]
    found = [str(c) for c in changes if c.fields - judging.STAMPS - _NOTED or not c.fields]
    events = [(e.kind, json.dumps(e.detail, sort_keys=True)) for e in office.events(request_id)]
    once = Counter(e for e in events if e[0] in ("certified", "notified", "answered"))
    found += [f"{kind}, {count} times" for (kind, _), count in once.items() if count > 1]
    found += [] if [kind for kind, _ in events].count("closed") == 1 else ["closed twice"]
    found += [] if len(office.answers(request_id)) == letters else [f"{len(office.answers(request_id))} answers"]
    return found + [f"a notice {n['posted']} times" for n in office.notices() if n["posted"] > 1]


def test_erased_is_gone_and_the_neighbours_keep_all(office: Office, way_sandbox: Sandbox) -> None:
    """The canary, who has some of everything, whose mails, files and deliveries others share, and who has namesakes.
    What can't be erased is still found by a second run, which changes nothing and says so."""
    request_id, after = erase(office, way_sandbox, [way_sandbox.population.canary])
    assert again(office, request_id, after, letters=2) == []
    assert "Vi har inte raderat något" in office.answers(request_id)[1]["text"]


@pytest.mark.thorough
def test_erased_each_step_done_twice(office: Office, way_sandbox: Sandbox, crowd: Iterator[Person]) -> None:
    erase(office, way_sandbox, [next(crowd)], twice=True)


@pytest.mark.parametrize("key", ["colleague", pytest.param("canary", marks=pytest.mark.soak)])
@pytest.mark.thorough
def test_a_restriction_marks_and_its_lifting_puts_everything_back(
    office: Office, way_sandbox: Sandbox, key: str
) -> None:
    """But for a lead that no Individual and no field of the org's own tells of: lifting leaves it to a person."""
    person = way_sandbox.population.person(key)
    before = State.of(office.state())
    request_id = office.ask(person.email, "restriction", ground="accuracy_contested")
    office.until(request_id, "prepare")
    planned, day = office.planned(request_id), office.now().date()
    assert list(judging.planned_as_the_law_says(way_sandbox.truth, planned, person.key, "restriction", day)) == []
    office.until(request_id, "decide_lift")
    assert list(judging.restricted(person, way_sandbox.truth, before, State.of(office.state()))) == []
    assert office.finish(request_id).failed == {}
    unmarked = way_sandbox.truth_of(person.key, "salesforce_lead")
    leads = [("salesforce", "Lead", key) for key in unmarked]
    after = State.of(office.state())
    # What a campaign shows of a lead follows it.
    shown = [k for k, e in before.items() if k[1] == "CampaignMember" and e["content"].get("LeadId") in unmarked]
    assert list(judging.as_before(before, after, but=[*leads, *shown])) == []
    assert told_twice(office, request_id, answers=2) == []
    lifted = [e.detail for e in office.events(request_id) if e.kind == "lifted" and e.detail["outcome"] == "manual"]
    assert {(d["dataset"], d["reason"]) for d in lifted if d["source"] == "salesforce"} == {
        ("salesforce_lead", "mark.absent")
    }


@pytest.mark.thorough
@pytest.mark.parametrize("way", ["restriction", "objection"])
def test_what_was_lifted_is_restricted_and_lifted_again(office: Office, way: str, somebody: Person) -> None:
    """The whole run is begun again after its end: the person and the recipients are told again, and it ends again."""
    office.decisions["decide_objection"] = (next(iter(OVERRIDE)), "officer")
    ground = {"restriction": "accuracy_contested", "objection": "legitimate_interest"}[way]
    request_id = office.ask(somebody.email, way, ground=ground)
    days, first = set(), Counter[str]()
    for number in (1, 2):
        assert office.finish(request_id).failed == {}
        told = [e.detail for e in office.events(request_id) if e.kind == "lift_announced"]
        assert len(told) == number
        days.add(told[-1]["on"])
        notified = [e.detail for e in office.events(request_id) if e.kind == "notified"]
        notices = Counter(detail["kind"] for detail in notified if detail.get("status") != "completed")
        first = first or notices
        assert notices["lifted"] == notices["restriction"] > 0
        assert notices == Counter({kind: count * number for kind, count in first.items()})
        assert "restricted" not in office.suppressed(somebody.email)
        office.runner.clear(request_id, "open_case")
        office.upkeep()
    assert len(days) == 2


@pytest.mark.thorough
@pytest.mark.parametrize("asked", [_MARKETING, _WITHDRAWAL], ids=["objection", "withdrawal"])
def test_marketing_stops_at_once(office: Office, way_sandbox: Sandbox, somebody: Person, asked: dict[str, Any]) -> None:
    """Nobody decides anything."""
    office.decisions.clear()
    before = State.of(office.state())
    request_id = office.ask(somebody.email, **asked)
    assert office.finish(request_id, twice=True).failed == {}
    after = State.of(office.state())
    assert list(judging.restricted(somebody, way_sandbox.truth, before, after)) == []
    assert told_twice(office, request_id) == []
    assert office.suppressed(somebody.email) == {"marketing"}
    assert again(office, request_id, after, letters=2, email=somebody.email, **asked) == []


@pytest.mark.parametrize("upheld", [True, False])
@pytest.mark.thorough
def test_a_legitimate_interest_is_weighed(office: Office, way_sandbox: Sandbox, somebody: Person, upheld: bool) -> None:
    """Restricted meanwhile; for good when the objection is upheld, as it was before when it is refused."""
    before = State.of(office.state())
    office.decisions["decide_objection"] = (UPHOLD if upheld else next(iter(OVERRIDE)), "officer")
    request_id = office.ask(somebody.email, "objection", ground="legitimate_interest")
    office.until(request_id, "decide_objection")
    assert list(judging.restricted(somebody, way_sandbox.truth, before, State.of(office.state()))) == []
    assert office.finish(request_id, twice=True).failed == {}
    assert told_twice(office, request_id, answers=2) == []
    after = State.of(office.state())
    if upheld:
        assert list(judging.restricted(somebody, way_sandbox.truth, before, after)) == []
        assert again(office, request_id, after, letters=3) == []
    else:
        unknown = [("salesforce", kind, t) for kind, dataset in (("Lead", "lead"), ("Contact", "contact"))
                   for t in way_sandbox.truth_of(somebody.key, f"salesforce_{dataset}")]  # fmt: skip
        ids = {key for _, _, key in unknown}
        # What a campaign shows of them follows them.
        shown = [k for k, e in before.items() if k[1] == "CampaignMember"
                 and ids & {e["content"].get("LeadId"), e["content"].get("ContactId")}]  # fmt: skip
        assert list(judging.as_before(before, after, but=[*unknown, *shown])) == []
    assert office.suppressed(somebody.email) == ({"marketing", "restricted"} if upheld else set())


@pytest.mark.thorough
def test_corrected_reads_back_and_accounts_stay(office: Office, way_sandbox: Sandbox) -> None:
    """The number wherever it stands as a field of the person's; the name where it was asked for; no invoice."""
    person = way_sandbox.population.person("near_address")
    before = State.of(office.state())
    asked = {
        "phone": "+46709999999",
        "invoicing_contact.family_name": "Nyström",
        "invoicing_invoice.buyer_name": "N AB",
    }
    request_id = office.ask(person.email, "rectification", corrections=asked)
    assert office.finish(request_id, twice=True).failed == {}
    assert told_twice(office, request_id) == []
    after = State.of(office.state())
    changes = [c for c in before.until(after) if c.fields - judging.STAMPS]
    written = {(c.key[1], name): c.after["content"][name] for c in changes for name in c.fields - judging.STAMPS}
    assert {c.person for c in changes} == {person.key}
    assert written == {
        ("Contact", "MobilePhone"): "+46709999999", ("Lead", "MobilePhone"): "+46709999999",
        ("prospects", "phone"): "+46709999999", ("customer_contact", "mobile"): "+46709999999",
        ("customer_contact", "family_name"): "Nyström",
        # What the CRM shows of a contact elsewhere follows it.
        ("CampaignMember", "MobilePhone"): "+46709999999", ("Case", "ContactMobile"): "+46709999999",
    }  # fmt: skip
    truth = [t for t in way_sandbox.truth if t.person == person.key]
    mine = {(t.dataset, t.source_id) for t in truth}
    assert {("salesforce_contact", c.key[2]) for c in changes if c.key[1] == "Contact"} <= mine
    assert again(office, request_id, after, letters=2) == []

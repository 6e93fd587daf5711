"""A restriction that was lifted, begun again and lifted again: each time the person is told, and each time the ledger
says so."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from made_up_acting import ASA, AT, MadeUp, World, approval_of, case_of, choose
from made_up_place import Clock, Place, answered, kinds
from made_up_sources import PERSON, email

import dsr_approvals
import dsr_lifting
from dsr import plan, rounds
from dsr.casefile import CaseFile
from dsr.erasures import Erasures
from dsr.holds import HoldsInForce
from dsr.ledger import Ledger
from dsr.steps import assess
from dsr.steps.enforce import enforce
from dsr.steps.lift import lift
from dsr.steps.reread import reread
from dsr.steps.suppress import suppress

pytestmark = pytest.mark.airflow
WAYS = {
    "restriction": ({}, "lift", {"reason": "requested"}),
    "objection": ({"ground": "legitimate_interest"}, "refuse", {"reason": "objection_decided"}),
}


@pytest.mark.parametrize("right", WAYS)
def test_each_time_it_is_announced_and_lifted_on_the_day_told(
    right: str, place: Place, tmp_path: Path, request_id: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, choice, more = WAYS[right]
    source = MadeUp(World.of())
    case = case_of(tmp_path, source, lambda d, i: "restrict", request_id, right, **asked)
    days = []
    for number in (1, 2):
        restrict(case, place, number, clock.at)
        dsr_approvals._decided("lift" if choice == "lift" else "objection", answered("x", "one"), choice, more)
        for _ in range(2):
            dsr_lifting.announce_lift.function()
        assert len(place.said) == number
        announced = [e.detail["on"] for e in place.ledger.events(request_id) if e.kind == "lift_announced"]
        assert len(announced) == number
        days.append(announced[-1])
        with pytest.raises(Exception, match=r"lift\.announced"):
            dsr_lifting.lift.function()
        clock.at += timedelta(days=7)
        assert days[-1] == clock.at.date().isoformat()
        for _ in range(2):
            dsr_lifting.lift.function()
        case.write_json("lifted/crm", {"as": "the source's task leaves it"})
        counts = kinds(place.ledger, request_id)
        assert counts.count("readmitted") == counts.count("suppressed") > 0
        assert [counts.count("readmitted") % number, counts.count("answered")] == [0, number]
        assert counts.count("refused") == (number if right == "objection" else 0)
        assert not place.suppression.asks([email(ASA)]) & {"restricted"}
        clock.at += timedelta(days=30)
    assert days[0] < days[1]


def restrict(case: CaseFile, place: Place, number: int, at: Any) -> None:
    """As the tasks before leave it."""
    rounds.start(case, plan.read(case).digest)
    for _ in range(2):
        suppress(case, place.suppression, place.ledger, at=at)
    detail = {"source": "crm", "attempt": number, "count": 1, "purposes": []}
    place.ledger.append(case.case_id, "restricted", detail, at=at)


def test_another_decision_before_the_day_is_announced_as_it_is_told(
    place: Place, tmp_path: Path, request_id: str, clock: Clock
) -> None:
    """The plan was made again meanwhile: what was told of the older one holds no longer."""
    case = case_of(tmp_path, MadeUp(World.of()), lambda d, i: "restrict", request_id, "restriction")
    restrict(case, place, 1, clock.at)
    dsr_approvals._decided("lift", answered("x", "one"), "lift", {"reason": "requested"})
    dsr_lifting.announce_lift.function()
    case.write_json("round", {"digest": "of another plan"})
    clock.at += timedelta(days=3)
    restrict(case, place, 2, clock.at)
    dsr_approvals._decided("lift", answered("x", "one"), "lift", {"reason": "lawful"})
    dsr_lifting.announce_lift.function()
    told = [e.detail for e in place.ledger.events(request_id) if e.kind == "lift_announced"]
    assert [t["reason"] for t in told] == ["requested", "lawful"]
    assert told[1]["on"] == (clock.at + timedelta(days=7)).date().isoformat()


def test_the_source_is_lifted_and_said_to_be_each_time(
    tmp_path: Path, ledger: Ledger, erasures: Erasures, request_id: str
) -> None:
    source = MadeUp(World.of())
    before = source.world.copy()
    case = case_of(tmp_path, source, lambda d, i: "restrict", request_id, "restriction")
    given: dict[str, Any] = {"holds": HoldsInForce(), "ledger": ledger, "at": AT, "select": choose}
    approval, declaration = approval_of(case), source.declaration
    for number in (1, 2):
        rounds.start(case, plan.read(case).digest)
        ledger.append(request_id, "suppressed", {"scope": "restricted", "count": 1}, at=AT)
        reread(case, source, declaration, at=AT)
        enforce(case, source, declaration, approval, erasures=erasures, corrections_of=assess.corrections_of, **given)
        assert source.world.rows[PERSON, "p1"]["restricted"] == "all"
        ledger.append(request_id, "lift_announced", {"on": f"2027-01-0{number}"}, at=AT)
        for _ in range(2):
            lift(case, source, declaration, approval, **given)
        assert source.world.rows == before
        assert kinds(ledger, request_id).count("lifted") == 2 * number

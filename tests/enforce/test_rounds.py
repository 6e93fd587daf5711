"""A case may need several rounds, attempts break off, and others go on working meanwhile."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from made_up_acting import AT, MadeUp, World, approval_of, case_of, choose, declared, search_and_plan
from made_up_sources import NOTE, PERSON

from dsr import plan, rounds, rows
from dsr.casefile import CaseFile
from dsr.enforced import Enforced, Progress
from dsr.erasures import Erasures
from dsr.errors import PermanentError, TransientError
from dsr.holds import HoldsInForce
from dsr.ledger import Ledger
from dsr.selection import Approval, seal
from dsr.steps import assess, close
from dsr.steps import enforce as step
from dsr.steps.replay import replay
from dsr.steps.reread import reread

LATER = AT + timedelta(days=2)


class Office:
    """A case of Åsa's, and what enforcing takes."""

    def __init__(self, folder: Path, ledger: Ledger, erasures: Erasures, request_id: str, system: str = "crm") -> None:
        self.ledger, self.erasures, self.request_id, self._folder = ledger, erasures, request_id, folder
        self.source = MadeUp(World.of(), declared(system))
        self.case: CaseFile

    def plan(self, effect: str = "erase", right: str = "erasure", **asked: Any) -> None:
        """As `effect` for every record."""
        self.case = case_of(self._folder, self.source, lambda d, i: effect, self.request_id, right, **asked)
        self.ledger.append(self.request_id, "identity_verified", {"ok": True}, at=AT)
        self.ledger.append(self.request_id, "suppressed", {"scope": "all", "count": 1}, at=AT)
        rounds.start(self.case, plan.read(self.case).digest)

    def plan_again(self, effect: str = "erase") -> None:
        """A new search and plan."""
        search_and_plan(self.case, [self.source], lambda d, i: effect)
        rounds.start(self.case, plan.read(self.case).digest)

    def enforce(self, at: Any = AT) -> Enforced:
        """One attempt, as the graph makes it."""
        reread(self.case, self.source, self.source.declaration, at=at)
        done = step.enforce(
            self.case, self.source, self.source.declaration, approval_of(self.case), holds=HoldsInForce(),
            ledger=self.ledger, erasures=self.erasures, at=at, select=choose, corrections_of=assess.corrections_of,
        )  # fmt: skip
        self.source.on_step = lambda step: None
        return done

    def breaks_at(self, wanted: str) -> None:
        """The vendor is down from that step on; one attempt fails."""

        def down(step: str) -> None:
            if step.startswith(wanted):
                raise TransientError("http.503", "crm")

        self.source.on_step = down
        with pytest.raises(TransientError):
            self.enforce()
        self.source.on_step = lambda step: None

    def left(self) -> list[str]:
        """Åsa's records."""
        return sorted(record_id for _, record_id in self.source.world.rows if record_id.startswith("p1"))


@pytest.fixture
def office(tmp_path: Path, ledger: Ledger, erasures: Erasures, request_id: str) -> Office:
    """With an approved plan to erase."""
    made = Office(tmp_path, ledger, erasures, request_id)
    made.plan()
    return made


def test_a_new_plan_acts_on_what_the_finished_round_left(office: Office) -> None:
    office.source.world.rows[NOTE, "p1n0"]["text"] = "edited"
    assert office.enforce().count("changed") == 1
    assert office.left() == ["p1n0"] or office.left() == ["p1", "p1n0"]
    office.source.world.rows.setdefault((PERSON, "p1"), {"email": "asa@kvarn.example", "name": "Å", "phone": None})
    office.plan_again()
    assert Progress.load(office.case, "crm").status == "new"
    assert office.enforce().count("done") == 2
    assert office.left() == []
    attempts = [e.detail["attempt"] for e in office.ledger.events(office.request_id) if e.kind == "enforced"]
    assert attempts == sorted(attempts)
    assert attempts[0] < attempts[-1]


def test_the_same_plan_made_again_acts_on_what_was_blocked(office: Office) -> None:
    office.source.answers = {(NOTE, "erase"): "blocked", (PERSON, "erase"): "blocked"}
    assert office.enforce().count("blocked") == 4
    before = plan.read(office.case).digest
    office.source.answers = {}
    office.plan_again()
    assert plan.read(office.case).digest == before
    assert office.enforce().count("done") == 4
    assert office.left() == []


def test_the_same_plan_made_again_keeps_what_stands(office: Office) -> None:
    """A restriction's reading is what it is lifted with."""
    office.plan_again("restrict")
    office.enforce()
    rounds.start(office.case, plan.read(office.case).digest)
    assert Progress.load(office.case, "crm").status == "done"
    assert office.case.exists("fresh/crm")


def test_the_same_plan_made_again_after_it_was_lifted_begins_anew(office: Office) -> None:
    """The systems look as they did before the restriction, so that the plan is the same: but nothing of it stands."""
    office.plan_again("restrict")
    office.enforce()
    for name in ("verified", "certificate", "told/done", "told/lifting", "lifted/crm"):
        office.case.write_json(name, {"ok": True})
    rounds.start(office.case, plan.read(office.case).digest)
    assert Progress.load(office.case, "crm").status == "new"
    assert not [name for name in ("verified", "told/done", "lifted/crm", "fresh/crm") if office.case.exists(name)]


def test_nothing_of_an_older_round_counts(office: Office) -> None:
    office.enforce()
    told = ("told/done", "told/refused", "told/kept")
    for name in ("verified", "certificate", "certificate.sv.txt", *told, "lifted/crm"):
        office.case.write_json(name, {"ok": True, "tries": 1})
    office.source.world.note("p1n9", "p1")
    office.source.world.rows[PERSON, "p1"] = {"email": "asa@kvarn.example", "name": "Å", "phone": None}
    office.plan_again()
    gone = ("verified", "certificate", "certificate.sv.txt", *told, "lifted/crm", "fresh/crm", "ended")
    assert not [name for name in gone if office.case.exists(name)]
    assert not office.case.names(rows.folder("crm.fresh"))
    assert rounds.unfinished(office.case), "the first round was never seen to be right in this one"


@pytest.mark.parametrize("lost", ["fresh/crm", "rows/crm.fresh/"])
def test_a_lost_reading_is_not_taken_for_absence(office: Office, lost: str) -> None:
    office.breaks_at("erase p1n1")
    office.case.remove(lost)
    with pytest.raises(PermanentError, match=r"reread\.lost"):
        office.enforce(LATER)
    assert office.left() == ["p1", "p1n1", "p1n2"]


@pytest.mark.parametrize("broken", ["erase p1n0", "erase p1n1", "binned p1n1"])
def test_what_a_colleague_edits_between_attempts_stays(office: Office, broken: str) -> None:
    office.breaks_at(broken)
    office.source.world.rows[NOTE, "p1n2"]["text"] = "a colleague's new text"
    done = office.enforce(LATER)
    assert "p1n2" in office.left()
    assert {"p1n0", "p1n1"}.isdisjoint(office.left())
    assert done.count("changed") == 1
    assert done.count("done") == 3


def test_it_stays_over_several_attempts(office: Office) -> None:
    office.breaks_at("erase p1n0")
    office.source.world.rows[NOTE, "p1n2"]["text"] = "a colleague's new text"
    office.breaks_at("erase p1n1")
    office.source.lag = 1
    with pytest.raises(TransientError, match=r"enforce\.scheduled"):
        office.enforce(LATER)
    office.enforce(LATER)
    assert office.left() == ["p1n2"]


def test_an_edit_where_no_verb_has_begun_stays(office: Office) -> None:
    """The person comes after the notes; any difference tells, words or not."""
    office.breaks_at("erase p1n0")
    office.source.world.rows[PERSON, "p1"]["language"] = "en"
    assert office.enforce(LATER).count("changed") == 1
    assert office.left() == ["p1"]


def test_working_data_stays_until_it_was_seen_to_be_right(office: Office) -> None:
    office.breaks_at("erase p1n1")
    before = office.case.names()
    assert not close.shred(office.case)
    assert office.case.names() == before
    assert office.enforce(LATER).count("done") == 4
    office.case.write_json("verified", {"ok": False, "tries": 4})
    assert not close.shred(office.case)
    office.case.write_json("verified", {"ok": True, "tries": 5})
    assert close.awaited(office.case)
    assert close.shred(office.case)
    kept = {name for name in office.case.names() if not name.startswith("enforced/")}
    assert kept == {"request", "plan", "verified", "round"}


def test_what_may_be_lifted_keeps_its_reading(office: Office) -> None:
    office.request_id += "r"
    office.plan("restrict", "restriction")
    office.enforce()
    office.case.write_json("verified", {"ok": True, "tries": 1})
    assert not close.shred(office.case)
    assert office.case.exists("fresh/crm")
    close.close(office.case, office.ledger, AT)
    assert close.shred(office.case)
    assert not office.case.exists("fresh/crm")


def test_a_case_that_was_never_begun_is_shredded(office: Office) -> None:
    assert close.shred(office.case)
    assert not office.case.names("found/")
    assert not office.case.names("plan/")


@pytest.fixture
def alone(tmp_path: Path, ledger: Ledger, erasures: Erasures, request_id: str) -> Office:
    """With a system that no other test has erased in."""
    made = Office(tmp_path, ledger, erasures, request_id, f"crm{request_id[-6:]}")
    made.plan()
    return made


def test_replay_of_two_rounds(alone: Office) -> None:
    office, name = alone, alone.source.declaration.name
    before = office.source.world.copy()
    office.breaks_at("erase p1n1")
    office.source.world.note("p1new", "p1")
    office.plan_again()
    office.enforce()
    for dataset in (NOTE, PERSON):
        office.erasures.confirm(office.request_id, name, dataset, (), AT)
    digests = {e.digest for e in office.erasures.erased(name, office.request_id)}
    assert len(digests) == 2, "the note that went in the first round is of the first plan"
    office.source.world.rows.update(before)
    asked = []

    def approved(request_id: str, digest: str) -> Approval:
        asked.append(digest)
        return Approval(request_id, digest, "officer", AT, seal())

    [line] = list(replay(office.source, office.erasures, office.ledger, approved, at=LATER, confirmed=True))
    assert not line.failed
    assert set(asked) == digests
    assert office.left() == []


def test_replay_goes_on_after_one_that_fails(alone: Office) -> None:
    office, name = alone, alone.source.declaration.name
    first = office.request_id
    before = office.source.world.copy()
    office.enforce()
    for dataset in (NOTE, PERSON):
        office.erasures.confirm(first, name, dataset, (), AT)
    office.source.world.rows.update(before)
    office.request_id = f"{first}b"
    office.plan()
    office.enforce()
    for dataset in (NOTE, PERSON):
        office.erasures.confirm(office.request_id, name, dataset, (), LATER)
    office.source.world.rows.update(before)

    def approved(request_id: str, digest: str) -> Approval:
        if request_id != office.request_id:
            raise PermanentError("replay.approval", "replay")
        return Approval(request_id, digest, "officer", AT, seal())

    lines = list(replay(office.source, office.erasures, office.ledger, approved, at=LATER + timedelta(days=1)))
    told = {line.request_id: line.failed for line in lines}
    assert told[first] == "replay.approval"
    assert told[office.request_id] == ""

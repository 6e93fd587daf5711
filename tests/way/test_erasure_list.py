"""An erasure list: everybody on it is erased as if they had asked, with one plan and one approval, in few calls."""

import json
import multiprocessing
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import judging
import pytest
from airflow.sdk.execution_time.context import set_current_context
from office import Office
from running_sandbox import Sandbox
from state import State

import dsr_keeping
import dsr_list_chunks
import dsr_list_people as people_of
from dsr import erasurelist
from dsr.approval import list_approved
from dsr.erasurelist import NOTHING, ErasureList, Line
from dsr.errors import PermanentError, TransientError
from dsr.notices.told import all_told
from dsr.requestid import new_id
from dsr_workplace import Workplace
from sandbox.people import Person

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

_UNKNOWN = "nobody@nowhere.example"
_TRIES = 20


class ListRun:
    """A list on its way, as the tasks of `dsr_erasure_list` bring it on."""

    def __init__(self, office: Office, emails: Sequence[str], numbers: Mapping[str, str] | None = None) -> None:
        self.office = office
        with office.at_work() as place:
            case = place.cases.create(new_id("list"))
            lines = [Line(new_id(), email, (numbers or {}).get(email, "")) for email in emails]
            listed = ErasureList.make(case, lines, reason="no_longer_needed", by="dpo", at=office.now())
            detail = {"people": listed.people, "reason": "no_longer_needed", "by": "dpo"}
            place.ledger.append(listed.list_id, "list_received", detail, at=office.now())
        self.list_id, self.ids = listed.list_id, {line.email: line.request_id for line in lines}

    def at(self, place: Workplace) -> ErasureList:
        """The list in its case file."""
        return ErasureList(place.case(self.list_id))

    def plan(self) -> erasurelist.Total:
        """All chunks."""
        with self.office.at_work() as place:
            listed = self.at(place)
            for chunk in range(1, listed.chunks + 1):
                dsr_list_chunks.plan_chunk(place, listed, chunk, final=False)
            total = listed.total()
            listed.case.write_json("total", {"digest": total.digest})
            place.ledger.append(
                self.list_id, "planned", {"digest": total.digest, "right": "erasure"}, at=self.office.now()
            )
        return total

    def decide(self, *who: tuple[str, str]) -> None:
        """(decision, user)."""
        for decision, user in who:
            with self.office.at_work() as place:
                detail = {"decision": decision, "choice": "approve", "by": user}
                digest = self.at(place).total().digest
                place.ledger.append(self.list_id, "decision", detail | {"digest": digest}, at=self.office.now())

    def approve(self) -> None:
        """By two officers."""
        self.decide(("prepare", "officer"), ("approve", "second"))

    def carry_out(self, chunk: int = 1) -> int:
        """One chunk, tries and waits included; how many people are done."""

        def once(place: Workplace, listed: ErasureList) -> int:
            approved = list_approved(listed, place.ledger, at=self.office.now(), valid=timedelta(days=90))
            return dsr_list_chunks.carry_out_chunk(place, listed, chunk, approved)

        return self._again_and_again(once)

    def follow(self, chunk: int = 1) -> int:
        """The recipients' answers about one chunk, waits included; of how many people they have acted."""
        return self._again_and_again(lambda place, listed: dsr_list_chunks.follow_chunk(place, listed, chunk))

    def _again_and_again(self, once: Callable[[Workplace, ErasureList], int]) -> int:
        for _ in range(_TRIES):
            try:
                with self.office.at_work() as place:
                    return once(place, self.at(place))
            except TransientError as error:
                self.office.wait(error.retry_after or timedelta(minutes=1))
        raise AssertionError("never done")

    def end(self) -> dict[str, int]:
        """The last task."""
        with self.office.at_work() as place:
            return dsr_list_chunks.end(place, self.at(place))


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasurelist, "CHUNK", 2)


def people(crowd: Iterator[Person], many: int) -> list[Person]:
    return list(islice(crowd, many))


def test_everybody_on_it_is_erased_and_nobody_else_is_touched(
    office: Office, way_sandbox: Sandbox, crowd: Iterator[Person], few_at_once: None
) -> None:
    """Before and after of all systems, by the sandbox's truth; the cases and the list are gone, the evidence is not."""
    listed = people(crowd, 3)
    before, day = State.of(office.state()), office.now().date()
    run = ListRun(office, [*(person.email for person in listed), _UNKNOWN])
    total = run.plan()
    assert (total.people, total.aside) == (3, {NOTHING: 1})
    assert list(State.of(office.state()).until(before)) == []  # nothing is changed before it is approved
    run.approve()
    assert run.carry_out(1) == 2
    assert run.carry_out(2) == 1
    assert run.follow(1) + run.follow(2) == 3
    others = [one for one in way_sandbox.population.people if one not in listed]
    assert list(judging.erased(listed, others, way_sandbox.truth, before, State.of(office.state()), day)) == []
    assert run.end() == {"done": 3, "set_aside": 1}
    for person in listed:
        known = office.kinds(run.ids[person.email])
        assert known[:2] == ["listed", "planned"]
        assert known[-1] == "closed"
        assert {"identity_verified", "decision", "suppressed", "enforced", "verified"} <= set(known)
        assert office.suppressed(person.email) == {"all"}
    with office.at_work() as place:
        assert not {run.list_id, *run.ids.values()} & set(place.cases.cases())
        assert place.ledger.verify() > 0
    assert office.suppressed(_UNKNOWN) == set()


def calls(way_sandbox: Sandbox) -> Counter[str]:
    """How many requests each system has got over HTTP since the log was cleared."""
    return Counter(call["system"] for call in way_sandbox.admin.get("/calls").raise_for_status().json())


@pytest.mark.thorough
def test_six_cost_few_calls_more_than_one(office: Office, way_sandbox: Sandbox, crowd: Iterator[Person]) -> None:
    """Of the CRM, which takes lists of ids; Account Engagement and the webinars are asked for each person."""
    found = []
    for many in (1, 6):
        way_sandbox.forget()
        run = ListRun(office, [person.email for person in people(crowd, many)])
        run.plan()
        run.approve()
        assert run.carry_out() == many
        found.append(calls(way_sandbox)["salesforce"])
    assert found[1] <= 1.5 * found[0]


def test_nothing_is_done_without_two_people_and_the_very_plan(
    office: Office, way_sandbox: Sandbox, crowd: Iterator[Person]
) -> None:
    """Nor for somebody who is set aside: who has asked for something themselves, needs their data for a claim (Art.
    18), or bears another customer number."""
    asks, other, restricted, plain = people(crowd, 4)
    office.until(office.ask(restricted.email, "restriction", ground="legal_claims"), "decide_lift")
    office.decisions.clear()
    office.ask(asks.email, "access")
    before = State.of(office.state())
    run = ListRun(office, [asks.email, other.email, restricted.email, plain.email], {other.email: "C-000000"})
    total = run.plan()
    aside = {people_of.OTHER_NUMBER: 1, people_of.OPEN_REQUEST: 1, people_of.RESTRICTED: 1}
    assert (total.people, total.aside) == (1, aside)
    refused(run, "approval.absent")
    run.decide(("prepare", "officer"))
    refused(run, "approval.absent")
    run.decide(("approve", "officer"))
    refused(run, "approval.four_eyes")
    run.decide(("approve", "second"))
    with office.at_work() as place:
        listed = run.at(place)
        kept = listed.case.read_json("planned/00001")
        altered = {i: its | ({"digest": "0" * 64} if its["digest"] else {}) for i, its in kept.items()}
        listed.case.write_json("planned/00001", altered)
    refused(run, "approval.digest")
    with office.at_work() as place:
        listed.case.write_json("planned/00001", kept)
        one = place.case(run.ids[plain.email])
        summary = one.read_json("plan")
        one.write_json("plan", summary | {"asked": "0" * 64})
    refused(run, "list.failed")  # the list's plan is what was approved, this person's isn't
    with office.at_work() as place:
        one.write_json("plan", summary)
    office.ask(plain.email, "access")
    refused(run, "list.failed")
    assert [e.detail["code"] for e in office.events(run.ids[plain.email]) if e.kind == "failed"] == [
        "approval.digest",
        people_of.OPEN_REQUEST,
    ]
    assert list(before.until(State.of(office.state()))) == []
    assert office.suppressed(plain.email) == set()


def refused(run: ListRun, code: str) -> None:
    with pytest.raises(PermanentError) as caught:
        run.carry_out()
    assert caught.value.code == code


def test_planned_anew_until_it_is_begun(office: Office, crowd: Iterator[Person]) -> None:
    """The same people and records give the same plan; what is begun goes on, and can't be planned anew."""
    run = ListRun(office, [person.email for person in people(crowd, 2)])
    first = run.plan()
    with office.at_work() as place:
        run.at(place).forget_plans()
        with pytest.raises(PermanentError, match=r"list\.unplanned"):
            run.at(place).total()
    assert run.plan().digest == first.digest
    with office.at_work() as place:
        listed = run.at(place)
        listed.case.write_json("begun", True)
        with pytest.raises(PermanentError, match=r"list\.begun"):
            listed.forget_plans()
        with pytest.raises(PermanentError, match=r"approval\.absent"):
            list_approved(listed, place.ledger, at=office.now())


def test_stopped_leaves_nothing_but_evidence(office: Office, crowd: Iterator[Person]) -> None:
    before = State.of(office.state())
    run = ListRun(office, [person.email for person in people(crowd, 2)])
    run.plan()
    assert run.end() == {"stopped": 2}
    with office.at_work() as place:
        assert not {run.list_id, *run.ids.values()} & set(place.cases.cases())
    assert list(before.until(State.of(office.state()))) == []
    assert office.kinds(run.list_id) == ["list_received", "planned", "closed"]


def test_the_sweep_keeps_a_list_that_goes_on_and_ends_one_that_nobody_goes_on_with(
    office: Office, crowd: Iterator[Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list that was begun is nobody's to end: some of it is done."""
    waits, begun = (ListRun(office, [person.email]) for person in people(crowd, 2))
    for run in (waits, begun):
        run.plan()
    with office.at_work() as place:
        begun.at(place).case.write_json("begun", True)
    ids = {waits.list_id, *waits.ids.values()}, {begun.list_id, *begun.ids.values()}
    night = SimpleNamespace(run_id="upkeep", dag_id="dsr_upkeep", conf={})
    context = {"dag_run": night, "ti": SimpleNamespace(get_dr_count=lambda **_: 0, task_id="sweep", try_number=1)}
    for passed, left in ((timedelta(days=29), ids[0] | ids[1]), (timedelta(days=2), ids[1])):
        monkeypatch.setattr(office, "now", partial(lambda at: at, office.now() + passed))
        with office.at_work() as place, set_current_context(context):
            dsr_keeping.sweep.function()
            assert (ids[0] | ids[1]) & set(place.cases.cases()) == left
            assert all(place.case(i).exists("plan/salesforce/salesforce_contact") for i in begun.ids.values())
    assert office.kinds(waits.list_id)[-1] == "closed"


def test_nobody_is_done_with_while_a_recipient_is_not_told(
    office: Office, way_sandbox: Sandbox, crowd: Iterator[Person]
) -> None:
    """Art. 19: the one that lets us in no more is seen by a person, and is told once it does; the others only once."""
    run = ListRun(office, [person.email for person in people(crowd, 2)])
    run.plan()
    run.approve()
    way_sandbox.fault(system="processor", method="POST", status=401)
    with pytest.raises(PermanentError, match=r"list\.failed"):
        run.carry_out()
    posted = len(office.notices())
    assert not any("closed" in office.kinds(request_id) for request_id in run.ids.values())
    way_sandbox.forget()
    assert run.carry_out() == 2
    assert len(office.notices()) > posted
    for request_id in run.ids.values():
        told = [event.detail["recipient"] for event in office.events(request_id) if event.kind == "notified"]
        assert len(told) == len(set(told)) > 0
    assert run.follow() == 2
    assert {office.kinds(request_id)[-1] for request_id in run.ids.values()} == {"closed"}


def test_recipients_are_followed_until_they_have_acted(
    office: Office, way_sandbox: Sandbox, crowd: Iterator[Person]
) -> None:
    """Nothing that was read is kept meanwhile, and no system is asked again; one that turns it down is a person's."""
    run = ListRun(office, [person.email for person in people(crowd, 2)])
    run.plan()
    run.approve()
    assert run.carry_out() == 2
    with office.at_work() as place:
        listed = run.at(place)
        for request_id in run.ids.values():
            assert "closed" not in office.kinds(request_id)
            kept = {name.partition("/")[0] for name in place.case(request_id).names("")}
            assert not kept & {"rows", "attachments", "found", "carried", "document"}
            assert "notices" in kept
        way_sandbox.forget()
        approved = list_approved(listed, place.ledger, at=office.now(), valid=timedelta(days=90))
        assert dsr_list_chunks.carry_out_chunk(place, listed, 1, approved) == 0
        assert calls(way_sandbox) == Counter()
        with pytest.raises(TransientError, match=r"notice\.pending") as caught:
            dsr_list_chunks.follow_chunk(place, listed, 1)
        assert caught.value.retry_after is not None
        assert caught.value.retry_after >= timedelta(hours=3)
        assert calls(way_sandbox).keys() == {"processor"}
        with pytest.raises(TransientError, match=r"notice\.pending"):  # stopped now, it follows them all the same
            dsr_list_chunks.end(place, listed)
        assert not any("closed" in office.kinds(name) for name in (run.list_id, *run.ids.values()))
    first, second = run.ids.values()
    with office.at_work() as place:
        notice, *_ = [told.notice_id for told in all_told(place.case(first)) if told.by == "opendsr"]
    way_sandbox.admin.put(f"/processor/requests/{notice}", json={"status": "cancelled"}).raise_for_status()
    with pytest.raises(PermanentError, match=r"list\.failed"):
        run.follow()
    assert office.kinds(second)[-1] == "closed"
    assert [e.detail for e in office.events(first) if e.kind == "failed"] == [
        {"task": "follow_notices", "code": "notice.failed"}
    ]
    assert run.end() == {"done": 2}  # an officer has asked them why, and marked the task as success
    assert office.kinds(first)[-1] == "closed"


@pytest.mark.thorough
def test_killed_at_any_moment_it_goes_on(
    office: Office, way_sandbox: Sandbox, crowd: Iterator[Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes that carry a chunk out are killed one after the other; the last one ends it, and all is as it must."""
    listed, chance = people(crowd, 4), random.Random(4)
    before, day = State.of(office.state()), office.now().date()
    run = ListRun(office, [person.email for person in listed])
    run.plan()
    run.approve()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    processes = multiprocessing.get_context("spawn")
    for _ in range(6):
        process = processes.Process(
            target=go_on, args=(office.folder, office.endpoints, office.ledger_url, run.list_id)
        )
        process.start()
        process.join(chance.uniform(8, 25))
        process.kill()
        process.join()
    run.carry_out()
    run.follow()
    others = [one for one in way_sandbox.population.people if one not in listed]
    assert list(judging.erased(listed, others, way_sandbox.truth, before, State.of(office.state()), day)) == []
    assert run.end() == {"done": 4}
    for person in listed:
        once = Counter((e.kind, json.dumps(e.detail, sort_keys=True)) for e in office.events(run.ids[person.email]))
        assert [what for what, count in once.items() if count > 1] == []


def go_on(folder: Path, endpoints: Mapping[str, Any], ledger_url: str, list_id: str) -> None:
    """What such a process does."""
    office = Office(folder, endpoints, ledger_url)
    run = ListRun.__new__(ListRun)
    run.office, run.list_id = office, list_id
    run.carry_out()
    office.close()


@pytest.mark.soak
def test_colleagues_who_share_records_on_one_list(office: Office, way_sandbox: Sandbox) -> None:
    """Half of everybody at once, in chunks: those whose mails, meetings and companies others share, listed or not."""
    chance = random.Random(1)
    every = list(way_sandbox.population.people)
    listed = chance.sample(every, len(every) // 2)
    before, day = State.of(office.state()), office.now().date()
    run = ListRun(office, [person.email for person in listed])
    total = run.plan()
    run.approve()
    done = run.carry_out()
    assert done == total.people
    others = [one for one in every if one not in listed]
    found = judging.erased(listed, others, way_sandbox.truth, before, State.of(office.state()), day)
    assert [what for what in found if what not in alone_in_chats(way_sandbox, listed)] == []


def alone_in_chats(sandbox: Sandbox, listed: Sequence[Person]) -> set[str]:
    """Chats in which nobody wrote who isn't listed: as none of theirs is to stay, the file goes."""
    wrote: dict[str, set[str]] = {}
    for line in sandbox.truth:
        if line.dataset == "webinar_chat_message":
            wrote.setdefault(line.source_id.split(":")[-2], set()).add(line.person)
    keys = {person.key for person in listed}
    return {f"changed: webinars/file/{file} (nobody): removed" for file, people in wrote.items() if people <= keys}

"""Erased, and then a file still has them, the connector brings them, a backup comes back: they stay erased, or it is
told; and whoever has objected is not written to again."""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

import judging
import pytest
from office import Office
from running_sandbox import ROOT, Sandbox
from state import State

from dsr.listing import asked
from dsr.reapproval import erased_under
from dsr.steps.replay import ordered, replay
from extractors import SOURCES
from sandbox.people import Person

pytestmark = [pytest.mark.airflow, pytest.mark.slow]


def erased(office: Office, person: Person) -> str:
    """From ticket to answer."""
    request_id = office.ask(person.email, "erasure")
    assert office.finish(request_id).failed == {}
    return request_id


def command(office: Office, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """`python -m dsr …` as an operator runs it."""
    environment = {**os.environ, **office.environment()}
    line = [sys.executable, "-m", "dsr", *arguments]
    return subprocess.run(
        line, input=given, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def imported(office: Office, system: str, person: Person) -> dict[str, list[str]]:
    """A nightly file that still has the person is taken in without asking anybody."""
    order = {"system": system, "rows": [{"person": person.key}]}
    done: dict[str, list[str]] = office.admin.post("/import", json=order).raise_for_status().json()
    return done


def sync(office: Office) -> None:
    """One run of the connector between the CRM and the marketing platform."""
    office.admin.post("/pardot/sync", json={}).raise_for_status()


def test_an_importer_that_asks_brings_nobody_back(office: Office, crowd: Iterator[Person]) -> None:
    """Asked by a command or by the function, it hears of the erasure before it is carried out already."""
    gone, other = next(crowd), next(crowd)
    request_id = office.ask(gone.email, "erasure")
    office.until(request_id, "reread.salesforce")
    lines = [gone.email.upper(), gone.mobile, other.email, "nothing"]
    answers = ["suppressed all", "suppressed all", "allowed", "unreadable"]
    with office.at_work() as place:
        assert list(asked(lines, place.suppression, "SE"))[:3] == answers[:3]
    told = command(office, "suppressed", "--stdin", given="\n".join(lines[:3]))
    assert told.stdout.split("\n")[:3] == answers[:3]


@pytest.mark.thorough
def test_an_import_that_did_not_ask_is_told(office: Office, somebody: Person) -> None:
    """While it is not verified yet: nothing is told as done until the copy is gone too."""
    request_id = office.ask(somebody.email, "erasure")
    office.until(request_id, "verify")
    copies = [*imported(office, "salesforce", somebody)["created"], *imported(office, "pardot", somebody)["created"]]
    assert len(copies) == 2
    assert office.finish(request_id).failed["verify"] == "verify.remains"
    assert not {"answered", "certified", "closed"} & set(office.kinds(request_id))
    unmet = [e.detail["unmet"] for e in office.events(request_id) if e.kind == "verified"]
    assert sorted(unmet[-1]) == [
        "pardot.pardot_prospect.erase.came_back:1", "salesforce.salesforce_contact.erase.came_back:1",
    ]  # fmt: skip
    # Planned and approved anew, the copies go too.
    office.runner.clear(request_id, "open_case")
    assert office.finish(request_id).failed == {}
    left = State.of(office.state("salesforce", "pardot"))
    assert [key for key in left if key[2] in copies] == []


@pytest.mark.thorough
def test_the_connector_runs_between_any_two_steps(office: Office, way_sandbox: Sandbox, somebody: Person) -> None:
    before, day = State.of(office.state()), office.now().date()
    request_id = office.ask(somebody.email, "erasure")
    sync(office)
    while office.step(request_id):
        sync(office)
    assert office.runner.run(request_id).failed == {}
    others = [one for one in way_sandbox.population.people if one != somebody]
    after = State.of(office.state())
    found = judging.erased([somebody], others, way_sandbox.truth, before, after, day)
    assert [f for f in found if somebody.key in f or "still there" in f or "names" in f] == []


@pytest.mark.thorough
def test_an_objection_outlasts_the_connector(office: Office, way_sandbox: Sandbox, somebody: Person) -> None:
    before = State.of(office.state())
    request_id = office.ask(somebody.email, "objection", ground="direct_marketing")
    while office.step(request_id):
        sync(office)
    assert office.runner.run(request_id).failed == {}
    [contact] = way_sandbox.truth_of(somebody.key, "salesforce_contact")
    office.admin.post("/pardot/sync", json={"ids": [contact]}).raise_for_status()
    mine = {key: entry for key, entry in State.of(office.state("salesforce", "pardot")).items()
            if entry.get("person") == somebody.key}  # fmt: skip
    [prospect] = [entry["content"] for key, entry in mine.items() if key[1] == "prospects"]
    assert (prospect["optedOut"], prospect["isDoNotEmail"], prospect["isDoNotCall"]) == (True, True, True)
    assert [e["content"]["optedOut"] for k, e in mine.items() if k[1] == "list-memberships"] == [True]
    assert before


@pytest.mark.thorough
@pytest.mark.parametrize("by_command", [True, pytest.param(False, marks=pytest.mark.soak)])
def test_a_restored_backup_is_cleaned_again(
    office: Office, way_sandbox: Sandbox, crowd: Iterator[Person], by_command: bool
) -> None:
    """Everything of everybody comes back; what was erased goes again, calls too, and nothing else changes."""
    gone = next(one for one in crowd if way_sandbox.truth_of(one.key, "call_record"))
    backup = office.admin.post("/snapshots").raise_for_status().json()["id"]
    saved, day = State.of(office.state()), office.now().date()
    others_unlooked = unlooked(command(office, "replay", "--dry-run")) if by_command else set()
    erased(office, gone)
    office.admin.post(f"/snapshots/{backup}/restore").raise_for_status()
    office.admin.delete(f"/snapshots/{backup}").raise_for_status()
    assert State.of(office.state()) == saved
    if by_command:
        told = command(office, "replay", "--dry-run")
        assert told.returncode == 1, told.stderr
        assert State.of(office.state()) == saved
        for _ in range(2):  # Account Engagement deletes later
            told = command(office, "replay")
            office.wait(judging.LATER)
        assert "not erased again" not in told.stdout, told.stdout + told.stderr
        told = command(office, "replay")
        # Who was erased from webinars can't be looked for there, and that is no success.
        assert unlooked(told) <= {"webinars"} | others_unlooked
        assert told.returncode == bool(unlooked(told)), told.stdout + told.stderr
        assert unlooked(told) or told.stdout == "Nothing is left that was erased.\n"
    else:
        for _ in range(2):
            again(office)
            office.wait(judging.LATER)
    others = [one for one in way_sandbox.population.people if one != gone]
    found = list(judging.erased([gone], others, way_sandbox.truth, saved, State.of(office.state()), day))
    # A system without look-up knows nobody by the ids of what was erased: that came back there, and a person is told.
    assert [f for f in found if "'webinars'" not in f] == []


def unlooked(told: subprocess.CompletedProcess[str]) -> set[str]:
    """The systems in which something can't be looked for, of anybody so far."""
    return {line.split()[0] for line in told.stdout.splitlines() if line.endswith("can't be looked for")}


def again(office: Office) -> None:
    """`dsr.steps.replay` for all systems."""
    with office.at_work() as place:
        kinds = {kind.declaration.name: kind for kind in SOURCES}
        for declaration in ordered([kinds[name].declaration for name in place.erasures.sources()]):
            source, _ = place.acting(declaration.name)
            approved = partial(erased_under, place.ledger)
            for done in replay(source, place.erasures, place.ledger, approved, at=office.now()):
                assert not done.failed

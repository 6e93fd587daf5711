"""The upkeep's and the tickets' tasks, without a running Airflow: nothing that a ticket has yet to get is lost, and
whatever needs a person is red."""

import logging
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ticket_office import Office

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

import dsr_keeping
import dsr_lifting
import dsr_ticketing
from dsr import letterbox
from dsr.casefile import CaseFile
from dsr.channels.ticket import Answer
from dsr.deliveries import Deliveries
from dsr.errors import PermanentError, TransientError
from dsr.links import Links
from dsr.requesters import Requesters
from dsr.settings import Settings
from dsr_workplace import Workplace

pytestmark = pytest.mark.airflow
CODE = "7K3F-9QXM-2HTP"


@dataclass
class Place:
    """As `Workplace`, with the office's stores and tickets."""

    office: Office
    settings: Settings

    def __getattr__(self, name: str) -> Any:
        return getattr(self.office, name)

    def case(self, request_id: str) -> CaseFile:
        return self.office.cases.open(request_id)

    def undelivered(self, case: CaseFile) -> bool:
        return Workplace.undelivered(self, case)  # type: ignore[arg-type]

    @property
    def links(self) -> Links:
        return Links(self.office.engine)

    @property
    def deliveries(self) -> Deliveries:
        return Deliveries(self.office.engine)

    @property
    def requesters(self) -> Requesters:
        return Requesters(self.office.engine, bytes(32))


@pytest.fixture
def place(office: Office, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(office, Settings("", "", bytes(32)))
    context = {"dag_run": SimpleNamespace(run_type="scheduled"), "ti": SimpleNamespace(get_dr_count=lambda **_: 0)}
    for module in (dsr_keeping, dsr_ticketing, dsr_lifting):
        monkeypatch.setattr(module, "Workplace", lambda: made)
        monkeypatch.setattr(module, "now", office.now)
    for module in (dsr_keeping, dsr_ticketing):
        monkeypatch.setattr(module, "get_current_context", lambda: context)
    made.context = context  # type: ignore[attr-defined]
    return made


def waiting_case(office: Office, channel: str = "zendesk") -> tuple[CaseFile, str]:
    """A request that was answered and shredded while its ticket system was down."""
    case, ticket = office.case(), office.systems.open(channel)
    office.ledger.append(case.case_id, "run_started", at=office.at)
    office.systems.break_(channel, status=503)
    assert office.post(case, channel, ticket, f"Kod {CODE}", secrets=(CODE,), close=True) == "http.503"
    office.systems.mend()
    return case, ticket


def test_a_link_that_has_ended_takes_no_answer_with_it(place: Place) -> None:
    office = place.office
    case, ticket = waiting_case(office)
    place.links.create(case.case_id, "a-link", "a-code", office.at + timedelta(days=14), office.at)
    office.at += timedelta(days=15)
    dsr_keeping.end_links.function()
    assert case.case_id in office.cases.cases()
    dsr_ticketing.deliver.function()
    assert [c.text for c in office.systems.comments("zendesk", ticket)] == [f"Kod {CODE}"]
    dsr_keeping.end_links.function()
    assert case.case_id not in office.cases.cases()


def lettered_case(office: Office) -> CaseFile:
    """A request that an officer entered, with a text that is to be sent to the person."""
    case = office.case()
    answer = Answer(case.case_id, f"{case.case_id}-a", "staff", "entered-1", f"Kod {CODE}", close=True, at=office.at)
    letterbox.keep(case, answer, office.ledger)
    return case


def sent(office: Office, case: CaseFile) -> None:
    day = office.at.date()
    letterbox.note_sent(case.case_id, 1, case, office.ledger, on=day, way="letter", by="officer", at=office.at)


def test_a_link_that_has_ended_takes_no_letter_with_it(place: Place) -> None:
    office = place.office
    case = lettered_case(office)
    place.links.create(case.case_id, "another-link", "a-code", office.at + timedelta(days=14), office.at)
    office.at += timedelta(days=15)
    dsr_keeping.end_links.function()
    assert case.case_id in office.cases.cases()
    sent(office, case)
    dsr_keeping.end_links.function()
    assert case.case_id not in office.cases.cases()


def test_the_sweep_keeps_what_is_still_to_be_told(place: Place) -> None:
    """Neither working data that it removes nor a request that it forgets takes the answer with it."""
    office = place.office
    case, ticket = waiting_case(office)
    case.write_json("search/pardot", {})
    office.at += timedelta(days=60)
    dsr_keeping.sweep.function()
    assert not case.exists("search/pardot")
    office.at += timedelta(days=60)
    dsr_keeping.sweep.function()
    assert case.case_id in office.cases.cases()
    dsr_ticketing.deliver.function()
    assert office.systems.closed("zendesk", ticket)
    office.at += timedelta(days=60)
    dsr_keeping.sweep.function()
    assert case.case_id not in office.cases.cases()


def test_red_for_what_a_person_has_to_see_to(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """With a code, once an hour, and at once when it is started by hand; others are written all the same."""
    office = place.office
    gone, (fine, ticket) = office.case(), waiting_case(office)
    assert office.post(gone, "zendesk", "999", f"Kod {CODE}", secrets=(CODE,)) == "http.404"
    office.at += timedelta(minutes=10)
    dsr_ticketing.deliver.function()
    assert len(office.systems.comments("zendesk", ticket)) == 1
    assert fine.case_id not in office.waiting.untold()
    office.at += timedelta(minutes=51)
    caplog.set_level(logging.WARNING, "dsr")
    with pytest.raises(PermanentError, match=r"zendesk: http\.404"):
        dsr_ticketing.deliver.function()
    assert f"{gone.case_id} zendesk: http.404" in caplog.text
    assert CODE not in caplog.text
    dsr_ticketing.deliver.function()
    place.context["dag_run"].run_type = "manual"  # type: ignore[attr-defined]
    with pytest.raises(PermanentError, match=r"zendesk: http\.404"):
        dsr_ticketing.deliver.function()


def test_red_for_what_is_down_for_a_day(place: Place) -> None:
    office = place.office
    waiting_case(office, "jira")
    office.systems.break_("jira", status=503)
    office.at += timedelta(hours=23)
    dsr_ticketing.deliver.function()
    office.at += timedelta(hours=2)
    with pytest.raises(PermanentError, match=r"jira: tickets\.late"):
        dsr_ticketing.deliver.function()


def test_red_for_what_can_not_be_started(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """Not for one whose case file is gone, which could never be: the deadline's alarm names it."""
    office, gone = place.office, "dsr-case-is-gone-0001"
    received = {"channel": "zendesk", "right": "access", "received_at": office.at.isoformat(), "target": "2027-01-08",
                "legal_latest": "2027-01-11"}  # fmt: skip
    office.ledger.append(gone, "request_received", received, at=office.at)
    office.at += timedelta(minutes=5)

    def start(*_: object) -> None:
        raise TransientError("http.404", "airflow")

    place.airflow = SimpleNamespace(start=start)  # type: ignore[attr-defined]
    with caplog.at_level(logging.INFO, "dsr"):
        dsr_ticketing.start_pending.function()
    assert f"{gone}: case.closed" in caplog.text
    case = office.case()
    case.write_json("request", {"right": "access", "received_at": office.at.isoformat(), "ticket": {"id": "1"},
                                "subject": {"email": "a@b.example"}})  # fmt: skip
    office.ledger.append(case.case_id, "request_received", received, at=office.at)
    office.at += timedelta(minutes=5)
    with pytest.raises(PermanentError, match=r"start: http\.404"):
        dsr_ticketing.start_pending.function()
    place.airflow = SimpleNamespace(start=lambda *_: None)  # type: ignore[attr-defined]
    dsr_ticketing.start_pending.function()
    assert [e.kind for e in office.ledger.events(case.case_id)][-1] == "run_started"


def test_a_restriction_is_not_lifted_before_the_person_was_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Art. 18(3): informed before it is lifted."""
    office = place.office
    case, _ = waiting_case(office)
    office.ledger.append(case.case_id, "lift_announced", {"on": "2020-01-01", "reason": "verified"}, at=office.at)
    monkeypatch.setattr(dsr_lifting, "this_request", lambda _: case.case_id)
    with pytest.raises(TransientError, match=r"lift\.untold"):
        dsr_lifting.lift.function()


def test_nor_before_an_officer_has_sent_the_letter(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    office = place.office
    case = lettered_case(office)
    office.ledger.append(case.case_id, "lift_announced", {"on": "2020-01-01", "reason": "verified"}, at=office.at)
    monkeypatch.setattr(dsr_lifting, "this_request", lambda _: case.case_id)
    with pytest.raises(TransientError, match=r"lift\.untold"):
        dsr_lifting.lift.function()
    sent(office, case)
    assert not place.undelivered(case)

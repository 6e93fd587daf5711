"""From a search that leaves calls doubtful to one that finds them, through the page and the gateway; and what officers
see of it, and can't go on without, on the way."""

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from counter_hall import NOW, Clock, Office
from number_cases import CODE, a_number, events, links_of
from served import served

sys.path.insert(0, str(Path(__file__).parents[1] / "steps"))

from made_up_sources import declaration, email, phone, record
from test_few_shared import call, calls, form

from dsr import judging, provable
from dsr.casefile import CaseFile
from dsr.judging import Doubts
from dsr.steps.identify import identify
from dsr.texting import Texting, text_sender
from dsr.web.portal import create_app
from sandbox.people import populate
from sandbox.sms.system import PASSWORD, USER, Texts
from sandbox.system import Options

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

import dsr_approvals
import dsr_numbers
import dsr_reviewing


class Place:
    """As much of a workplace as searching and asking need: a form that states a number, and calls by it."""

    def __init__(self, office: Office) -> None:
        self.settings, self.engine, self.ledger = office.settings, office.engine, office.ledger
        self.send_mail, self.case, self._office = office.post.mail, office.cases.open, office
        self.number, self.searches = a_number(), 0
        self.address = f"{self.number[1:]}@kvarn.example"
        self.form = form(record("p1", "Åsa Öhrnqvist", email(self.address), phone(self.number)))
        self.calls, self.index = calls(call("c1", phone(self.number)), call("c2", phone(self.number)))

    def begun(self) -> CaseFile:
        """A request, searched."""
        case = self._office.case(f"dsr-{self.number[1:]}", stated=self.address, language="en")
        self.search(case.case_id)
        return case

    def search(self, request_id: str) -> None:
        """As tasks do, with what was shown by then."""
        case, sources = self.case(request_id), {"pardot": self.form, "recordings": self.calls}
        request = case.read_json("request")
        case.write_json("request", request | {"subject": {"email": self.address}})
        held = dsr_numbers.proven(self, request_id)
        declared = [declaration("pardot"), self.calls.declaration]
        identify(case, sources, declared, self.index, at=NOW, final=True, possessed=held)
        self.searches += 1


@pytest.fixture
def gateway(tmp_path: Path) -> Texts:
    return Texts(Options(tmp_path), populate(1))


@pytest.fixture
def place(office: Office, gateway: Texts) -> Iterator[Place]:
    with served(gateway.app) as url:
        texting = Texting("Controller", url=f"http://{USER}:{PASSWORD}@{url.partition('://')[2]}/a1/sms")
        yield Place(replace(office, settings=replace(office.settings, texting=texting)))


@pytest.fixture
def page(place: Place, office: Office, clock: Clock) -> Iterator[str]:
    """The page with the real gateway behind it."""
    counter = replace(office.counter(clock), settings=place.settings, send_text=text_sender(place.settings.texting))
    with served(create_app(counter)) as url:
        yield url


def show(page: str, office: Office, gateway: Texts) -> None:
    """The person follows the link of the last mail, has a code texted and types it in."""
    [link] = links_of(office)
    httpx.post(f"{page}/number/code", data={"link": link}).raise_for_status()
    ends = time.monotonic() + 10
    while not (texts := list(gateway.messages.values())):
        assert time.monotonic() < ends, "no text"
        time.sleep(0.01)
    [code] = CODE.findall(texts[-1]["message"])
    assert httpx.post(f"{page}/number", data={"link": link, "code": code}).status_code == 200


def line(place: Place, case: CaseFile) -> str:
    return dsr_numbers.number_line(place, case.case_id, "x")


def test_at_review_they_are_asked_and_what_they_show_is_searched_with(
    place: Place, page: str, office: Office, gateway: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = place.begun()
    assert judging.doubts(case) == Doubts(2, 0)
    assert line(place, case) == ""
    dsr_numbers.ask_number(place, case.case_id)
    dsr_numbers.ask_number(place, case.case_id)
    assert len(office.post.mails) == 1
    assert "they hold 1, and have shown 0" in line(place, case)
    monkeypatch.setattr(dsr_reviewing, "_missing", lambda *_: [])
    monkeypatch.setattr(dsr_reviewing, "read_again", Place.search)
    monkeypatch.setattr(dsr_reviewing, "combine_case", lambda *_: None)
    dsr_reviewing._apply(place, case.case_id)
    assert place.searches == 1, "nothing was shown yet"
    show(page, office, gateway)
    [text] = gateway.messages.values()
    assert (text["to"], text["from"]) == (place.number, "Controller")
    assert "shown 1. **1 since the last search: x.**" in line(place, case)
    for _ in range(2):
        dsr_reviewing._apply(place, case.case_id)
    assert place.searches == 2, "once"
    assert judging.doubts(case) == Doubts(0, 0)
    assert case.read_json("search/recordings")["matches"] == 2
    assert "shown 1. It is no proof" in line(place, case)


def test_a_plan_that_does_not_go_by_it_is_not_carried_out(
    place: Place, page: str, office: Office, gateway: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither prepared nor approved: plan anew. Cleared and searched again, it is gone by."""
    case = place.begun()
    plan = type("Plan", (), {"count": lambda self: 1})()
    monkeypatch.setattr("dsr.plan.read", lambda _: plan)
    dsr_numbers.ask_number(place, case.case_id)
    dsr_approvals._need_applied(place, case.case_id)
    show(page, office, gateway)
    with pytest.raises(dsr_approvals.Unapplied, match=r"numbers\.proven"):
        dsr_approvals._need_applied(place, case.case_id)
    place.search(case.case_id)
    dsr_approvals._need_applied(place, case.case_id)


def test_an_officer_who_says_otherwise_after_it_was_shown_is_heard(
    place: Place, page: str, office: Office, gateway: Texts
) -> None:
    case = place.begun()
    dsr_numbers.ask_number(place, case.case_id)
    show(page, office, gateway)
    first, _ = judging.doubtful(case)
    judging.judge(case, first, theirs=False, by="officer", at=NOW)
    place.search(case.case_id)
    assert not case.exists("found/recordings")
    assert provable.standing(case, dsr_numbers.possessions(place)).waiting == 0


def test_where_the_page_was_cut_off_the_event_is_made_up_for(place: Place, office: Office) -> None:
    case = place.begun()
    dsr_numbers.ask_number(place, case.case_id)
    [one] = provable.asked(case)
    possessions = dsr_numbers.possessions(place)
    drawn = possessions.send_code(one.link, NOW)
    assert drawn is not None
    assert possessions.prove(one.link, drawn[1], NOW) == case.case_id
    assert [kind for kind, _ in events(office, case)] == ["number_asked"]
    line(place, case)
    line(place, case)
    kinds: list[Any] = [kind for kind, _ in events(office, case)]
    assert kinds == ["number_asked", "number_proven"]

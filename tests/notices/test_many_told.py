"""Many cases tell the same recipients: what they say of themselves is asked for once, and who can't be reached."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

import pytest
from notice_office import DECLARATIONS, NOW, Office

from dsr.casefile import CaseFile
from dsr.errors import TransientError
from dsr.notices.telling import Away, Telling
from dsr.steps import notify as step

CRM = ("salesforce_contact", "erase", "done")
Together = Callable[[CaseFile, datetime], Telling]


@pytest.fixture
def together(office: Office) -> Together:
    """What it takes to tell of a case, as all cases of one try have it."""
    office.sandbox.forget()
    endpoint, away = cache(office.endpoint), Away()
    return lambda case, at: replace(office.telling(case, at), opendsr=endpoint, away=away)


def notify(office: Office, telling: Telling, *changed: tuple[str, str, str], final: bool = False) -> step.Notified:
    outcomes = office.outcomes(telling.case, *changed)
    return step.notify(telling, office.register, declarations=DECLARATIONS, outcomes=outcomes, final=final)


def away_from(office: Office, together: Together) -> None:
    """Somebody's recipient can't be reached, or is passed over."""
    with pytest.raises(TransientError, match=r"connection\.failed"):
        notify(office, together(office.case(), NOW), CRM)


def asked(office: Office) -> Counter[str]:
    """How often, by what follows the version in the path."""
    return Counter(call["path"].split("/")[-1][:11] for call in office.sandbox.calls("processor"))


def test_an_endpoint_is_asked_once_what_it_takes(office: Office, together: Together) -> None:
    """Of ten minutes' notices; and of their status."""
    for minutes in (0, 4, 9):
        assert notify(office, together(office.case(), NOW + timedelta(minutes=minutes)), CRM).told == ("salesforce",)
    assert asked(office) == {"discovery": 1, "certificate": 1, "requests": 3}
    assert notify(office, together(office.case(), NOW + timedelta(minutes=10)), CRM).told == ("salesforce",)
    assert asked(office)["discovery"] == 2


def test_what_it_says_by_now_counts(office: Office, together: Together) -> None:
    """What failed with what was known of it is tried with what it says now; what fails then too is told."""
    assert notify(office, together(office.case(), NOW), CRM).told == ("salesforce",)
    office.behave(kinds=["access"])
    assert notify(office, together(office.case(), NOW), CRM).told == ("salesforce",)
    assert notify(office, together(office.case(), NOW + timedelta(minutes=11)), CRM).failed == (
        ("salesforce", "notice.unsupported"),
    )
    office.behave()
    assert notify(office, together(office.case(), NOW + timedelta(minutes=12)), CRM).told == ("salesforce",)


def test_who_cannot_be_reached_holds_only_the_first_two_up(office: Office, together: Together) -> None:
    """An endpoint that takes calls and never answers would hold up each of a list's people as long. The next try asks
    it again; another recipient is told meanwhile."""
    office.changes["dsr_notice_salesforce"] = {"host": "127.0.0.1", "port": 1}
    for _ in range(2):
        away_from(office, together)
    office.changes.clear()
    case = office.case()
    with pytest.raises(TransientError, match=r"connection\.failed"):
        notify(office, together(case, NOW), CRM, ("webinar_registration", "erase", "done"))
    assert [one.recipient for one in step.recipients_told(case)] == ["zoom"]
    assert notify(office, office.telling(case, NOW), CRM).told == ("salesforce",)


def test_one_notice_that_never_gets_through_stops_no_others(office: Office, together: Together) -> None:
    """It may be because of what it says."""
    for _ in range(3):
        office.sandbox.fault(system="processor", method="POST", kind="reset", times=1)
        with pytest.raises(TransientError):
            notify(office, together(office.case(), NOW), CRM)
        assert notify(office, together(office.case(), NOW), CRM).told == ("salesforce",)


def test_nobody_is_put_down_who_was_not_tried(office: Office, together: Together) -> None:
    """In the final try nobody is passed over."""
    office.changes["dsr_notice_salesforce"] = {"host": "127.0.0.1", "port": 1}
    for _ in range(2):
        away_from(office, together)
    office.changes.clear()
    away_from(office, together)
    last = replace(together(office.case(), NOW), opendsr=office.endpoint)
    assert notify(office, last, CRM, final=True).told == ("salesforce",)


def test_a_mail_server_that_is_down_is_asked_twice(
    office: Office, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.told_by("salesforce", "    by: mail\n    to: privacy@crm.example\n    language: sv")
    with monkeypatch.context() as patch:
        patch.setitem(office.sandbox.endpoints["connections"]["dsr_mail"], "port", 1)
        for _ in range(2):
            away_from(office, together)
    away_from(office, together)
    assert office.mails() == []
    assert notify(office, office.telling(office.case(), NOW), CRM).told == ("salesforce",)

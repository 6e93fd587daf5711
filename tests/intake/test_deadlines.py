"""Art. 12(3) and Regulation 1182/71: the table of the facts, and a second implementation that shares nothing with the
first: days are walked one by one, Swedish holidays come from the act that lists them, the hour from the directive."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.errors import PermanentError
from dsr.ledger import Event
from dsr.standing import Standing
from dsr.steps.assess import deadlines

SWEDISH = frozenset(holidays.country_holidays("SE", years=range(2024, 2040), categories=("public",)))


def noon(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00:00+00:00")


@pytest.mark.parametrize(
    ("received", "target", "latest", "extended"),
    [
        ("2026-03-05", "2026-04-05", "2026-04-07", "2026-06-05"),
        ("2026-08-31", "2026-09-30", "2026-09-30", "2026-11-30"),
        ("2026-01-31", "2026-02-28", "2026-03-02", "2026-04-30"),
        ("2028-01-31", "2028-02-29", "2028-02-29", "2028-05-02"),
        ("2026-11-25", "2026-12-25", "2026-12-28", "2027-02-25"),
        ("2026-11-24", "2026-12-24", "2026-12-24", "2027-02-24"),
    ],
)
def test_the_table_of_the_law(received: str, target: str, latest: str, extended: str) -> None:
    found = deadlines(noon(received), "SE", "Europe/Stockholm")
    assert (found.target, found.legal_latest, found.extended_latest) == tuple(
        date.fromisoformat(day) for day in (target, latest, extended)
    )


def test_the_day_is_the_controllers() -> None:
    """23:30 UTC is the next day in Stockholm."""
    late = datetime(2026, 8, 30, 23, 30, tzinfo=UTC)
    assert deadlines(late, "SE", "Europe/Stockholm").target == date(2026, 9, 30)
    assert deadlines(late, "SE", "UTC").target == date(2026, 9, 30)
    assert deadlines(late - timedelta(hours=2), "SE", "Europe/Stockholm").target == date(2026, 9, 30)
    assert deadlines(datetime(2026, 6, 9, 22, 30, tzinfo=UTC), "SE", "Europe/Stockholm").target == date(2026, 7, 10)


def test_a_frozen_table_is_what_counts() -> None:
    """A holiday that is made a working day later (as 2005 for Whit Monday) moves no deadline of an old case."""
    first = deadlines(noon("2026-05-06"), "SE", "Europe/Stockholm")
    assert first.legal_latest == date(2026, 6, 8)  # the National Day, a Saturday
    frozen = {**first.holidays, "2026-06-08": "Extra"}
    assert deadlines(noon("2026-05-06"), "SE", "Europe/Stockholm", frozen).legal_latest == date(2026, 6, 9)
    assert deadlines(noon("2026-05-06"), "SE", "Europe/Stockholm", frozen).holidays == frozen


def test_an_unknown_country_is_a_setting_to_correct() -> None:
    with pytest.raises(PermanentError, match=r"setting\.country"):
        deadlines(noon("2026-05-06"), "ZZ", "Europe/Stockholm")


def easter(year: int) -> date:
    """Easter Sunday (the anonymous Gregorian computus, Nature, 20 April 1876)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    f = (b + 8) // 25
    h = (19 * a + b - d - (b - f + 1) // 3 + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    month, day = divmod(h + m - 7 * ((a + 11 * h + 22 * m) // 451) + 114, 31)
    return date(year, month, day + 1)


def is_public_holiday(day: date) -> bool:
    """By the act on public holidays (1989:253), without its Sundays."""
    if (day.month, day.day) in {(1, 1), (1, 6), (5, 1), (6, 6), (12, 25), (12, 26)}:
        return True
    if day - easter(day.year) in {timedelta(days=n) for n in (-2, 1, 39)}:  # Good Friday, Easter Monday, Ascension
        return True
    midsummer = day.weekday() == 5 and (6, 20) <= (day.month, day.day) <= (6, 26)
    return midsummer or (day.weekday() == 5 and (10, 31) <= (day.month, day.day) <= (11, 6))


def day_in_stockholm(moment: datetime) -> date:
    """By Directive 2000/84/EC: summer time from the last Sunday of March, 01:00 UTC, to that of October."""
    ends = []
    for month in (3, 10):
        last = next(d for n in range(31, 24, -1) if (d := date(moment.year, month, n)).weekday() == 6)
        ends.append(datetime(last.year, month, last.day, 1, tzinfo=UTC))
    return (moment + timedelta(hours=2 if ends[0] <= moment < ends[1] else 1)).date()


def by_walking(received: date, months: int) -> tuple[date, date]:
    """Article 3(2)(c): the end of the day of the last month that has the date of the day of receipt, or, where there is
    none, of that month's last day. Article 3(4): on a holiday, a Sunday or a Saturday, of the next working day."""
    begun, day, last = 0, received, received
    while begun <= months:
        if begun == months and day.day <= received.day:
            last = day
        day += timedelta(days=1)
        begun += day.day == 1
    moved = last
    while moved.strftime("%a") in ("Sat", "Sun") or is_public_holiday(moved):
        moved += timedelta(days=1)
    return last, moved


def test_the_table_of_holidays_is_the_acts() -> None:
    """Neither Christmas Eve nor Midsummer Eve nor New Year's Eve is in it."""
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(16 * 365)]
    assert {d for d in days if d.weekday() != 6 and is_public_holiday(d)} == {
        d for d in SWEDISH if d.weekday() != 6 and days[0] <= d <= days[-1]
    }


@given(
    st.one_of(
        st.datetimes(datetime(2025, 1, 1), datetime(2038, 6, 30)),
        st.sampled_from((2025, 2026, 2028, 2032, 2036, 2037)).flatmap(  # around leap days, and the hours that change
            lambda year: st.sampled_from(((1, 29), (2, 27), (3, 25), (10, 25), (11, 28), (12, 29))).flatmap(
                lambda start: st.datetimes(datetime(year, *start), datetime(year, *start) + timedelta(days=6))
            )
        ),
    )
)
def test_against_a_second_implementation(at: datetime) -> None:
    moment = at.replace(tzinfo=UTC)
    received = day_in_stockholm(moment)
    found = deadlines(moment, "SE", "Europe/Stockholm")
    assert (found.target, found.legal_latest) == by_walking(received, 1)
    assert found.extended_latest == by_walking(received, 3)[1]
    assert received < found.target <= found.legal_latest < found.extended_latest


def test_every_day_of_four_years() -> None:
    for n in range(4 * 366):
        received = date(2027, 3, 1) + timedelta(days=n)
        found = deadlines(noon(received.isoformat()), "SE", "Europe/Stockholm", TABLE)
        assert (found.target, found.legal_latest) == by_walking(received, 1)
        assert found.extended_latest == by_walking(received, 3)[1]


@pytest.mark.parametrize(
    ("asked", "confirmed", "days"),
    [
        (None, None, 0),
        (1, None, 0),  # who never confirms gives nobody more time
        (1, 9.5, 8),  # whole days only
        (3, 4.9, 1),
        (3.1, 9, 0),  # asked too late
        (2, 2.9, 0),
    ],
)
def test_the_time_is_suspended_while_who_asks_was_asked_in_time(
    asked: float | None, confirmed: float | None, days: int
) -> None:
    """It moves neither the target nor what is worked by."""
    standing = stood(*([(asked, "identity_asked", {"outcome": "sent"})] if asked else []),
                     *([(confirmed, "identity_verified", {"ok": True})] if confirmed else []))  # fmt: skip
    assert standing.suspended(3) == timedelta(days=days)
    assert standing.suspended_deadline(3) == date(2026, 12, 28) + timedelta(days=days)
    assert (standing.target, standing.alert, standing.deadline) == (
        date(2026, 12, 25), date(2026, 12, 25), date(2026, 12, 28),
    )  # fmt: skip


def test_what_is_no_question_or_no_confirmation_suspends_nothing() -> None:
    sent, yes = {"outcome": "sent"}, {"ok": True}
    for events in (
        [(1, "identity_asked", {"outcome": "no_contact"}), (6, "identity_verified", yes)],
        [(1, "identity_asked", {"outcome": "verified"}), (6, "identity_verified", yes)],
        [(0.5, "identity_verified", yes), (1, "identity_asked", sent)],
        [(1, "identity_asked", sent), (6, "identity_verified", {"ok": False})],
    ):
        assert stood(*events).suspended(3) == timedelta()
    again = stood((1, "identity_asked", sent), (5, "identity_verified", yes), (6, "identity_asked", sent),
                  (20, "identity_verified", yes))  # fmt: skip
    assert again.suspended(3) == timedelta(days=4), "the first word ends it"
    extended = stood((1, "identity_asked", sent), (5, "identity_verified", yes), (6, "extended", EXTENDED))
    assert (extended.deadline, extended.suspended_deadline(3)) == (date(2027, 2, 25), date(2027, 3, 1))


EXTENDED = {"reason": "number", "by": "officer", "latest": "2027-02-25"}
TABLE = {day.isoformat(): name for day, name in holidays.country_holidays("SE", years=range(2027, 2033),
         categories=("public",)).items()}  # fmt: skip


def stood(*events: tuple[float, str, dict[str, Any]]) -> Standing:
    """A request of 25 November 2026, and what happened to it, so many days later."""
    at = datetime(2026, 11, 25, 9, tzinfo=UTC)
    first = {"channel": "zendesk", "right": "erasure", "received_at": at.isoformat(), "target": "2026-12-25",
             "legal_latest": "2026-12-28"}  # fmt: skip
    all_of = [(0.0, "request_received", first), *events]
    standing = Standing.of(
        [Event(n, "dsr-exampleexample", kind, detail, at + timedelta(days=days), "")
         for n, (days, kind, detail) in enumerate(all_of, 1)]
    )  # fmt: skip
    assert standing is not None
    return standing

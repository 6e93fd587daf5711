"""Art. 12(3) and Regulation 1182/71: the table of the facts, and a second implementation that counts day by day."""

from datetime import UTC, date, datetime, timedelta

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.errors import PermanentError
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


def by_walking(received: date, months: int) -> tuple[date, date]:
    """The same day number some months later, found by walking the calendar; and the working day from there."""
    day, seen, last = received, 0, received
    while seen < months:
        day += timedelta(days=1)
        if day.day == 1:
            seen += 1
    # `day` is the first of the month that the period ends in.
    month = day.month
    while day.month == month and day.day <= received.day:
        last = day
        day += timedelta(days=1)
    moved = last
    while moved.strftime("%a") in ("Sat", "Sun") or moved in SWEDISH:
        moved += timedelta(days=1)
    return last, moved


@given(st.dates(date(2025, 1, 1), date(2038, 6, 30)))
def test_against_a_second_implementation(received: date) -> None:
    found = deadlines(noon(received.isoformat()), "SE", "Europe/Stockholm")
    assert (found.target, found.legal_latest) == by_walking(received, 1)
    assert found.extended_latest == by_walking(received, 3)[1]
    assert received < found.target <= found.legal_latest < found.extended_latest

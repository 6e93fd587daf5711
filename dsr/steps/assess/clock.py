"""By when a request must be answered.

Art. 12(3) GDPR gives one month from receipt, three with an extension. How a month is counted is Regulation (EEC,
Euratom) 1182/71, Art. 3: it ends on the same day number, or on the last day of a month that has no such day; if that
is a Saturday, a Sunday or a public holiday, on the next working day (EDPB Guidelines 01/2022, paragraphs 159-162).
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from dsr.errors import PermanentError

_SATURDAY: Final = 5


@dataclass(frozen=True)
class Deadlines:
    """Days in the controller's time zone; a deadline ends with its day.

    target           one month after receipt, not moved: what alerts go by
    legal_latest     the target moved to a working day: the last day by law
    extended_latest  the last day when the time was extended (Art. 12(3), second sentence)
    holidays         the public holidays that were counted with, ISO date → name: to be kept with the case, since a
                     later version of the table must not move a deadline
    """

    target: date
    legal_latest: date
    extended_latest: date
    holidays: Mapping[str, str] = field(default_factory=dict, repr=False)


def deadlines(
    received_at: datetime, country: str, timezone: str, holidays: Mapping[str, str] | None = None
) -> Deadlines:
    """The deadlines of a request received then (aware). `holidays`: a table kept earlier; None = the current one of
    that country (ISO 3166), public holidays only. PermanentError("setting.country") when there is none for it."""
    received = received_at.astimezone(ZoneInfo(timezone)).date()
    table = dict(holidays) if holidays is not None else public_holidays(country, received.year)
    target = _months_later(received, 1)
    latest = _working_day(target, table)
    return Deadlines(target, latest, _working_day(_months_later(received, 3), table), table)


def public_holidays(country: str, year: int) -> dict[str, str]:
    """The country's public holidays of that year and the next, ISO date → name. For Sweden these leave out Christmas
    Eve, Midsummer Eve and New Year's Eve, which are holidays in effect but not by law (1989:253)."""
    import holidays as tables  # a quarter of a second that only this function needs

    try:
        found = tables.country_holidays(country, years=(year, year + 1), categories=("public",))
    except (NotImplementedError, ValueError):
        raise PermanentError("setting.country", "assess") from None
    return {day.isoformat(): name for day, name in sorted(found.items())}


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _working_day(day: date, holidays: Mapping[str, str]) -> date:
    while day.weekday() >= _SATURDAY or day.isoformat() in holidays:
        day += timedelta(days=1)
    return day

"""What the requests come to in numbers: how many come, how long answering takes, whether it was in time, and how the
searches of each source went. From the overview (`dsr.overview`) alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, bindparam, text

from dsr.database import transaction

_PLACE: Final = "overview"
WEEKS: Final = 26
YEAR: Final = timedelta(days=365)
SEARCHED: Final = timedelta(days=30)
BUCKETS: Final = (7, 14, 21, 30, 60, 90)
"""Days; the last bucket holds what took longer."""


@dataclass(frozen=True)
class Share:
    """How many of how many were in time."""

    part: int
    whole: int

    @property
    def percent(self) -> int | None:
        """Rounded down, so that 100 means all of them; None of none."""
        return self.part * 100 // self.whole if self.whole else None


@dataclass(frozen=True)
class Figures:
    """Days in the controller's time zone.

    weeks       Mondays of the last WEEKS weeks, this one last
    load        right → requests received in each of these weeks; only rights that had any
    took        requests answered in the last year, by how many days it took: as many numbers as BUCKETS and one more
    median, p90 days from receipt to the answer, over the same; None when there was none
    one_month   of the requests received in the last year that are answered, or whose first month is over: those
                answered by its last day as the law counts it
    three_months  the same for three months from receipt, whether extended or not
    searches    source → status → searches of the last 30 days
    """

    weeks: tuple[date, ...]
    load: Mapping[str, tuple[int, ...]]
    took: tuple[int, ...]
    median: float | None
    p90: float | None
    one_month: Share
    three_months: Share
    searches: Mapping[str, Mapping[str, int]]


def figures(engine: Engine, rights: frozenset[str], today: date, zone: str) -> Figures:
    """Of the requests of these rights. Requests joined to another count with that one alone."""
    monday = today - timedelta(days=today.weekday())
    weeks = tuple(monday - timedelta(weeks=n) for n in reversed(range(WEEKS)))
    asked = {"rights": sorted(rights), "zone": zone, "since": today - YEAR, "today": today, "monday": weeks[0]}
    with transaction(engine, _PLACE) as connection:
        took = [0] * (len(BUCKETS) + 1)
        for bucket, count in connection.execute(_TOOK, {**asked, "buckets": list(BUCKETS)}):
            took[bucket] = count
        median, p90, *shares = connection.execute(_TIMES, asked).one()
        return Figures(
            weeks,
            _load(connection, weeks, asked),
            tuple(took),
            median,
            p90,
            Share(*shares[:2]),
            Share(*shares[2:]),
            _searches(connection, today - SEARCHED),
        )


def _load(connection: Connection, weeks: tuple[date, ...], asked: Mapping[str, object]) -> dict[str, tuple[int, ...]]:
    counts: dict[str, dict[date, int]] = {}
    for right, week, count in connection.execute(_LOAD, asked):
        counts.setdefault(right, {})[week] = count
    return {right: tuple(by_week.get(week, 0) for week in weeks) for right, by_week in sorted(counts.items())}


def _searches(connection: Connection, since: date) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for source, status, count in connection.execute(_SEARCHES, {"since": since}):
        found.setdefault(source, {})[status] = count
    return found


_RECEIVED: Final = "(received_at AT TIME ZONE :zone)::date"
_ANSWERED: Final = "(answered_at AT TIME ZONE :zone)::date"
_THEIRS: Final = "\"right\" = ANY(:rights) AND outcome <> 'linked'"
_LOAD: Final = text(
    f"SELECT \"right\", date_trunc('week', received_at AT TIME ZONE :zone)::date, count(*) FROM overview "  # noqa: S608 - constants
    f'WHERE "right" = ANY(:rights) AND {_RECEIVED} BETWEEN :monday AND :today GROUP BY 1, 2'
)
_TOOK: Final = text(
    f"SELECT width_bucket({_ANSWERED} - {_RECEIVED} - 1, CAST(:buckets AS int[])), count(*) FROM overview "  # noqa: S608
    f"WHERE {_THEIRS} AND {_ANSWERED} BETWEEN :since AND :today GROUP BY 1"
).bindparams(bindparam("buckets"))
_TIMES: Final = text(
    f"WITH known AS (SELECT {_RECEIVED} AS received, {_ANSWERED} AS answered, legal_latest FROM overview "  # noqa: S608
    f"WHERE {_THEIRS} AND received_at >= (CAST(:since AS date) - 90)), "
    "taken AS (SELECT answered - received AS days FROM known WHERE answered BETWEEN :since AND :today) "
    "SELECT (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY days) FROM taken), "
    "(SELECT percentile_cont(0.9) WITHIN GROUP (ORDER BY days) FROM taken), "
    "count(*) FILTER (WHERE answered <= legal_latest), "
    "count(*) FILTER (WHERE answered IS NOT NULL OR legal_latest < :today), "
    "count(*) FILTER (WHERE answered <= received + interval '3 months'), "
    "count(*) FILTER (WHERE answered IS NOT NULL OR received + interval '3 months' < :today) "
    "FROM known WHERE received BETWEEN :since AND :today"
)
_SEARCHES: Final = text(
    "SELECT source, status, sum(count)::bigint FROM overview_searches WHERE day >= :since GROUP BY 1, 2 ORDER BY 1, 2"
)

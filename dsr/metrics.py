"""Metrics of the way, read from what is kept anyway: the overview of the requests, the ledger, the outbox, the checks
of the sources. No metric has a request's id or anything of a person; its labels are codes.

A counter is a sum over all that is kept, so that it goes on where it was when the process is started anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Engine, text

from dsr.checks import NOT_CONNECTED, Checks
from dsr.counted import Counted
from dsr.database import transaction
from dsr.figures import figures
from dsr.overview import Overview
from dsr.vocabulary import RIGHTS, UNCLEAR

_PLACE: Final = "metrics"
COUNTER, GAUGE = "counter", "gauge"


@dataclass(frozen=True)
class Metric:
    """name and unit as OpenTelemetry has them ("{…}" = a number of things, "" = yes or no); labels: which each of its
    points has."""

    name: str
    kind: str
    unit: str
    description: str
    labels: tuple[str, ...] = ()


METRICS: Final = (
    Metric("dsr.requests.received", COUNTER, "{request}", "Requests received", ("right",)),
    Metric("dsr.requests.answered", COUNTER, "{request}", "Requests whose person has the answer", ("right", "outcome")),
    Metric("dsr.requests.open", GAUGE, "{request}", "Requests without an answer", ("right", "waits")),
    Metric("dsr.requests.overdue", GAUGE, "{request}", "Of these, past the last day by law", ("right",)),
    Metric("dsr.requests.days_left", GAUGE, "{day}", "Days to the nearest last day by law; < 0 = past", ("right",)),
    Metric("dsr.answers.days", GAUGE, "{day}", "Days from receipt to answer over the last year", ("quantile",)),
    Metric("dsr.answers.in_time", GAUGE, "1", "Share answered within the first month, last year"),
    Metric("dsr.runs.failed", COUNTER, "{run}", "Runs of requests that ended in a failed task", ("task",)),
    Metric("dsr.source.searches", COUNTER, "{search}", "Searches for a person", ("source", "status")),
    Metric("dsr.source.failures", COUNTER, "{failure}", "Searches and reads given up", ("source", "code")),
    Metric("dsr.source.records", COUNTER, "{record}", "Records read for packages", ("source",)),
    Metric("dsr.source.attachments", COUNTER, "{file}", "Files read for packages", ("source",)),
    Metric("dsr.source.calls", COUNTER, "{call}", "Calls or statements for searches and reads", ("source",)),
    Metric("dsr.source.time", COUNTER, "s", "Time waited for the source in searches and reads", ("source",)),
    Metric("dsr.source.up", GAUGE, "", "1 = the last look found all well, 0 = not", ("source",)),
    Metric("dsr.source.checked", GAUGE, "s", "When it was last looked at, in seconds since 1970", ("source",)),
    Metric("dsr.source.calls_left", GAUGE, "{call}", "Calls left of the day's, at the last look", ("source",)),
    Metric("dsr.source.calls_a_day", GAUGE, "{call}", "Calls that the source allows a day", ("source",)),
    Metric("dsr.outbox.waiting", GAUGE, "{request}", "Requests whose ticket has yet to get something", ("channel",)),
    Metric("dsr.outbox.held", GAUGE, "{request}", "Of these, those that a person has to see to", ("channel",)),
    Metric("dsr.downloads", COUNTER, "{download}", "Packages fetched to the last byte, once per session"),
    Metric("dsr.codes.refused", COUNTER, "{attempt}", "Wrong codes at a link that exists"),
    Metric("dsr.ledger.events", GAUGE, "{event}", "Events in the ledger"),
    Metric("dsr.ledger.verified", GAUGE, "{event}", "Of these, those whose chain was walked and is whole"),
    Metric("dsr.ledger.intact", GAUGE, "", "1 = the chain is whole, 0 = something in it was changed"),
)
"""All that is measured; docs/operations.md says what to do about which."""

Point = tuple[Mapping[str, str], float]
Readings = Mapping[str, Sequence[Point]]
"""Name of a metric → its points, labels and value. A metric without a point has nothing to tell yet."""
_ALL: Final = frozenset({*RIGHTS, UNCLEAR})
_MILLI: Final = 1000


def read(engine: Engine, counted: Counted, at: datetime, today: date, zone: str) -> Readings:
    """All metrics as they stand; `today`: the day in the controller's time zone `zone`. Brings overview and totals up
    first. Errors as `database.transaction`."""
    Overview(engine).bring_up()
    counted.bring_up(at)
    readings: dict[str, list[Point]] = {metric.name: [] for metric in METRICS}
    for name, labels, value in (
        *_requests(engine, today),
        *_answers(engine, today, zone),
        *_sources(engine),
        *_ledger(engine, counted),
    ):
        readings[name].append((labels, value))
    return readings


Found = Iterator[tuple[str, Mapping[str, str], float]]


def _requests(engine: Engine, today: date) -> Found:
    with transaction(engine, _PLACE) as connection:
        for right, count in connection.execute(_RECEIVED):
            yield "dsr.requests.received", {"right": right}, count
        for right, outcome, count in connection.execute(_ANSWERED):
            yield "dsr.requests.answered", {"right": right, "outcome": outcome}, count
        for right, waits, count in connection.execute(_OPEN):
            yield "dsr.requests.open", {"right": right, "waits": waits}, count
        for right, latest, overdue in connection.execute(_NEAREST, {"today": today}):
            yield "dsr.requests.days_left", {"right": right}, (latest - today).days
            yield "dsr.requests.overdue", {"right": right}, overdue
        for channel, count, held in connection.execute(_OUTBOX):
            yield "dsr.outbox.waiting", {"channel": channel}, count
            yield "dsr.outbox.held", {"channel": channel}, held


def _answers(engine: Engine, today: date, zone: str) -> Found:
    known = figures(engine, _ALL, today, zone)
    for quantile, days in (("0.5", known.median), ("0.9", known.p90)):
        if days is not None:
            yield "dsr.answers.days", {"quantile": quantile}, days
    if known.one_month.whole:
        yield "dsr.answers.in_time", {}, known.one_month.part / known.one_month.whole


def _sources(engine: Engine) -> Found:
    with transaction(engine, _PLACE) as connection:
        for source, status, count in connection.execute(_SEARCHES):
            yield "dsr.source.searches", {"source": source, "status": status}, count
    for source, check in Checks(engine).last().items():
        labels = {"source": source}
        if check.code != NOT_CONNECTED:
            yield "dsr.source.up", labels, int(not check.code)
        yield "dsr.source.checked", labels, check.at.timestamp()
        if check.calls_left is not None:
            yield "dsr.source.calls_left", labels, check.calls_left
        if check.calls_a_day is not None:
            yield "dsr.source.calls_a_day", labels, check.calls_a_day


def _ledger(engine: Engine, counted: Counted) -> Found:
    with transaction(engine, _PLACE) as connection:
        yield "dsr.ledger.events", {}, connection.execute(_EVENTS).scalar_one()
    yield "dsr.ledger.verified", {}, counted.head.count
    yield "dsr.ledger.intact", {}, int(counted.intact)
    for (name, labels), total in counted.totals.items():
        yield name, dict(labels), total / _MILLI if name == "dsr.source.time" else total


_RECEIVED: Final = text('SELECT "right", count(*) FROM overview GROUP BY 1')
_ANSWERED: Final = text('SELECT "right", outcome, count(*) FROM overview WHERE answered_at IS NOT NULL GROUP BY 1, 2')
_OPEN: Final = text('SELECT "right", waits, count(*) FROM overview WHERE NOT settled GROUP BY 1, 2')
_NEAREST: Final = text(
    'SELECT "right", min(latest), count(*) FILTER (WHERE latest < :today) FROM overview WHERE NOT settled GROUP BY 1'
)
_OUTBOX: Final = text("SELECT channel, count(*), count(*) FILTER (WHERE held) FROM outbox GROUP BY 1")
_SEARCHES: Final = text("SELECT source, status, sum(count)::bigint FROM overview_searches GROUP BY 1, 2")
_EVENTS: Final = text("SELECT count FROM ledger_head")

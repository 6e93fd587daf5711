"""A whole way as a monitoring system sees it, through the wire: every step, what it took, and nobody's data."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from office import SYSTEMS, Office
from otlp_collector import Collector, attributes
from running_sandbox import Sandbox

from dsr.counted import Counted
from dsr.exporting import metering
from dsr.ledger import Ledger
from dsr.metrics import METRICS, read
from dsr.metrics_command import Outlet
from sandbox.people import Person

pytestmark = [pytest.mark.airflow, pytest.mark.slow]


def forms(person: Person) -> list[str]:
    """All that points to somebody, and their numbers without signs."""
    values = [*person.identifying(), person.key]
    numbers = ["".join(c for c in value if c.isdigit())[-8:] for value in values if value.startswith("+")]
    return [value.lower() for value in [*values, *filter(None, numbers)]]


def test_each_step_is_a_span_and_nobody_is_in_it(
    office: Office, way_sandbox: Sandbox, collector: Collector, somebody: Person
) -> None:
    request_id = office.ask(somebody.email, "erasure")
    office.until(request_id, "identify")
    way_sandbox.forget()
    office.step(request_id)
    calls = {name: len(way_sandbox.admin.get("/calls", params={"system": name}).json()) for name in SYSTEMS}
    run = office.finish(request_id)
    assert run.failed == {}

    mine = [span for span in collector.spans() if attributes(span).get("dsr.request_id") == request_id]
    by_task = Counter(span.name for span in mine)
    waited_for = {"prepare", "approve"}  # a person's: Airflow itself has a span of those
    assert set(by_task) == {task for task, state in run.states.items() if state == "success"} - waited_for
    assert {attributes(span)["dsr.right"] for span in mine} == {"erasure"}

    told = [(event.name, attributes(event)) for span in mine for event in span.events]
    searched = {at["dsr.source"]: at for kind, at in told if kind == "source_searched"}
    asked = Counter(at["dsr.source"] for at in map(attributes, mine) if at.get("dsr.calls") and "dsr.source" in at)
    assert set(asked) == {name for name, at in searched.items() if at["dsr.status"] == "found"}
    assert {name: searched[name]["dsr.calls"] for name in calls if calls[name]} == {
        name: count for name, count in calls.items() if count
    }
    # Neither what came before the run, nor what a person has decided.
    others = ("request_received", "triaged", "run_started", "decision", "identity_verified")
    in_ledger = Counter(event.kind for event in office.events(request_id) if event.kind not in others)
    assert Counter(kind for kind, _ in told) == in_ledger

    send_metrics(office, collector)
    everything = collector.text().lower()
    assert request_id in everything
    assert [form for form in forms(somebody) if form in everything] == []
    assert "officer" not in everything  # nor who decided


def send_metrics(office: Office, collector: Collector) -> None:
    """As `python -m dsr metrics` does; what arrives is what the ledger holds."""
    ledger = Ledger(office.engine)
    at = datetime.now(UTC)
    readings = read(office.engine, Counted(ledger), at, at.date(), "Europe/Stockholm")
    assert Outlet(*metering("dsr", {})).put(readings)
    got = {metric.name: metric for metric in collector.metrics()}
    assert set(got) == {name for name, points in readings.items() if points}
    assert set(got) <= {metric.name for metric in METRICS}
    received = sum(1 for event in ledger.events() if event.kind == "request_received")
    assert total(got["dsr.requests.received"]) == received
    assert total(got["dsr.ledger.events"]) == total(got["dsr.ledger.verified"]) == len(ledger.events())
    calls = sum(event.detail.get("calls", 0) for event in ledger.events())
    assert total(got["dsr.source.calls"]) == calls > 0


def total(metric: Any) -> float:
    """Of all its points."""
    points = (metric.sum if metric.HasField("sum") else metric.gauge).data_points
    return sum(point.as_double or point.as_int for point in points)

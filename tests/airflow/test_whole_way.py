"""From a signed webhook to the downloaded package, through a real Airflow; and what is left behind afterwards."""

import html
import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from observed import Observed
from office_day import CORRECTIONS, LISTED, WAYS, Day
from otlp_collector import attributes
from privacy_office import TRIAGED

from embedded.journey import fulfil
from embedded.verification import Package
from extractors import SOURCES
from sandbox.postgres import _binary

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

_IN_ORDER = ("request_received", "decision", "composed", "decision", "delivered", "answered", "shredded")
_ONCE = (*{*_IN_ORDER} - {"decision"}, "triaged", "run_started", "download_begun", "downloaded", "closed")
_REVIEW = {"review_viewed", "review_decided", "record_judged"}
_FRACTION = re.compile(r"(?<=\d)\.\d{9,}")
"""Of a second, as Airflow logs how long something took: long enough to hold the last digits of any number by chance."""
_BYTES = re.compile(r"\\x((?:[0-9a-f]{2}){8,})")


def test_package_holds_everything_and_nobody_else(stack: Observed, tmp_path: Path) -> None:
    journey = fulfil(stack.running, stack.population.canary.email, tmp_path / "package.zip", stack.lines.append)
    package = Package(journey.package)
    assert package.faults(stack.population, stack.truth) == []
    assert {name: found.status for name, found in package.sources().items()} == {
        source.declaration.name: "found" for source in SOURCES
    }
    kinds = [kind for kind in stack.kinds(journey.request_id) if kind not in _REVIEW]
    assert set(stack.kinds(journey.request_id)) >= _REVIEW
    assert Counter(kinds) == {
        **dict.fromkeys(_ONCE, 1),
        "decision": 2,
        "source_searched": len(SOURCES),
        "source_extracted": len(SOURCES),
    }
    assert [kind for kind in kinds if kind in _IN_ORDER] == list(_IN_ORDER)
    left = set(stack.case(journey.request_id).names())
    assert not {name for name in left if name.startswith(("rows/", "found/", "search/", "collected/", "attachments/"))}
    assert {"package", "package.json", "request"} <= left


def test_every_task_is_in_the_trace_of_its_run(stack: Observed) -> None:
    """Of the run before: a span of ours within Airflow's own of that task, and the webhook's."""
    request_id = stack.events()[-1].request_id
    assert stack.monitoring is not None
    spans = stack.monitoring.spans()
    of_airflow = {span.span_id: span for span in spans if attributes(span).get("airflow.dag_run.run_id") == request_id}
    ours = [span for span in spans if attributes(span).get("dsr.request_id") == request_id]
    done = {task for task, state in stack.states(request_id).items() if state == "success"}
    assert {span.name for span in ours} == done - {"review", "release"}  # a person's
    for span in ours:
        assert of_airflow[span.parent_span_id].name == f"worker.{span.name}"
    assert len({span.trace_id for span in ours}) == 1
    accepted = [event for span in spans if span.name == "accept" for event in span.events]
    assert "request_received" in {event.name for event in accepted}


def test_link_without_its_code_gives_nothing(stack: Observed, tmp_path: Path) -> None:
    request_id = stack.events()[-1].request_id
    link, code = stack.requester.link_and_code(request_id)
    with pytest.raises(RuntimeError, match="403"):
        stack.requester.download(link, code[::-1], tmp_path / "package.zip")


def test_nothing_about_the_person_is_left_in_airflow_ledger_or_logs(stack: Observed, day: Day) -> None:
    """Last, so that all the ways that the tests before went are in it: failures, rejections, killed tasks; every right,
    with what was corrected and what officers answered."""
    traces = {name: _FRACTION.sub("", text) for name, text in _traces(stack)}
    monitored = ("traces",) if stack.monitoring else ()
    for request_id in (stack.events()[-1].request_id, *day.requests.values()):
        for place in ("airflow: dag_run", "airflow: xcom", "ledger: events", "logs/scheduler", *monitored):
            of = (text for name, text in traces.items() if name.startswith(place))
            assert any(request_id in text for text in of), f"{place} is not looked into"
    answered = {answer for way in WAYS.values() for answer, _ in way.decisions.values()}
    assert [answer for answer in answered if answer.lower() not in traces["airflow: hitl_detail"]] == []
    wanted = {form for value in _identifiers(stack) for form in _forms(value)}
    found = sorted(name for name, text in traces.items() if any(form in text for form in wanted))
    assert found == []


def _identifiers(stack: Observed) -> list[str]:
    """All that points to the canary and to whoever asked for anything, and what tickets said."""
    names = (*(way.person for way in WAYS.values()), *TRIAGED, *LISTED)
    people = [stack.population.canary, *(stack.population.person(name) for name in names)]
    corrected = [value for value in CORRECTIONS.values() if len(value) > 2]
    numbers = [form for value in corrected if value.startswith("+") for form in _numbers(value)]
    stated = ["nobody.at.all@nowhere.example", *corrected, *numbers]
    return [*(value for person in people for value in person.identifying()), *stated]


def _numbers(phone: str) -> Iterator[str]:
    """A number as it may be written: in a row, as at home, its last digits."""
    digits = "".join(c for c in phone if c.isdigit())
    yield from (f"+{digits}", digits.removeprefix("46"), digits[-7:])


def _forms(value: str) -> Iterator[str]:
    """As it may have been written down; compared without case."""
    for form in (
        value,
        json.dumps(value)[1:-1],
        repr(value)[1:-1],
        quote(value),
        quote_plus(value),
        html.escape(value),
        value.replace("'", "''"),
    ):
        yield form.lower()


def _traces(stack: Observed) -> Iterator[tuple[str, str]]:
    """(name, text in lower case) of both databases table by table, of every log, and of what was said."""
    folder = stack.running.folder
    for database in ("airflow", "ledger"):
        url = stack.running.postgres.url(database, "postgresql")
        dump = [str(_binary("pg_dump")), "--column-inserts", "--data-only", url]
        text = subprocess.run(dump, capture_output=True, text=True, check=True, timeout=120).stdout
        for table in text.split("\n-- Data for Name: "):
            binary = b"\n".join(bytes.fromhex(digits) for digits in _BYTES.findall(table))
            yield f"{database}: {table.partition(';')[0]}", (table + binary.decode("utf-8", "replace")).lower()
    for path in sorted([*(folder / "logs").rglob("*"), *(folder / "airflow").rglob("*")]):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_text(encoding="utf-8", errors="replace").lower()
    yield "what was said", "\n".join(stack.lines).lower()
    if stack.monitoring is not None:
        yield "traces", stack.monitoring.text().lower()

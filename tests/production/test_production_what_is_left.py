"""What is left of the people who asked, in every place that has something of the production shape's. Run last, so that
all the ways that the tests before went are in it."""

from collections.abc import Iterator
from urllib.parse import unquote

import pytest
import redis
from observed import Observed
from office_day import Day
from test_whole_way import _forms, _identifiers, test_nothing_about_the_person_is_left_in_airflow_ledger_or_logs

__all__ = ["test_nothing_about_the_person_is_left_in_airflow_ledger_or_logs"]

pytestmark = [pytest.mark.production, pytest.mark.timeout(1800)]


def test_nothing_about_the_person_is_readable_in_the_store_or_the_broker(stack: Observed, day: Day) -> None:
    """A thief of either has nothing: the store's files as they lie on the disk, the broker's memory as it is."""
    names, files = set[str](), 0
    wanted = {form.encode() for value in _identifiers(stack) for form in _forms(value)}
    for path in (stack.running.folder / "s3").rglob("*"):
        if path.is_file():
            content = path.read_bytes().lower()
            files += len(content)
            names |= {name for name in day.requests.values() if name.encode() in content}
            assert not [form for form in wanted if form in content], path.name
    assert files > 1_000_000
    assert names, "the cases are not looked into"
    kept = dict(_kept(stack))
    assert not [key for key, content in kept.items() if any(form in content for form in wanted)]


def _kept(stack: Observed) -> Iterator[tuple[str, bytes]]:
    """key → all that Redis has under it."""
    broker = redis.Redis.from_url(unquote(stack.running.environment["AIRFLOW__CELERY__BROKER_URL"]))
    with broker:
        for key in broker.scan_iter():
            yield key.decode(), (broker.dump(key) or b"").lower()

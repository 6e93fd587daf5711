"""What the Bookkeeping Act kept of an erased person is erased by the night's upkeep, once its time has ended, through a
real Airflow; and not by the one before. Last of all here, since the clock goes years ahead.
"""

import json
from datetime import timedelta

import pytest
from observed import PATIENCE, Observed
from office_day import LISTED, WAYS, Day

from embedded.clock import put_ahead

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.timeout(600)]
NINE_YEARS = timedelta(days=9 * 366)
"""A year of the books that has begun ends in the next; the seventh year after that one ends in December."""
ERASED = {way.person for way in WAYS.values() if way.right == "erasure"}


def invoices(lines: list[str], *, of_them: bool) -> list[str]:
    """Ids of the invoices in the books: of those who were erased, or of everybody else but whom another test erases."""
    entries = [e for e in map(json.loads, lines) if e["kind"] == "invoice" and e.get("person") not in LISTED]
    return sorted(e["id"] for e in entries if (e.get("person") in ERASED) is of_them)


def upkeep(stack: Observed) -> dict[str, str]:
    """One night; state by task."""
    with stack.running.client("engineer") as engineer:
        run_id = engineer.start("dsr_upkeep")
        engineer.wait_for_end("dsr_upkeep", run_id, PATIENCE)
        return {name: task["state"] for name, task in engineer.tasks("dsr_upkeep", run_id).items()}


@pytest.mark.thorough
def test_kept_invoices_go_when_their_time_has_ended(day: Day, stack: Observed) -> None:
    """Theirs, and nobody else's; the ledger says so."""
    before = stack.state()
    kept, others = invoices(before, of_them=True), invoices(before, of_them=False)
    assert kept
    assert upkeep(stack)["invoicing.end_retention"] == "success"
    assert invoices(stack.state(), of_them=True) == kept
    put_ahead(stack.running.folder, NINE_YEARS)
    try:
        assert upkeep(stack)["invoicing.end_retention"] == "success"
    finally:
        put_ahead(stack.running.folder, timedelta(0))
    after = stack.state()
    assert invoices(after, of_them=True) == []
    assert invoices(after, of_them=False) == others
    assert "retention_ended" in stack.kinds(day.requests["erased"])

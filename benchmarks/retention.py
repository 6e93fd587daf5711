"""Retention that ends for many people in one night: what a law kept of them when they were erased goes.

Everybody of the sandbox's books was erased in one year, so that what the Bookkeeping Act keeps of them ends on the same
day. The night is that of `dsr_upkeep` (`dsr.steps.end_retention`), in one process, without Airflow; it is broken off
in the middle once and called again, as when it is killed. Printed, and written to var/bench/retention.json.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.erased import KEY, LAW, SETTINGS, Stores, erased
from dsr.casefile import CaseStore
from dsr.holds import Holds, HoldsInForce
from dsr.reapproval import erased_under
from dsr.register import Register
from dsr.retained import Retained
from dsr.settings import subkey
from dsr.source import Connection
from dsr.steps import end_retention, retain
from extractors.invoicing import Invoicing
from sandbox.invoicing.system import Invoicing as Books
from sandbox.people import populate
from sandbox.system import Options

ROOT: Final = Path(__file__).parent.parent
AT: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
NIGHT: Final = datetime(2035, 1, 2, 2, 17, tzinfo=UTC)
"""After the end of the seventh calendar year that follows the last one of the books."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 when somebody's records are left."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retention", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--people", type=int, nargs="*", default=[1, 20, 100], help="default 1 (that is 8), 20, 100")
    runs = [measured(people) for people in parser.parse_args(arguments).people]
    folder = ROOT / "var" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "retention.json").write_text(json.dumps(runs, indent=2) + "\n")
    return 0 if all(run["due_afterwards"] == 0 for run in runs) else 1


def measured(many: int) -> dict[str, Any]:
    """One night with so many people."""
    with tempfile.TemporaryDirectory() as folder:
        population = populate(many)
        books = Books(Options(Path(folder), people=many), population)
        books.start()
        try:
            books.server.ensure_database("ledger")
            stores = Stores(books.server.url("ledger"))
            retained = Retained(stores.engine, subkey(KEY, "retained"))
            fields = {k: v for k, v in books.connections()["dsr_invoicing_write"].items() if k != "conn_type"}
            source = Invoicing.connect(Connection("dsr_invoicing_write", **fields))
            kept = _erased(source, stores, retained, [p.email for p in population.people], Path(folder) / "cases")
            books.statements.forget()
            run = _night(source, stores, retained)
            run |= {"kept_records": kept, "statements": len(books.statements.listed())}
            stores.engine.dispose()
        finally:
            books.stop()
    many = run["requests"]
    print(f"{many:>6} people, {kept:>6} records kept: {run['seconds']:8.1f} s, CPU {run['cpu_s']:7.2f} s, "
          f"{run['seconds'] / many:5.2f} s a person, {run['statements'] / many:5.1f} statements a person, "
          f"{run['counts']}", flush=True)  # fmt: skip
    return run


def _erased(source: Invoicing, stores: Stores, retained: Retained, emails: Sequence[str], folder: Path) -> int:
    """Everybody, years before; how many records are kept."""
    cases, holds = CaseStore(str(folder), KEY), Holds(stores.ledger, subkey(KEY, "holds"))
    for number, email in enumerate(emails):
        case = cases.create(f"dsr-bench{number:05}")
        erased(case, email, source, stores, AT, lambda _, step: step())
        retain.retain(
            case, {source.declaration.name: source}, [source.declaration], retained=retained, holds=holds, at=AT
        )
    due = retained.requests(source.declaration.name, NIGHT.date())
    return sum(len(retained.kept(source.declaration.name, request_id)) for request_id in due)


def _night(source: Invoicing, stores: Stores, retained: Retained) -> dict[str, Any]:
    """The night, broken off in the middle and called again."""
    approved = partial(erased_under, stores.ledger)
    ending = end_retention.Stores(retained, stores.erasures, stores.ledger, approved)
    today = end_retention.Today(NIGHT, SETTINGS.zone, LAW, Register.load(), HoldsInForce())
    name, counts = source.declaration.name, Counter[str]()
    many = len(retained.requests(name, NIGHT.date()))
    cpu, began = time.process_time(), time.monotonic()
    for number, ended in enumerate(end_retention.end_retention(source, ending, today), 1):
        counts.update(ended.counts)
        if number == many // 2:
            break
    for ended in end_retention.end_retention(source, ending, today):
        counts.update(ended.counts)
        counts.update([ended.failed] if ended.failed else [])
    return {
        "requests": many,
        "seconds": round(time.monotonic() - began, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
        "counts": dict(counts),
        "due_afterwards": len(retained.requests(name, NIGHT.date())),
        "cores": os.cpu_count(),
    }


if __name__ == "__main__":
    sys.exit(main())

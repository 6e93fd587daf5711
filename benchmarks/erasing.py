"""What erasing a person with many records costs in a database. `python -m benchmarks.erasing --help`.

The rows lie in the sandbox's invoicing database. Measured from finding the person to the last commit: find, extract,
plan (each record's version and effect), read again, write; in one process, without Airflow. Twice: as the law has it,
where booked invoices are restricted and the register is emptied, and everything, as when no duty holds any more.
Results are printed and written to var/bench/erasing.json.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from dsr.model import Identifier, Rows, Subject
from dsr.selection import Approval, Selection, seal
from dsr.source import Connection
from dsr.version import versions
from extractors.invoicing import Invoicing
from sandbox.invoicing.system import Invoicing as Books
from sandbox.people import populate
from sandbox.system import Options

ROOT: Final = Path(__file__).parent.parent
LIMITS: Final = {"cpu_s": 15.8, "statements_per_record": 0.01}
"""A tenth of the CPU seconds that a comparable open system needs for 40,000 records, and a hundredth of a statement for
each record."""
_REQUEST: Final = "dsr-benchmark"
_AT: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
_DATASETS: Final = [dataset.name for dataset in Invoicing.declaration.datasets]
_REGISTER: Final = {
    "invoicing_contact": "anonymise",
    "invoicing_customer": "anonymise",
    "invoicing_address": "erase",
    "invoicing_bank_account": "erase",
    "invoicing_email_dispatch": "erase",
}
PLANS: Final[Mapping[str, Mapping[str, str]]] = {
    "booked": {name: _REGISTER.get(name, "restrict") for name in _DATASETS},
    "everything": dict.fromkeys(_DATASETS, "erase"),
}


def erase(source: Invoicing, subject: Subject, effects: Mapping[str, str]) -> dict[str, Any]:
    """Find, extract, plan, restrict and erase; CPU seconds of each and how many records ended how."""
    cpu, moment = {}, [time.process_time()]

    def lap(name: str) -> None:
        moment.append(time.process_time())
        cpu[name] = round(moment[-1] - moment[-2], 3)

    found = source.find([subject])
    lap("find")
    kept: dict[tuple[str, str], list[pa.RecordBatch]] = {}
    for piece in source.extract(found):
        if isinstance(piece, Rows):
            kept.setdefault((piece.dataset, effects[piece.dataset]), []).append(piece.batch)
    lap("extract")
    for (dataset, _), batches in kept.items():
        for batch in batches:
            versions(batch, dataset)
    counts = {key: sum(batch.num_rows for batch in batches) for key, batches in kept.items()}
    lap("plan")

    def batches_of(dataset: str, effect: str) -> Iterator[pa.RecordBatch]:
        yield from kept[dataset, effect]

    selection = Selection(Approval(_REQUEST, "0" * 64, "officer", _AT, seal()), found, counts, batches_of)
    outcomes = list(source.restrict([selection], ())) if "restrict" in effects.values() else []
    lap("restrict")
    outcomes += source.erase([selection])
    lap("erase")
    assert {outcome.outcome for outcome in outcomes} == {"done"}
    assert sum(outcome.count for outcome in outcomes) == sum(counts.values())
    return {"records": sum(counts.values()), "cpu_s": round(moment[-1] - moment[0], 3), "steps": cpu}


def measure(books: Books, plan: str) -> dict[str, Any]:
    """One run on the books as they were; also what it cost the database."""
    books.load_saved("beginning")
    books.statements.forget()
    canary = populate(40).canary
    mails = {Identifier("email", mail.lower()) for mail in canary.emails}
    subject = Subject(_REQUEST, frozenset({*mails, Identifier("phone", canary.mobile)}))
    fields = {k: v for k, v in books.connections()["dsr_invoicing_write"].items() if k != "conn_type"}
    server, wall = _server_cpu(books), time.perf_counter()
    run = erase(Invoicing.connect(Connection("dsr_invoicing_write", **fields)), subject, PLANS[plan])
    run["wall_s"] = round(time.perf_counter() - wall, 3)
    time.sleep(0.5)  # until the last session has ended, whose time counts then
    run["server_cpu_s"] = round(_server_cpu(books) - server, 3)
    run["statements"] = len(books.statements.listed())
    run["writing"] = sum(s["statement"].startswith(("DELETE", "UPDATE")) for s in books.statements.listed())
    return run


def _server_cpu(books: Books) -> float:
    """CPU seconds of the server and of its sessions that have ended."""
    pid = int((books.server.data / "postmaster.pid").read_text().split()[0])
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; 1 when a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows-for-canary", type=int, default=10_000, help="rows in each of four tables")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each plan; the median counts")
    options = parser.parse_args(arguments)
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        books = Books(Options(Path(folder), people=40, rows_for_canary=options.rows_for_canary), populate(40))
        books.start()
        try:
            books.save("beginning")
            for plan in PLANS:
                runs = [measure(books, plan) for _ in range(options.repeat)]
                middle = sorted(runs, key=lambda run: run["cpu_s"])[(len(runs) - 1) // 2]
                wall = statistics.median(run["wall_s"] for run in runs)
                results[plan] = {**middle, "wall_s": wall, "cpu_s_all": [run["cpu_s"] for run in runs]}
        finally:
            books.stop()
    results["held"] = _held(results)
    target = ROOT / "var" / "bench" / "erasing.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(results, indent=2) + "\n")
    _show(results)
    return 0 if all(results["held"].values()) else 1


def _held(results: Mapping[str, Any]) -> dict[str, bool]:
    """Which limits hold; more records may cost more in proportion."""
    runs = [results[plan] for plan in PLANS]
    return {
        "cpu_s": all(run["cpu_s"] <= LIMITS["cpu_s"] * max(1, run["records"] / 40_000) for run in runs),
        "statements_per_record": all(
            run["statements"] <= LIMITS["statements_per_record"] * run["records"] for run in runs
        ),
    }


def _show(results: Mapping[str, Any]) -> None:
    print(
        f"{'':12}{'records':>9}{'CPU s':>8}{'server':>8}{'wall s':>8}{'statements':>12}{'writing':>9}  CPU s per step"
    )
    for plan in PLANS:
        run = results[plan]
        steps = "  ".join(f"{step} {cpu:.2f}" for step, cpu in run["steps"].items())
        numbers = f"{run['records']:>9,}{run['cpu_s']:>8.2f}{run['server_cpu_s']:>8.2f}{run['wall_s']:>8.2f}"
        print(f"{plan:12}{numbers}{run['statements']:>12}{run['writing']:>9}  {steps}")
    for name, held in results["held"].items():
        print(f"{'held  ' if held else 'BROKEN'} {name} <= {LIMITS[name]}")


if __name__ == "__main__":
    sys.exit(main())

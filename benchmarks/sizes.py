"""What one subject costs by the number of their records, from a few to ten million: access, and erasure with its proof.

The rows lie in the sandbox's invoicing database, a quarter in each of four linked tables. Every measurement is a
process of its own; the median of several counts. Beside access the plainest program reads the same rows, see
`benchmarks.engine`. Printed, and written to var/bench/sizes.json and sizes.svg. `python -m benchmarks.sizes --help`.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
import pygal
from pygal.style import CleanStyle

from benchmarks.engine import AT, ROOT, engine, plain
from benchmarks.erased import erasure
from dsr.source import Connection
from extractors.invoicing import Invoicing
from sandbox.invoicing.system import Invoicing as Books
from sandbox.people import populate
from sandbox.system import Options

KINDS: Final = ("access", "plain", "erasure")
LIMITS: Final = {"times_the_plain_way": 4.0, "mib_over_idle": 200.0, "growth": 1.3, "statements_per_record": 0.01}
"""times_the_plain_way: access against the plainest program, of the largest subject that both were given; mib_over_idle:
of access to a million rows at most, beyond what the process holds before it starts; growth: how much dearer a row may
be among ten times as many; statements_per_record: of an erasure of more than ten thousand records."""
_SOME: Final = 1_000
_PLAIN_UNTIL: Final = 1_000_000
"""Beyond, the plain program's memory is more than a machine has."""
_MEMORY_UNTIL: Final = 1_000_000
"""Beyond, the index of what a person has yet to review grows with the different texts."""
_CONNECTION, _LEDGER = "DSR_BENCH_CONNECTION", "DSR_BENCH_LEDGER"
_TABLES: Final = 4
Run = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 when a limit is broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sizes", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    sizes = [1, 1_000, 100_000, 1_000_000]
    parser.add_argument("--rows", type=int, nargs="*", default=sizes, help="of the subject (default: 1 to a million)")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, of which the median counts (default 3)")
    parser.add_argument("--child", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        print(json.dumps(_once(options.child)))
        return 0
    runs = [run for rows in options.rows for run in _measured(rows, options.repeat)]
    held = _held(runs)
    folder = ROOT / "var" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sizes.json").write_text(json.dumps({"runs": runs, "held": held}, indent=2) + "\n")
    (folder / "sizes.svg").write_bytes(picture(runs))
    for name, fine in held.items():
        print(f"{'held  ' if fine else 'BROKEN'} {name} <= {LIMITS[name]}")
    return 0 if all(held.values()) else 1


def picture(runs: Sequence[Run]) -> bytes:
    """CPU seconds by rows, both in powers of ten, as an SVG."""
    chart = pygal.XY(style=CleanStyle, logarithmic=True, xlog=True, js=(), truncate_label=-1,
                     title="What one subject costs", x_title="rows of the subject", y_title="CPU seconds")  # fmt: skip
    chart.x_labels = [10**power for power in range(1, len(str(max(run["rows"] for run in runs))) + 1)]
    chart.x_value_formatter = "{:,.0f}".format
    for kind in KINDS:
        chart.add(kind, [(run["rows"], run["cpu_s"]) for run in runs if run["kind"] == kind])
    drawn: bytes = chart.render()
    return drawn


def _once(kind: str) -> Run:
    """One measurement, in this process."""
    fields = {k: v for k, v in json.loads(os.environ[_CONNECTION]).items() if k != "conn_type"}
    source = Invoicing.connect(Connection("dsr_invoicing", **fields))
    if kind == "erasure":
        return erasure(source, os.environ[_LEDGER], AT)
    return engine(source) if kind == "access" else plain(source)


def _measured(rows: int, repeat: int) -> Iterator[Run]:
    """All kinds with so many rows, in turns, so that a busy machine slows them alike."""
    kinds = [kind for kind in KINDS if kind != "plain" or rows <= _PLAIN_UNTIL]
    with _books(rows) as books:
        books.save("beginning")
        runs: dict[str, list[Run]] = {kind: [] for kind in kinds}
        for number in range(repeat):
            for kind in kinds:
                runs[kind].append(_apart(kind, books, f"ledger_{number}"))
            books.load_saved("beginning")
    for kind, all_of_it in runs.items():
        run = sorted(all_of_it, key=lambda r: r["cpu_s"])[(len(all_of_it) - 1) // 2]
        run |= {"kind": kind, "size": rows, "cpu_s_all": [r["cpu_s"] for r in all_of_it]}
        print(_line(run), flush=True)
        yield run


@contextmanager
def _books(rows: int) -> Iterator[Books]:
    with tempfile.TemporaryDirectory() as folder:
        books = Books(Options(Path(folder), people=40, rows_for_canary=rows // _TABLES), populate(40))
        books.start()
        try:
            yield books
        finally:
            books.stop()
            shutil.rmtree(Path(folder), ignore_errors=True)


def _apart(kind: str, books: Books, ledger: str) -> Run:
    """In a process of its own; also how many statements the books were sent."""
    name = "dsr_invoicing_write" if kind == "erasure" else "dsr_invoicing"
    with psycopg.connect(books.server.url("postgres", "postgresql"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {ledger}")
    books.server.ensure_database(ledger)
    books.statements.forget()
    given = {_CONNECTION: json.dumps(books.connections()[name]), _LEDGER: books.server.url(ledger)}
    command = [sys.executable, "-m", "benchmarks.sizes", "--child", kind]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | given, stdout=subprocess.PIPE, check=True)
    run: Run = json.loads(done.stdout)
    return run | {"statements": len(books.statements.listed())}


def _line(run: Mapping[str, Any]) -> str:
    over = f"{run['peak_mib'] - run['idle_mib']:6.0f}" if "idle_mib" in run else f"{run['peak_mib']:6.0f}*"
    steps = "  ".join(f"{step} {cpu:.2f}" for step, cpu in run.get("steps", {}).items())
    return (
        f"{run['kind']:8} {run['rows']:>11,} rows {run['cpu_s']:>8.2f} CPU s {over} MiB over idle"
        f" {run['statements']:>6} statements   {steps}"
    )


def _held(runs: Sequence[Run]) -> dict[str, bool]:
    """Limit → whether it holds in all that was measured."""
    of = {kind: [run for run in runs if run["kind"] == kind] for kind in KINDS}
    largest = max((run["size"] for run in of["plain"]), default=0)
    both = {kind: next((r["cpu_s"] for r in of[kind] if r["size"] == largest), 0.0) for kind in ("access", "plain")}
    dearer = [
        (more["cpu_s"] / more["rows"]) / (few["cpu_s"] / few["rows"])
        for kind in ("access", "erasure")
        for few, more in zip(of[kind], of[kind][1:], strict=False)
        if few["rows"] > _SOME
    ]
    return {
        "times_the_plain_way": 0 < both["access"] <= LIMITS["times_the_plain_way"] * both["plain"],
        "mib_over_idle": all(
            r["peak_mib"] - r["idle_mib"] <= LIMITS["mib_over_idle"]
            for r in of["access"] if r["size"] <= _MEMORY_UNTIL
        ),
        "growth": all(times <= LIMITS["growth"] for times in dearer),
        "statements_per_record": all(
            r["statements"] <= LIMITS["statements_per_record"] * r["rows"]
            for r in of["erasure"] if r["rows"] > 10 * _SOME
        ),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())

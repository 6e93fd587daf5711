"""What looking up one person among a million costs in the index of systems without look-up. See --help.

The index is the real one (`dsr.subjects`) on the embedded PostgreSQL: a webinar registration and a call of each person.
Measured are look-ups of different people by address, mobile, a switchboard and a former address; the plan that the
database makes of that very statement; and what the nightly reading writes when little, more and nothing is new, in a
tenth of the index and in all of it. Results are printed and written to var/bench/lookup.json.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, event, text

from dsr import database
from dsr.model import Identifier, IndexEntry
from dsr.subjects import SubjectIndex
from sandbox.postgres import Postgres

ROOT: Final = Path(__file__).parent.parent
LIMITS: Final = {"lookup_ms": 50.0, "full_scans": 0, "put_growth": 1.5, "put_proportion": 1.5, "put_nothing_kib": 16.0}
"""Median milliseconds of a look-up, the database's part included; full scans in its plan; how much more an entry may
cost to write in the whole index than in a tenth of it, and among many than among few; what writing nothing writes."""
_AT: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
_NEW: Final = 2_000
_SOURCES: Final = ("webinars", "recordings")


def address(n: int) -> Identifier:
    """A person's address."""
    return Identifier("email", f"p{n:07d}@bolag{n // 8}.example")


def mobile(n: int) -> Identifier:
    """A person's mobile."""
    return Identifier("phone", f"+4670{n:07d}")


def entries(source: str, people: range) -> Iterator[IndexEntry]:
    """What the source holds of these people: one record each."""
    for n in people:
        if source == "webinars":
            yield IndexEntry(address(n), "webinar_registration", f"{n % 500}/registrant/{n}", {"webinar": n % 500})
        else:
            yield IndexEntry(mobile(n), "call_record", f"2026/{1 + n % 12:02d}/{1 + n % 28:02d}/{n:032x}")


class Writing:
    """What a `put` costs: wall seconds, and bytes that the database had to note, which no other process disturbs."""

    def __init__(self, engine: Engine, index: SubjectIndex) -> None:
        self._engine, self._index = engine, index

    def run(self, people: range) -> dict[str, float]:
        """Both sources, these people."""
        before, start = self._noted(), time.perf_counter()
        count = sum(self._index.put(source, entries(source, people), _AT) for source in _SOURCES)
        seconds, noted = time.perf_counter() - start, self._noted() - before
        each = max(1, count)
        return {"entries": count, "s": round(seconds, 3), "kib": noted / 1024, "bytes_per_entry": round(noted / each)}

    def _noted(self) -> int:
        with self._engine.begin() as connection:
            return int(connection.execute(text("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")).scalar_one())


def looked_up(index: SubjectIndex, people: int, times: int) -> dict[str, float]:
    """Milliseconds of a look-up in both sources, halved: each by four identifiers, of which two are known."""
    rng = random.Random(1)  # noqa: S311  # repeatable, no secret
    taken, own = [], time.process_time()
    for _ in range(times):
        n = rng.randrange(people)
        asked = [address(n), mobile(n), Identifier("phone", "+46850000000"), Identifier("email", f"f{n}@x.example")]
        start = time.perf_counter()
        found = [index.lookup(source, asked) for source in _SOURCES]
        taken.append((time.perf_counter() - start) * 1000 / len(_SOURCES))
        assert [len(its) for its in found] == [1, 1]
    own = (time.process_time() - own) * 1000 / times / len(_SOURCES)
    quantiles = statistics.quantiles(taken, n=100)
    return {"median_ms": statistics.median(taken), "p99_ms": quantiles[98], "own_cpu_ms": own}


def plan_of(engine: Engine, index: SubjectIndex) -> list[str]:
    """The database's plan of the statement that `lookup` sends, with what it really read."""
    sent: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, _many: bool) -> None:
        if "FROM subject_index" in statement:
            sent.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    index.lookup("webinars", [address(1), mobile(1)])
    event.remove(engine, "before_cursor_execute", note)
    statement, parameters = sent[0]
    with engine.begin() as connection:
        explained = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {statement}", parameters)
        return [str(line) for line in explained.scalars()]


def measure(engine: Engine, people: int, times: int) -> dict[str, Any]:
    """Fill a tenth, write a little; fill the rest, write a little, more, nothing; look up."""
    index = SubjectIndex(engine, bytes(32))
    writing = Writing(engine, index)
    tenth, new = people // 10, iter(range(people, people + 20 * _NEW, 10 * _NEW))
    writing.run(range(tenth))
    few_in_tenth = writing.run(_from(next(new), _NEW))
    filled = writing.run(range(tenth, people))
    later = next(new)
    few, many = writing.run(_from(later, _NEW)), writing.run(_from(later + _NEW, 5 * _NEW))
    nothing = writing.run(range(0))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE subject_index"))
    return {
        "people": people,
        "filled": filled,
        "put": {"few, a tenth": few_in_tenth, "few": few, "many": many, "nothing": nothing},
        "lookup": looked_up(index, people, times),
        "plan": plan_of(engine, index),
    }


def _from(start: int, count: int) -> range:
    return range(start, start + count)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; 1 when a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=500, help="look-ups")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres(Path(folder))
        server.start()
        try:
            server.ensure_database("bench")
            engine = database.connect(server.url("bench"))
            database.upgrade(engine)
            results = measure(engine, options.people, options.times)
            engine.dispose()
        finally:
            server.stop()
    results["held"] = _held(results)
    target = ROOT / "var" / "bench" / "lookup.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(results, indent=2) + "\n")
    _show(results)
    return 0 if all(results["held"].values()) else 1


def _held(results: dict[str, Any]) -> dict[str, bool]:
    put = {name: its["bytes_per_entry"] for name, its in results["put"].items()}
    return {
        "lookup_ms": results["lookup"]["median_ms"] <= LIMITS["lookup_ms"],
        "full_scans": _full_scans(results["plan"]) <= LIMITS["full_scans"],
        "put_growth": put["few"] <= LIMITS["put_growth"] * put["few, a tenth"],
        "put_proportion": put["many"] <= LIMITS["put_proportion"] * put["few"],
        "put_nothing_kib": results["put"]["nothing"]["kib"] <= LIMITS["put_nothing_kib"],
    }


def _full_scans(plan: Sequence[str]) -> int:
    return sum("Seq Scan" in line for line in plan) + (not any("Index" in line for line in plan))


def _show(results: dict[str, Any]) -> None:
    filled, found = results["filled"], results["lookup"]
    print(f"{results['people']:,} people, {filled['entries'] / filled['s']:,.0f} entries a second while filling")
    print(f"look-up: median {found['median_ms']:.2f} ms, 99 of 100 within {found['p99_ms']:.2f} ms, own CPU "
          f"{found['own_cpu_ms']:.2f} ms")  # fmt: skip
    for name, its in results["put"].items():
        print(f"write {name:13}{its['entries']:>8,} entries{its['s']:>8.3f} s{its['kib']:>10,.1f} KiB"
              f"{its['bytes_per_entry']:>8,} bytes each")  # fmt: skip
    print(*(f"    {line}" for line in results["plan"]), sep="\n")
    for name, held in results["held"].items():
        print(f"{'held  ' if held else 'BROKEN'} {name} <= {LIMITS[name]}")


if __name__ == "__main__":
    sys.exit(main())

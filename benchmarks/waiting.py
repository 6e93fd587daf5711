"""What requests cost that wait for a person: thousands of runs that stand at *prepare*, beside one that goes on.

The waiting ones are copies of a real one in Airflow's own tables (run, task instances, question). Measured with 1, and
then with so many: slots that they hold, processor time of the scheduler while nothing happens, and how long a task that
has ended waits until the next one of its run begins.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psutil
from sqlalchemy import Connection, Engine, create_engine, text

from embedded.client import AirflowClient
from embedded.journey import SHAPE, warm_up
from embedded.requester import Requester
from embedded.stack import Options, Stack
from sandbox.people import populate

_PATIENCE: Final = 600.0
_IDLE: Final = 60.0
_ALONE: Final = "dsr_erasure"
_OWN: Final = {"id", "run_id", "conf", "logical_date", "run_after", "ti_id"}
"""Columns that a copy has otherwise."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 when no slot is held and the scheduler isn't busier than with few by more than a quarter."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.waiting", description=__doc__)
    parser.add_argument("--waiting", type=int, nargs="*", default=[1000, 10_000], help="(default 1000 10000)")
    args = parser.parse_args(arguments)
    folder = Path(__file__).resolve().parent.parent / "var" / "bench-waiting"
    stack = Stack(folder, Options(people=20, shape=True), lambda line: print(f"  {line}", flush=True))
    try:
        stack.up()
        warm_up(stack)
        return measure(stack, args.waiting)
    finally:
        stack.down()


def measure(stack: Stack, many: Sequence[int]) -> int:
    """With one, then with more and more."""
    person = populate(20).people[0]
    request_id = Requester(stack).ask(person.email, ticket_id="B-WAIT", right="erasure").request_id
    engine = create_engine(stack.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    with stack.client("engineer") as client:
        client.wait(lambda: client.awaits_input(_ALONE, request_id), "the plan to be asked about", _PATIENCE)
        busy: list[float] = []
        there = 1
        for wanted in (1, *many):
            if wanted > there:
                _copy(engine, request_id, wanted - there)
                there = wanted
            slots, share, gap = _slots(client), _busy(stack), _gap(client)
            print(
                f"{wanted:>6} waiting   {slots} slots held   scheduler {share:5.1%} of a core   "
                f"from one task to the next {gap:6.2f} s (median of a run of empty tasks)",
                flush=True,
            )
            busy.append(share)
            if slots:
                return 1
    return 0 if busy[-1] <= 1.25 * busy[0] else 1


def _copy(engine: Engine, run_id: str, count: int) -> None:
    """So many runs more like this one."""
    with engine.begin() as connection:
        runs, tasks, asked = (_columns(connection, name) for name in ("dag_run", "task_instance", "hitl_detail"))
        # Names of columns come from the catalogue.
        copy_runs = (
            f"INSERT INTO dag_run (run_id, conf, run_after, {runs}) SELECT r.run_id || '-' || n, "  # noqa: S608
            f"json_build_object('request_id', r.run_id || '-' || n), r.run_after, {_of('r', runs)} "
            "FROM dag_run r, generate_series(1, :count) n WHERE r.run_id = :run ON CONFLICT DO NOTHING"
        )
        copied = (
            "CREATE TEMP TABLE copied ON COMMIT DROP AS SELECT t.id AS was, gen_random_uuid() AS id, d.run_id "
            "FROM task_instance t JOIN dag_run d ON d.run_id LIKE :run || '-%' WHERE t.run_id = :run AND NOT EXISTS "
            "(SELECT 1 FROM task_instance o WHERE o.run_id = d.run_id)"
        )
        copy_tasks = (
            f"INSERT INTO task_instance (id, run_id, {tasks}) SELECT c.id, c.run_id, {_of('t', tasks)} "  # noqa: S608
            "FROM copied c JOIN task_instance t ON t.id = c.was"
        )
        copy_asked = (
            f"INSERT INTO hitl_detail (ti_id, {asked}) SELECT c.id, {_of('h', asked)} "  # noqa: S608
            "FROM copied c JOIN hitl_detail h ON h.ti_id = c.was"
        )
        for statement in (copy_runs, copied, copy_tasks, copy_asked):
            known = {"run": run_id, "count": count}
            connection.execute(text(statement), {k: v for k, v in known.items() if f":{k}" in statement})


def _columns(connection: Connection, table: str) -> str:
    found = connection.execute(
        text("SELECT column_name FROM information_schema.columns WHERE table_name = :table"), {"table": table}
    )
    return ", ".join(name for (name,) in found if name not in _OWN)


def _of(alias: str, columns: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in columns.split(", "))


def _slots(client: AirflowClient) -> int:
    return sum(pool["occupied_slots"] for pool in client.get("pools")["pools"])


def _busy(stack: Stack) -> float:
    """Share of a core that the scheduler uses while nothing is to be done."""
    rows: list[dict[str, Any]] = json.loads((stack.folder / "processes.json").read_text())
    family = next(row["family"] for row in rows if row["name"] == "scheduler")
    scheduler = psutil.Process(int(family[0][0]))
    before, began = scheduler.cpu_times(), time.monotonic()
    time.sleep(_IDLE)
    after, seconds = scheduler.cpu_times(), time.monotonic() - began
    return (after.user + after.system - before.user - before.system) / seconds


def _gap(client: AirflowClient) -> float:
    """Seconds from the end of a task to the start of the next one, in a run of empty tasks up to its question."""
    run_id = client.start(SHAPE)
    client.wait(lambda: client.awaits_input(SHAPE, run_id), "the run of empty tasks to ask", _PATIENCE)
    tasks = client.tasks(SHAPE, run_id).values()
    ended = sorted(datetime.fromisoformat(task["end_date"]) for task in tasks if task["end_date"])
    begun = sorted(datetime.fromisoformat(task["start_date"]) for task in tasks if task["start_date"])
    gaps = [min((b - e for b in begun if b > e), default=None) for e in ended]
    return statistics.median(gap.total_seconds() for gap in gaps if gap is not None)


if __name__ == "__main__":
    sys.exit(main())

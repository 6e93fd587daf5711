"""What requests cost that wait for a person: thousands of runs that stand at *prepare*, beside one that goes on.

The waiting ones are copies of a real one in Airflow's own tables (run, task instances, question). Measured with 1, and
then with so many: slots that they hold, processor time of the scheduler while nothing happens, and how long a task that
has ended waits until the next one of its run begins.
"""

import argparse
import json
import shutil
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psutil
from sqlalchemy import Connection, Engine, MetaData, String, Table, cast, create_engine, func, insert, select, text
from sqlalchemy.sql.elements import ColumnElement

from embedded.client import AirflowClient
from embedded.journey import SHAPE, warm_up
from embedded.requester import Requester
from embedded.stack import Options, Stack
from sandbox.people import populate

_PATIENCE: Final = 600.0
_IDLE: Final = 60.0
_EXAMINED: Final = "AIRFLOW__SCHEDULER__MAX_DAGRUNS_PER_LOOP_TO_SCHEDULE"
_ALONE: Final = "dsr_erasure"
_GIVEN: Final = ("id", "logical_date")
"""Columns that a copy doesn't take over: its number, and a date that only one run of a DAG may have."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 when no slot is held and the scheduler isn't busier than with few by more than a quarter."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.waiting", description=__doc__)
    parser.add_argument("--waiting", type=int, nargs="*", default=[1000, 10_000], help="(default 1000 10000)")
    parser.add_argument("--examined", type=int, help="runs that the scheduler looks at in a turn (as deployed)")
    args = parser.parse_args(arguments)
    folder = Path(__file__).resolve().parent.parent / "var" / "bench-waiting"
    shutil.rmtree(folder, ignore_errors=True)  # who waited in an earlier measurement would wait still
    settings = ((_EXAMINED, str(args.examined)),) if args.examined else ()
    stack = Stack(
        folder, Options(people=20, shape=True, environment=settings), lambda line: print(f"  {line}", flush=True)
    )
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
    engine = create_engine(stack.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"], enable_from_linting=False)
    with stack.client("engineer") as client:
        client.wait(lambda: client.awaits_input(_ALONE, request_id), "the plan to be asked about", _PATIENCE)
        busy: list[float] = []
        there = 1
        for wanted in (1, *many):
            if wanted > there:
                _copy(engine, request_id, range(there, wanted))
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


def _copy(engine: Engine, run_id: str, numbers: range) -> None:
    """Runs like this one with these numbers."""
    with engine.begin() as connection:
        runs, tasks, asked = (
            Table(name, MetaData(), autoload_with=connection) for name in ("dag_run", "task_instance", "hitl_detail")
        )
        new_id = (
            runs.c.run_id + "-" + cast(func.generate_series(numbers.start, numbers.stop - 1).column_valued("n"), String)
        )
        _insert(connection, runs, {"run_id": new_id, "conf": func.json_build_object("request_id", new_id)},
                runs.c.run_id == run_id)  # fmt: skip
        copied, had = runs.alias(), tasks.alias()
        same = had.c.dag_id == copied.c.dag_id, had.c.run_id == copied.c.run_id
        bare = ~select(had.c.id).where(*same).exists()
        _insert(connection, tasks, {"id": func.gen_random_uuid(), "run_id": copied.c.run_id},
                tasks.c.run_id == run_id, copied.c.run_id.like(f"{run_id}-%"), bare)  # fmt: skip
        new, known = tasks.alias(), asked.alias()
        without = ~select(known.c.ti_id).where(known.c.ti_id == new.c.id).exists()
        _insert(connection, asked, {"ti_id": new.c.id}, asked.c.ti_id == tasks.c.id, tasks.c.run_id == run_id,
                new.c.run_id.like(f"{run_id}-%"), new.c.task_id == tasks.c.task_id, without)  # fmt: skip


def _insert(connection: Connection, table: Table, own: Mapping[str, Any], *where: ColumnElement[bool]) -> None:
    """Copies of the rows that are meant, but for what is a copy's own; numbers of rows are the database's to give."""
    same = [column for column in table.columns if column.name not in (*own, *_GIVEN)]
    chosen = select(*own.values(), *same).where(*where)
    connection.execute(insert(table).from_select([*own, *(column.name for column in same)], chosen))
    connection.execute(text(f"ANALYZE {table.name}"))  # else the next one is planned for a few rows, and takes minutes


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

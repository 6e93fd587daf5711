"""What Airflow itself costs: the shape of `dsr_access` with empty tasks beside real requests, in the same stack.

one at a time   seconds from webhook to downloaded package, and of the shape; people's wait apart
at once         runs per minute of many at a time; an officer approves each as soon as it waits. The systems that are
                asked are stand-ins on the same cores: what share of the machine they took is told, and what the rate
                comes to with that share of the time taken off, since a vendor's system runs on the vendor's machine
"""

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psutil

from embedded.client import FINAL, AirflowClient
from embedded.journey import DAG, SHAPE, fulfil, overhead, warm_up
from embedded.requester import Requester
from embedded.reviewer import review_as_proposed
from embedded.stack import Options, Stack
from sandbox.people import populate

_THOUGHT: Final = timedelta(seconds=5)
"""On a busy machine a task takes seconds to park; an answer before that is lost and asked for again."""

_PATIENCE: Final = 3600.0
_PAGE: Final = 100
_FEWEST_PEOPLE: Final = 200
_TARGET: Final = 0.8
"""Of the rate of empty tasks."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 when the targets are met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.airflow_overhead", description=__doc__)
    parser.add_argument("--at-once", type=int, default=50, help="how many requests at a time (default 50)")
    parser.add_argument("--repeat", type=int, default=3, help="how often one at a time (default 3)")
    args = parser.parse_args(arguments)
    folder = Path(__file__).resolve().parent.parent / "var" / "bench"
    # One each: whoever asks for the same a second time is joined to the first.
    many = max(_FEWEST_PEOPLE, args.at_once)
    stack = Stack(folder, Options(people=many, shape=True), lambda line: print(f"  {line}", flush=True))
    try:
        stack.up()
        warm_up(stack)
        people = [person.email for person in populate(many).people]
        return measure(stack, people, args.repeat, args.at_once)
    finally:
        stack.down()


def measure(stack: Stack, people: Sequence[str], repeat: int, at_once: int) -> int:
    """One after the other, then all at once; 0 when the targets are met."""
    shape = statistics.median(overhead(stack) for _ in range(repeat))
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "package.zip"
        whole = statistics.median(fulfil(stack, people[0], target, lambda _: None).total for _ in range(repeat))
    print(f"webhook to downloaded package, small subject   {whole:6.2f} s   (target 10)")
    print(f"of which Airflow itself, empty tasks           {shape:6.2f} s   (target 5)")
    met = whole <= 10 and shape <= 5
    if at_once:
        with stack.client("officer") as officer:
            empty, _ = _rate(stack, SHAPE, at_once, lambda _: officer.start(SHAPE))
        requester = Requester(stack)
        real, taken = _rate(stack, DAG, at_once, lambda n: requester.ask(people[n], ticket_id=f"B-{n}").request_id)
        alone = real / (1 - taken)
        print(f"{at_once} empty shapes at once                         {empty:6.1f} runs/min")
        print(f"{at_once} requests at once                             {real:6.1f} runs/min   {real / empty:.0%}")
        print(f"the same, without the {taken:.0%} that stand-ins took     {alone:6.1f} runs/min   "
              f"{alone / empty:.0%} (target {_TARGET:.0%})")  # fmt: skip
        met = met and alone >= _TARGET * empty
    return 0 if met else 1


def _stand_ins(stack: Stack) -> float:
    """CPU seconds of the sandbox so far, with its database and store."""
    state = str(stack.folder / "sandbox")
    [sandbox] = [p for p in psutil.process_iter() if {"sandbox", state} <= set(_arguments(p))]
    spent = 0.0
    for process in (sandbox, *sandbox.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended since
            times = process.cpu_times()
            spent += times.user + times.system
    return spent


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _rate(stack: Stack, dag_id: str, count: int, start: Callable[[int], str]) -> tuple[float, float]:
    """Runs per minute from the first start to the last end, and the stand-ins' share of all cores meanwhile."""
    began, done, spent = time.monotonic(), threading.Event(), _stand_ins(stack)
    with stack.client("officer") as officer, ThreadPoolExecutor(5) as threads:
        approving = threads.submit(_approve, officer, dag_id, done)
        runs = list(threads.map(start, range(count)))
        with stack.client("engineer") as watcher:
            watcher.wait(
                lambda: _all_ended(watcher, dag_id, runs),
                "all runs to end",
                _PATIENCE,
                every=2.0 if count > _PAGE else 0.5,
            )
        seconds = time.monotonic() - began
        done.set()
        approving.result()
    return 60 * count / seconds, (_stand_ins(stack) - spent) / (seconds * (os.cpu_count() or 1))


def _approve(officer: AirflowClient, dag_id: str, done: threading.Event) -> None:
    """Approve whatever has waited for a moment, until done."""
    while not done.wait(0.5):
        waiting = officer.get(f"dags/{dag_id}/dagRuns/~/hitlDetails", response_received=False, limit=_PAGE)
        for detail in waiting["hitl_details"]:
            if _has_waited(detail):
                task = detail["task_instance"]
                option = "Approve" if "Approve" in detail["options"] else detail["options"][0]
                if task["task_id"] == "review" and dag_id != SHAPE:
                    review_as_proposed(officer, task["dag_run_id"])
                officer.answer(dag_id, task["dag_run_id"], task["task_id"], option)


def _has_waited(detail: dict[str, Any]) -> bool:
    asked = datetime.fromisoformat(detail["created_at"])
    return detail["task_instance"]["state"] == "awaiting_input" and datetime.now(UTC) - asked > _THOUGHT


def _all_ended(watcher: AirflowClient, dag_id: str, runs: list[str]) -> bool:
    """Whether all of them have: counted page by page, since Airflow gives a hundred at most."""
    ended: set[str] = set()
    for offset in range(0, len(runs) + _PAGE, _PAGE):
        page = watcher.get(f"dags/{dag_id}/dagRuns", limit=_PAGE, offset=offset, order_by="-start_date")["dag_runs"]
        ended |= {run["dag_run_id"] for run in page if run["state"] in FINAL}
    return ended.issuperset(runs)


if __name__ == "__main__":
    sys.exit(main())

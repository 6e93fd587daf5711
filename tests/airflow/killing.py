"""kill -9 of tasks and of the workers that watch over them, at chosen moments."""

import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

import psutil
from observed import Observed

TASK: Final = "airflow worker -- "
WORKER: Final = "airflow worker -- LocalExecutor: "
"""Titles of a task's process and of its worker's; the id of the task instance follows."""


def processes(victim: str = TASK) -> dict[str, psutil.Process]:
    """Id of the task instance → the process that runs it, or the worker that watches over it."""
    titles = (
        (process, " ".join(process.info["cmdline"] or ()).strip()) for process in psutil.process_iter(["cmdline"])
    )
    return {title.removeprefix(victim): process for process, title in titles if title.startswith(victim)}


class Killer:
    """While the block runs: kills the first try of each of these tasks, so many seconds after it began.

    `killed`: those that were still at work then, in the order of their deaths."""

    def __init__(
        self, stack: Observed, dag_id: str, run_id: str, moments: Mapping[str, float], victim: str = TASK
    ) -> None:
        with stack.running.client("engineer") as client:
            tasks = client.tasks(dag_id, run_id)
        self.killed: list[str] = []
        self._moments = {str(tasks[name]["id"]): (name, after) for name, after in moments.items()}
        self._victim, self._over = victim, threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        begun: dict[str, float] = {}
        while self._moments and not self._over.wait(0.1):
            there = processes(self._victim)
            for instance_id, (name, after) in list(self._moments.items()):
                if instance_id not in there:
                    if instance_id in begun:
                        del self._moments[instance_id]  # it ended before its moment came
                elif time.monotonic() - begun.setdefault(instance_id, time.monotonic()) >= after:
                    there[instance_id].kill()
                    self.killed.append(name)
                    del self._moments[instance_id]

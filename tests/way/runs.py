"""Runs of the real DAGs in this process: their tasks, their branches, their order, their retries; no Airflow beside.

What Airflow keeps in its database stands in a file per run, so that whoever was killed goes on where it stopped: a
task that has not ended is run again from its start.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

from airflow.sdk import DAG
from airflow.sdk.definitions._internal.contextmanager import DagContext
from airflow.sdk.exceptions import DagRunTriggerException, DownstreamTasksSkipped
from airflow.sdk.execution_time.context import set_current_context

from dsr.errors import PermanentError, TransientError

DagContext.current_autoregister_module_name = __name__
try:
    import dsr_approvals
    import dsr_decisions
    import dsr_enforce
    import dsr_triage  # noqa: F401  (it registers itself)
finally:
    DagContext.current_autoregister_module_name = None

DAGS: Mapping[str, DAG] = {dag.dag_id: dag for dag, _ in DagContext.autoregistered_dags}
RIGHTS = tuple(dsr_enforce.RIGHTS)
FAILED = ("failed", "upstream_failed")
_BACKOFF = timedelta(seconds=30)

Decide = Callable[[str, str], tuple[str, str]]
"""(request id, task) → the option that an officer chooses, and who they are."""
Wait = Callable[[timedelta], None]
"""Lets that much time pass."""


class Waiting(Exception):
    """A person has to decide, and nobody has an answer."""


@dataclass
class Run:
    """One run. states: task → success, skipped, failed or upstream_failed; tries: task → how often it was begun;
    codes: task → the code of its last error; pushed: "<task>/<key>" → value; then: the DAG that begins
    with the request when this run has ended, which may be the same."""

    request_id: str
    dag_id: str
    states: dict[str, str] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    pushed: dict[str, Any] = field(default_factory=dict)
    then: str = ""

    @classmethod
    def load(cls, path: Path) -> "Run":
        """As `save` left it."""
        return cls(**json.loads(path.read_text()))

    def save(self, path: Path) -> None:
        """All of it or nothing."""
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(self)))
        os.replace(partial, path)

    @property
    def failed(self) -> dict[str, str]:
        """The tasks that failed by themselves, with their codes."""
        return {task: self.codes.get(task, "") for task, state in self.states.items() if state == "failed"}


class Instance:
    """What a task sees of itself."""

    map_index = -1

    def __init__(self, run: Run, task: Any) -> None:
        self._run, self.task = run, task
        self.task_id, self.dag_id, self.max_tries = task.task_id, run.dag_id, task.retries

    @property
    def try_number(self) -> int:
        """From 1."""
        return self._run.tries[self.task_id]

    def xcom_push(self, key: str, value: Any) -> None:
        self._run.pushed[f"{self.task_id}/{key}"] = value

    def xcom_pull(self, task_ids: str, key: str) -> Any:
        return self._run.pushed.get(f"{task_ids}/{key}")

    def get_task_states(self, dag_id: str, run_ids: list[str]) -> dict[str, dict[str, str]]:
        return {self._run.request_id: dict(self._run.states)}


@dataclass(frozen=True)
class _DagRun:
    run_id: str
    dag_id: str
    conf: Mapping[str, str]


class Runner:
    """Brings runs on, one task at a time."""

    def __init__(self, folder: Path, decide: Decide, wait: Wait) -> None:
        self._folder, self._decide, self._wait = folder, decide, wait
        folder.mkdir(parents=True, exist_ok=True)

    def start(self, right: str, request_id: str) -> Run:
        """A new run, or the one that there is."""
        if not self.path(request_id).exists():
            Run(request_id, "dsr_objection" if right == "withdrawal" else f"dsr_{right}").save(self.path(request_id))
        return self.run(request_id)

    def run(self, request_id: str) -> Run:
        """As it stands."""
        return Run.load(self.path(request_id))

    def next(self, request_id: str) -> str | None:
        """The task that is run next; None when the run has ended. Tasks that are not run get their state on the way."""
        run = self.run(request_id)
        task = self._ready(run)
        if task is None and run.then:
            run = Run(run.request_id, run.then)
            task = self._ready(run)
        run.save(self.path(request_id))
        return task.task_id if task else None

    def step(self, request_id: str) -> str | None:
        """Runs the next task to its end, tries and waits included; its id, None when there is none left. `Waiting`
        when it is a person's and nobody decides it."""
        name = self.next(request_id)
        if name is None:
            return None
        run = self.run(request_id)
        task = DAGS[run.dag_id].get_task(name)
        while task.task_id not in run.states:
            self._try(run, task)
            run.save(self.path(request_id))
        return name

    def again(self, request_id: str, task_id: str) -> None:
        """Runs a task that has ended once more, as if it had died before anybody knew of its end."""
        run = self.run(request_id)
        task = DAGS[run.dag_id].get_task(task_id)
        for kept in (run.states, run.tries):
            del kept[task_id]  # type: ignore[attr-defined]
        while task_id not in run.states:
            self._try(run, task)
        run.save(self.path(request_id))

    def clear(self, request_id: str, task_id: str) -> None:
        """As Airflow's *clear* with all downstream."""
        run = self.run(request_id)
        task = DAGS[run.dag_id].get_task(task_id)
        for name in (task_id, *task.get_flat_relative_ids(upstream=False)):
            for kept in (run.states, run.tries, run.codes):
                kept.pop(name, None)  # type: ignore[attr-defined]
        run.save(self.path(request_id))

    def path(self, request_id: str) -> Path:
        """Where a run is kept."""
        return self._folder / f"{request_id}.json"

    def _ready(self, run: Run) -> Any:
        """The first task whose turn it is."""
        settled = True
        while settled:
            settled = False
            for task in DAGS[run.dag_id].tasks:
                before = [run.states.get(name) for name in task.upstream_task_ids]
                if task.task_id in run.states or None in before:
                    continue
                verdict = _verdict(task.trigger_rule.value, before)
                if verdict == "run":
                    return task
                run.states[task.task_id], settled = verdict, True
        return None

    def _try(self, run: Run, task: Any) -> None:
        name = task.task_id
        run.tries[name] = run.tries.get(name, 0) + 1
        run.save(self.path(run.request_id))
        context = {
            "ti": Instance(run, task),
            "dag_run": _DagRun(run.request_id, run.dag_id, {"request_id": run.request_id}),
            "task": task,
        }
        try:
            with set_current_context(context):
                if isinstance(task, dsr_decisions.Asks):
                    self._ask(run, task, context)
                else:
                    task.execute(context)
        except DownstreamTasksSkipped as skipped:
            run.states |= {(t if isinstance(t, str) else t[0]): "skipped" for t in skipped.tasks}
        except DagRunTriggerException as begun:
            # Another plan begins by way of a run that only starts the request's own over.
            run.then = (begun.conf or {}).get("dag_id", begun.trigger_dag_id)
        except PermanentError as error:
            run.codes[name], run.states[name] = error.code, "failed"
            return
        except TransientError as error:
            run.codes[name] = error.code
            if run.tries[name] > task.retries:
                run.states[name] = "failed"
            else:
                self._wait(error.retry_after or _BACKOFF * 2 ** min(run.tries[name], 6))
            return
        run.states[name] = "success"

    def _ask(self, run: Run, task: Any, context: Any) -> None:
        """Shows, and lets an officer answer."""
        if type(task) in (dsr_approvals.Prepare, dsr_approvals.Approve):
            dsr_approvals._show(task.task_id, context)
        option, user = self._decide(run.request_id, task.task_id)
        event = {"chosen_options": [option], "params_input": {}, "responded_at": datetime.now(UTC)}
        task.execute_complete(context, {**event, "responded_by_user": {"id": user, "name": user}})


def _verdict(rule: str, before: list[str | None]) -> str:
    """run, skipped or upstream_failed, once all before it have ended (Airflow's trigger rules)."""
    failed, skipped = any(state in FAILED for state in before), "skipped" in before
    if rule == "all_done":
        return "run"
    if rule == "all_done_setup_success":  # a teardown; its setup is always reached here
        return "run"
    if rule == "none_failed_min_one_success":
        return "upstream_failed" if failed else "run" if "success" in before or not before else "skipped"
    if rule != "all_success":
        raise NotImplementedError(rule)
    return "upstream_failed" if failed else "skipped" if skipped else "run"

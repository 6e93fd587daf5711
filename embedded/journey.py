"""One request's way through the stack, timed: from the webhook to the downloaded package."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from embedded.client import FINAL, AirflowClient
from embedded.process import StackError
from embedded.requester import Requester
from embedded.stack import Stack

DAG: Final = "dsr_access"
SHAPE: Final = "dsr_shape"
_PATIENCE: Final = 300.0
_THOUGHT: Final = 1.5
"""Seconds that a person takes at the very least; an answer within half a second meets a task that still parks."""


@dataclass(frozen=True)
class Journey:
    """A request that was fulfilled. `phases`: name → seconds, in order; the wait for people is not among them.
    `total`: seconds from webhook to downloaded package without that wait."""

    request_id: str
    due: Mapping[str, str]
    phases: Mapping[str, float]
    total: float
    package: Path


def warm_up(stack: Stack) -> None:
    """Run the upkeep once, so that systems without look-up can be searched. StackError when it fails."""
    with stack.client("engineer") as client:
        run_id = client.start("dsr_upkeep")
        if client.wait_for_end("dsr_upkeep", run_id, _PATIENCE) != "success":
            failed = [name for name, task in client.tasks("dsr_upkeep", run_id).items() if task["state"] == "failed"]
            raise StackError(f"the upkeep failed in {', '.join(failed)}; see {stack.folder / 'logs' / 'tasks'}")


def fulfil(stack: Stack, person: str, target: Path, say: Callable[[str], None]) -> Journey:
    """Ask for the data of the person with that address, release it as the privacy officer, download it.

    StackError when the run ends otherwise, or waits for another decision than the release.
    """
    requester = Requester(stack)
    began = time.monotonic()
    receipt = requester.ask(person, ticket_id="T-1001")
    accepted = time.monotonic()
    say(f"accepted as {receipt.request_id}, due {receipt.due['target']}")
    with stack.client("officer") as officer:
        parked = _wait_for_release(officer, DAG, receipt.request_id)
        say("composed; the privacy officer looks at counts and codes and releases it")
        time.sleep(_THOUGHT)
        answered = time.monotonic()
        officer.answer(DAG, receipt.request_id, "release", "Approve")
        _wait_for_task(officer, DAG, receipt.request_id, "deliver")
        delivered = time.monotonic()
        link, code = requester.link_and_code(receipt.request_id)
        say("link came by mail, code in the ticket; the person downloads")
        requester.download(link, code, target)
        downloaded = time.monotonic()
        if officer.wait_for_end(DAG, receipt.request_id, _PATIENCE) != "success":
            raise StackError(f"the run {receipt.request_id} failed after delivery")
        phases = {
            "accept": accepted - began,
            **_inside(officer.tasks(DAG, receipt.request_id), parked - accepted),
            "deliver": delivered - answered,
            "download": downloaded - delivered,
        }
    total = (parked - began) + (downloaded - answered)
    return Journey(receipt.request_id, receipt.due, phases, total, target)


def overhead(stack: Stack) -> float:
    """Seconds that the same shape takes with empty tasks, people's wait apart: what Airflow itself costs."""
    with stack.client("officer") as officer:
        began = time.monotonic()
        run_id = officer.start(SHAPE)
        parked = _wait_for_release(officer, SHAPE, run_id)
        time.sleep(_THOUGHT)
        answered = time.monotonic()
        officer.answer(SHAPE, run_id, "release", "Approve")
        _wait_for_task(officer, SHAPE, run_id, "deliver")
        done = time.monotonic()
        officer.wait_for_end(SHAPE, run_id, _PATIENCE)
    return (parked - began) + (done - answered)


def _wait_for_release(officer: AirflowClient, dag_id: str, run_id: str) -> float:
    """Until the release waits for a person; when that was."""

    def waiting() -> list[str]:
        decisions = [decision["task_id"] for decision in officer.awaits_input(dag_id, run_id)]
        return decisions or ([state] if (state := officer.run(dag_id, run_id).get("state")) in FINAL else [])

    found = officer.wait(waiting, f"{dag_id} to wait for the release", _PATIENCE, every=0.1)
    if found != ["release"]:
        raise StackError(f"{dag_id} {run_id} is at {', '.join(found)}, expected release\n{_states(officer, run_id)}")
    return time.monotonic()


def _wait_for_task(officer: AirflowClient, dag_id: str, run_id: str, task_id: str) -> None:
    def state() -> str | None:
        found = officer.tasks(dag_id, run_id)[task_id]["state"]
        return found if found in {"success", "failed", "skipped", "upstream_failed"} else None

    if (ended := officer.wait(state, f"{task_id} to end", _PATIENCE, every=0.1)) != "success":
        raise StackError(f"{task_id} of {run_id} ended as {ended}")


def _states(officer: AirflowClient, run_id: str) -> str:
    tasks = officer.tasks(DAG, run_id).values()
    return "\n".join(f"    {task['task_id']}: {task['state']}" for task in tasks)


def _inside(tasks: Mapping[str, Mapping[str, Any]], seconds: float) -> dict[str, float]:
    """How that time before the release divides: each phase ends with its last task."""
    collects = [name for name in tasks if name.endswith(".collect")]
    ends = {
        "identify": _moment(tasks["identify"]["end_date"]),
        "collect": max(_moment(tasks[name]["end_date"]) for name in collects),
        "compose": _moment(tasks["compose"]["end_date"]),
    }
    before = _moment(tasks["open_case"]["queued_when"])
    phases: dict[str, float] = {}
    for name, end in ends.items():
        phases[name] = end - before
        before = end
    return phases | {"reach the officer": max(0.0, seconds - sum(phases.values()))}


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()

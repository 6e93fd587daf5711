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
from embedded.reviewer import review_as_proposed
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
    """Ask for the data of the person with that address, review what others are spoken of in and release the package as
    the privacy officer, download it.

    StackError when the run ends otherwise, or waits for another decision than these.
    """
    requester = Requester(stack)
    began = time.monotonic()
    receipt = requester.ask(person, ticket_id="T-1001")
    accepted = time.monotonic()
    say(f"accepted as {receipt.request_id}, due {receipt.due['target']}")
    with stack.client("officer") as officer:
        collected = _wait_for_question(officer, DAG, receipt.request_id, "review")
        pages = review_as_proposed(officer, receipt.request_id)
        say(f"collected; texts and files that others may be spoken of in are reviewed on {pages} page(s)")
        time.sleep(_THOUGHT)
        reviewed = time.monotonic()
        officer.answer(DAG, receipt.request_id, "review", "All is reviewed")
        parked = _wait_for_question(officer, DAG, receipt.request_id, "release")
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
            **_inside(officer.tasks(DAG, receipt.request_id), collected - accepted),
            "compose": parked - reviewed,
            "deliver": delivered - answered,
            "download": downloaded - delivered,
        }
    total = (collected - began) + (parked - reviewed) + (downloaded - answered)
    return Journey(receipt.request_id, receipt.due, phases, total, target)


def overhead(stack: Stack) -> float:
    """Seconds that the same shape takes with empty tasks, people's wait apart: what Airflow itself costs."""
    with stack.client("officer") as officer:
        began = time.monotonic()
        run_id = officer.start(SHAPE)
        collected = _wait_for_question(officer, SHAPE, run_id, "review")
        time.sleep(_THOUGHT)
        reviewed = time.monotonic()
        officer.answer(SHAPE, run_id, "review", "All is reviewed")
        parked = _wait_for_question(officer, SHAPE, run_id, "release")
        time.sleep(_THOUGHT)
        answered = time.monotonic()
        officer.answer(SHAPE, run_id, "release", "Approve")
        _wait_for_task(officer, SHAPE, run_id, "deliver")
        done = time.monotonic()
        officer.wait_for_end(SHAPE, run_id, _PATIENCE)
    return (collected - began) + (parked - reviewed) + (done - answered)


def _wait_for_question(officer: AirflowClient, dag_id: str, run_id: str, task_id: str) -> float:
    """Until this task waits for a person; when that was."""

    def waiting() -> list[str]:
        decisions = [decision["task_id"] for decision in officer.awaits_input(dag_id, run_id)]
        return decisions or ([state] if (state := officer.run(dag_id, run_id).get("state")) in FINAL else [])

    found = officer.wait(waiting, f"{dag_id} to wait for {task_id}", _PATIENCE, every=0.1)
    if found != [task_id]:
        raise StackError(f"{dag_id} {run_id} is at {', '.join(found)}, expected {task_id}\n{_states(officer, run_id)}")
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
    """How that time before the review divides: each phase ends with its last task."""
    collects = [name for name in tasks if name.endswith(".collect")]
    ends = {
        "identify": _moment(tasks["identify"]["end_date"]),
        "collect": max(_moment(tasks[name]["end_date"]) for name in collects),
        "combine": _moment(tasks["combine"]["end_date"]),
    }
    before = _moment(tasks["open_case"]["queued_when"])
    phases: dict[str, float] = {}
    for name, end in ends.items():
        phases[name] = end - before
        before = end
    return phases | {"reach the officer": max(0.0, seconds - sum(phases.values()))}


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()

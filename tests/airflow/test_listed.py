"""An erasure list through a real Airflow: taken in by the command, planned and carried out with one approval.

What is erased of whom is in `tests/way/test_erasure_list.py`."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from observed import Observed
from office_day import LISTED

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

OURS = "The list is ours, and the plan is right"
_UNKNOWN = "nobody@nowhere.example"


def command(stack: Observed, *arguments: str, content: str = "") -> subprocess.CompletedProcess[str]:
    """`python -m dsr erasure-list`."""
    argv = [sys.executable, "-m", "dsr", "erasure-list", *arguments]
    environment = {**os.environ, **stack.running.environment}
    root = Path(__file__).parents[2]
    return subprocess.run(argv, input=content, env=environment, cwd=root, capture_output=True, text=True, timeout=120)


def test_one_approval_for_all_of_them(stack: Observed) -> None:
    """Who prepared it can't approve it; addresses are in no log, no XCom and no event."""
    lists, people = stack.of("erasure_list"), [stack.population.person(key) for key in LISTED]
    content = "\n".join(["email", *(person.email.upper() for person in people), _UNKNOWN])
    taken = command(stack, "add", "-", "--reason", "no_longer_needed", "--by", "dpo", content=content)
    assert taken.returncode == 0, taken.stderr
    (list_id,) = re.findall(r"list-[a-z2-7]{26}", taken.stdout)
    asked = lists.decision(list_id)
    assert asked["task_id"] == "prepare"
    assert "Erasure of 2 of 3 people on a list" in asked["body"]
    assert "**1 person** of whom nothing is held" in asked["body"]
    lists.decide(list_id, "prepare", OURS)
    officer = stack.user("officer")
    officer.wait(lambda: lists._is_asked(list_id, "approve"), "approve to ask", 120)
    lists.decide(list_id, "approve", "Approve")  # the same officer
    officer.wait(lambda: _asked_again(lists, list_id), "approve to ask again", 120)
    lists.decide(list_id, "approve", "Approve", "second")
    assert lists.end(list_id) == "success"
    shown = command(stack, "show", list_id).stdout
    assert "2 people: done" in shown
    assert "1 people: set_aside" in shown
    told = str([e for e in stack.events() if list_id in (e.request_id, str(e.detail.get("list", "")))]) + taken.stdout
    assert command(stack, "show", "list-" + "a" * 26).returncode == 1
    tasks = stack.user("engineer").get(f"dags/dsr_erasure_list/dagRuns/{list_id}/taskInstances", limit=50)
    for person in people:
        assert person.email not in told + str(tasks) + asked["body"] + shown


def _asked_again(lists: Observed, list_id: str) -> bool:
    states = lists.user("officer").tasks("dsr_erasure_list", list_id)
    return states["approve"]["try_number"] > 1 and states["approve"]["state"] == "awaiting_input"

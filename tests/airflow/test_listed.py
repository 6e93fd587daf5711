"""An erasure list through a real Airflow: given by an officer, planned and carried out with one approval.

What is erased of whom is in `tests/way/test_erasure_list.py`."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from observed import Observed
from office_day import LISTED

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

OURS = "The list is ours, and the plan is right"
_UNKNOWN = "nobody@nowhere.example"


def command(stack: Observed, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m dsr erasure-list`."""
    argv = [sys.executable, "-m", "dsr", "erasure-list", *arguments]
    environment = {**os.environ, **stack.running.environment}
    root = Path(__file__).parents[2]
    return subprocess.run(argv, env=environment, cwd=root, capture_output=True, text=True, timeout=120)


def given(stack: Observed, content: str) -> str:
    """The id of a list that an officer gives in the console."""
    officer = stack.user("officer")
    page = officer.console("GET", "lists").text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    fields |= {"reason": "no_longer_needed", "step": "take"}
    done = officer.console("POST", "lists", fields, {"file": content.encode()})
    assert done.status_code == 303, done.text
    assert done.headers["location"].startswith("/dsr-console/lists/list-")
    return str(done.headers["location"].rpartition("/")[2])


@contextmanager
def recipients_act(stack: Observed) -> Iterator[None]:
    """They do what they are told, at once."""
    with httpx.Client(base_url=stack.running.endpoints["admin"], trust_env=False) as admin:
        admin.post("/processor/behaviour", json={"ends_after": 0}).raise_for_status()
        yield
        admin.post("/processor/behaviour", json={}).raise_for_status()


def test_one_approval_for_all_of_them(stack: Observed) -> None:
    """Who prepared it can't approve it; addresses are in no log, no XCom and no event."""
    lists, people = stack.of("erasure_list"), [stack.population.person(key) for key in LISTED]
    content = "\n".join(["email", *(person.email.upper() for person in people), _UNKNOWN])
    list_id = given(stack, content)
    asked = lists.decision(list_id)
    assert asked["task_id"] == "prepare"
    assert "Erasure of 2 of 3 people on a list" in asked["body"]
    assert "**1 person** of whom nothing is held" in asked["body"]
    lists.decide(list_id, "prepare", OURS)
    officer = stack.user("officer")
    officer.wait(lambda: lists._is_asked(list_id, "approve"), "approve to ask", 120)
    lists.decide(list_id, "approve", "Approve")  # the same officer
    officer.wait(lambda: _asked_again(lists, list_id), "approve to ask again", 120)
    with recipients_act(stack):
        lists.decide(list_id, "approve", "Approve", "second")
        assert lists.end(list_id) == "success"
    shown = command(stack, "show", list_id).stdout
    assert "2 people: done" in shown
    assert "1 people: set_aside" in shown
    told = str([e for e in stack.events() if list_id in (e.request_id, str(e.detail.get("list", "")))])
    told += stack.user("officer").console("GET", f"lists/{list_id}").text
    assert re.search(r'done</th><td class="number">2<', told)
    assert command(stack, "show", "list-" + "a" * 26).returncode == 1
    tasks = stack.user("engineer").get(f"dags/dsr_erasure_list/dagRuns/{list_id}/taskInstances", limit=50)
    for person in people:
        assert person.email not in told + str(tasks) + asked["body"] + shown


def _asked_again(lists: Observed, list_id: str) -> bool:
    states = lists.user("officer").tasks("dsr_erasure_list", list_id)
    return states["approve"]["try_number"] > 1 and states["approve"]["state"] == "awaiting_input"


@pytest.mark.thorough
def test_one_whose_recipient_cannot_be_told_holds_up_nobody_else(stack: Observed) -> None:
    """The others' recipients are followed meanwhile, and the list doesn't end before a person has seen to that one."""
    lists = stack.of("erasure_list")
    people = [stack.population.person(key) for key in ("p000024", "p000025")]
    list_id = given(stack, "\n".join(["email", *(person.email for person in people)]))
    lists.decision(list_id)
    lists.decide(list_id, "prepare", OURS)
    officer = stack.user("officer")
    officer.wait(lambda: lists._is_asked(list_id, "approve"), "approve to ask", 120)
    told_nothing = {
        "system": "processor",
        "method": "POST",
        "path": "requests",
        "times": 1,
        "status": 200,
        "body": "{}",
    }
    with recipients_act(stack), httpx.Client(base_url=stack.running.endpoints["admin"], trust_env=False) as admin:
        admin.post("/faults", json=told_nothing).raise_for_status()
        lists.decide(list_id, "approve", "Approve", "second")
        assert lists.end(list_id) == "failed"
        states = lists.states(list_id)
        assert [states[task] for task in ("carry_out", "follow_notices", "end_list")] == [
            "failed", "success", "upstream_failed",
        ]  # fmt: skip
        assert "1 people: done" in command(stack, "show", list_id).stdout
        officer.clear("dsr_erasure_list", list_id, ["carry_out"], downstream=True)
        assert lists.end(list_id) == "success"
    assert "2 people: done" in command(stack, "show", list_id).stdout

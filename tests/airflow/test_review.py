"""What others may be spoken of in, through a real Airflow: held, looked at by whom it is assigned to, let go or not."""

import io
import json
import re
import zipfile
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from observed import PATIENCE, Observed

from embedded.client import AirflowClient
from embedded.clock import put_ahead
from embedded.reviewer import review_as_proposed

pytestmark = [pytest.mark.airflow, pytest.mark.slow]
FIRST = re.compile(r'<article class="item" id="item-(\d+)"')
TOKEN = re.compile(r'name="token" value="([0-9a-f]+)"')


def status(stack: Observed, user: str, path: str) -> int:
    """What a user gets; "" = nobody is signed in."""
    if not user:
        return httpx.get(f"{stack.running.airflow_url}/dsr-console/{path}", trust_env=False).status_code
    with stack.running.client(user) as client:
        return client.console("GET", path).status_code


def downloaded(stack: Observed, request_id: str, folder: Path) -> zipfile.ZipFile:
    """The package, as the person gets it."""
    stack.requester.download(*stack.requester.link_and_code(request_id), folder / "package.zip")
    return zipfile.ZipFile(io.BytesIO((folder / "package.zip").read_bytes()))


def withhold_first(officer: AirflowClient, request_id: str) -> int:
    """Withholds the first item of the queue; its number."""
    page = officer.console("GET", f"review/{request_id}").text
    token, first = TOKEN.search(page), FIRST.search(page)
    assert token is not None
    assert first is not None
    state = re.search(r'name="state" value="([0-9a-f.]+)"', page[first.start() :])
    assert state is not None
    fields = {"token": token.group(1), "state": state.group(1), "verdict": "withheld", "ground": "third_party"}
    assert officer.console("POST", f"review/{request_id}/{first.group(1)}", fields).status_code == 303
    return int(first.group(1))


def test_held_reviewed_and_left_out(stack: Observed, tmp_path: Path) -> None:
    """Only officers see it; "all is reviewed" isn't taken before it is; what is withheld is in no file."""
    canary = stack.population.canary
    request_id = stack.ask(canary.email, ticket_id="T-REVIEW-1", language="en")
    asked = stack.decision(request_id, review=False)
    assert asked["task_id"] == "review"
    assert f"review/{request_id}" not in asked["body"]  # the tab is on the run
    assert status(stack, "", f"review/{request_id}") == 401
    assert status(stack, "engineer", f"review/{request_id}") == 403
    assert status(stack, "officer", f"review/{request_id}") == 200
    stack.decide(request_id, "review", "All is reviewed")
    assert stack.decision(request_id, review=False)["task_id"] == "review"
    with stack.running.client("officer") as officer:
        withhold_first(officer, request_id)
        review_as_proposed(officer, request_id)
    stack.decide(request_id, "review", "All is reviewed")
    assert stack.decision(request_id)["task_id"] == "release"
    stack.decide(request_id, "release", "Approve")
    assert stack.end(request_id) == "success"
    package = downloaded(stack, request_id, tmp_path)
    grounds = {entry["ground"] for entry in json.loads(package.read("decisions.json"))["withheld"]}
    assert "third_party" in grounds
    assert "not_reviewed" not in grounds
    assert any(b"[withheld: data of others]" in package.read(name) for name in package.namelist())
    events = stack.events(request_id)
    assert {e.detail["by"] for e in events if e.kind == "review_viewed"} == {"officer"}
    (concluded,) = [e.detail for e in events if e.kind == "decision" and e.detail["decision"] == "review"
                    and e.detail["choice"] == "all_is_reviewed" and "released" in e.detail]  # fmt: skip
    assert concluded["not_reviewed"] == 0
    assert concluded["withheld"] >= 1
    assert not [name for name in stack.case(request_id).names() if name.startswith(("review/", "others/"))]
    shown_to_whom_it_concerns(stack, request_id)


def shown_to_whom_it_concerns(stack: Observed, request_id: str) -> None:
    """How requests stand is shown to whoever sees their runs, and to nobody else; nobody is told by it."""
    for path in ("requests", "requests.csv", "requests/figures", f"run/{request_id}"):
        assert status(stack, "", path) == 401
        with stack.running.client("engineer") as engineer:
            page = engineer.console("GET", path)
        assert page.status_code == 200
        assert (request_id in page.text) == (path != "requests/figures")
        assert [value for value in stack.population.canary.identifying() if value in page.text] == []


def test_nobody_opens_the_queue(stack: Observed, tmp_path: Path) -> None:
    """Nothing is released meanwhile; the deadline's alarm fires; the rest leaves when a person so decides, and what is
    missing is named."""
    person = stack.population.person("same_name")
    request_id = stack.ask(person.email, ticket_id="T-REVIEW-2", language="en")
    assert stack.decision(request_id, review=False)["task_id"] == "review"
    assert "compose" not in {name for name, state in stack.states(request_id).items() if state == "success"}
    put_ahead(stack.running.folder, timedelta(days=29))
    with stack.running.client("engineer") as engineer:
        run_id = engineer.start("dsr_deadlines")
        assert engineer.wait_for_end("dsr_deadlines", run_id, PATIENCE) == "failed"
    put_ahead(stack.running.folder, timedelta(0))
    assert [e.kind for e in stack.events(request_id)][-1] == "deadline_near"
    stack.decide(request_id, "review", "Without what is not reviewed")
    assert stack.decision(request_id, review=False)["task_id"] == "release"
    stack.decide(request_id, "release", "Approve")
    assert stack.end(request_id) == "success"
    package = downloaded(stack, request_id, tmp_path)
    left_out = [e for e in json.loads(package.read("decisions.json"))["withheld"] if e["ground"] == "not_reviewed"]
    assert sum(entry["count"] for entry in left_out) > 10
    assert "not yet been able to review" in package.read("index.html").decode()
    assert json.loads(package.read("data/attachments/attachments.json")) == []
    assert not [e for e in stack.events(request_id) if e.kind == "review_viewed"]

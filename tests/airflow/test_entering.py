"""A letter through a real Airflow: entered by an officer, answered, read out of the console; and a look at a source."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from observed import PATIENCE, Observed

pytestmark = [pytest.mark.airflow, pytest.mark.slow]
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
_CODE = re.compile(r"(?<![0-9A-Z-])[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}(?![0-9A-Z-])")


def hidden(page: str) -> dict[str, str]:
    """The fields of a form that the officer doesn't see."""
    return dict(_HIDDEN.findall(page))


@pytest.mark.thorough
def test_a_letter_and_its_answer(stack: Observed, tmp_path: Path) -> None:
    """The link goes to the mailbox on file, the code to the officer; both together open the package."""
    officer, canary = stack.user("officer"), stack.population.canary
    form = hidden(officer.console("GET", "entry").text)
    today = datetime.now(UTC).date().isoformat()
    typed = {"way": "letter", "day": today, "rights": "access", "email": canary.email, "language": "en"}
    asked = officer.console("POST", "entry", {**form, **typed, "step": "check"})
    assert asked.status_code == 200, asked.text[:500]
    done = officer.console("POST", "entry", {**hidden(asked.text), "step": "enter"})
    assert done.status_code == 303
    assert done.headers["location"].startswith("/dsr-console/entry/dsr-")
    request_id = done.headers["location"].rpartition("/")[2]
    assert "has started" in officer.console("GET", f"entry/{request_id}").text
    assert stack.decision(request_id)["task_id"] == "release"
    stack.decide(request_id, "release", "Approve")
    assert stack.end(request_id) == "success"
    told = officer.console("GET", f"entry/{request_id}/answers").text
    (code,) = set(_CODE.findall(told))
    links = [
        link for mail in stack.requester.mails(request_id) for link in re.findall(r"https?://\S+#\S+", mail["text"])
    ]
    stack.requester.download(links[-1], code, tmp_path / "package.zip")
    assert (tmp_path / "package.zip").stat().st_size > 0
    assert stack.requester.answers(request_id) == [], "there is no ticket"
    noted = {"token": hidden(told)["token"], "way": "letter", "on": today}
    assert officer.console("POST", f"entry/{request_id}/answers/1", noted).status_code == 303
    kinds = stack.kinds(request_id)
    assert {"request_entered", "answer_kept", "answer_viewed", "answer_sent"} <= set(kinds)
    assert canary.email not in str(stack.events(request_id))


def test_a_look_from_the_console(stack: Observed) -> None:
    """The button starts a run for that source alone, and the page shows what came of it."""
    officer = stack.user("officer")
    form = hidden(officer.console("GET", "sources").text)
    before = datetime.now(UTC)
    assert officer.console("POST", "sources/webinars", form).status_code == 303
    runs = officer.get("dags/dsr_sources/dagRuns", order_by="-run_after")["dag_runs"]
    run_id = next(run["dag_run_id"] for run in runs if run["dag_run_id"].startswith("check-webinars-"))
    assert officer.wait_for_end("dsr_sources", run_id, PATIENCE) == "success"
    states = {name: task["state"] for name, task in officer.tasks("dsr_sources", run_id).items()}
    assert states == {"salesforce": "skipped", "pardot": "skipped", "invoicing": "skipped", "recordings": "skipped",
                      "webinars": "success"}  # fmt: skip
    section = officer.console("GET", "sources").text.partition('id="webinars"')[2].partition("</section>")[0]
    assert '<dd class="good">Connected</dd>' in section
    assert f"{before:%Y}" in section
    assert officer.console("GET", "register").status_code == 200

"""The whole way as people go it, each at their browser: an officer in Airflow's UI, the person with mail and ticket."""

import hashlib
from pathlib import Path
from typing import Any

import officer_at_the_browser as officer
import pytest
from observed import Observed

pytestmark = [pytest.mark.airflow, pytest.mark.browser, pytest.mark.slow]
_DAG = "dsr_access"


def test_from_the_webhook_to_the_file(browser: Any, stack: Observed, tmp_path: Path) -> None:
    """Webhook → review and release by clicks in Airflow → mail → page → code → file."""
    request_id = stack.ask(stack.population.person("same_name").email, ticket_id="T-BROWSER", language="en")
    assert stack.decision(request_id, review=False)["task_id"] == "review"
    with officer.window(browser) as page:
        officer.sign_in(page, stack.running, "officer")
        assert officer.review(page, stack.running, _DAG, request_id) >= 1
        officer.decide(page, stack.running, _DAG, request_id, "review", "All is reviewed")
        assert stack.decision(request_id, review=False)["task_id"] == "release"
        officer.decide(page, stack.running, _DAG, request_id, "release", "Approve")
    assert stack.end(request_id) == "success"
    link, code = stack.requester.link_and_code(request_id)
    with officer.window(browser) as page:
        page.goto(link)
        assert "#" not in page.url
        page.fill("#code", code)
        page.press("#code", "Enter")
        page.wait_for_selector("#download")
        with page.expect_download() as download:
            page.click("#download")
        download.value.save_as(tmp_path / "package.zip")
    sha256 = hashlib.sha256((tmp_path / "package.zip").read_bytes()).hexdigest()
    (released,) = [e.detail["sha256"] for e in stack.events(request_id) if e.kind == "composed"]
    assert sha256 == released
    assert {e.detail["by"] for e in stack.events(request_id) if e.kind == "decision"} == {"officer"}

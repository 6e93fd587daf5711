"""An officer and a person, each at their browser: what they see and click, nothing else."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from embedded.stack import Stack

_SLOW_MS: Final = 60_000


@contextmanager
def window(browser: Any, **options: Any) -> Iterator[Any]:
    """A window of somebody's own, with patience for a busy machine."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True, **options)
    context.set_default_timeout(_SLOW_MS)
    try:
        yield context.new_page()
    finally:
        context.close()


def sign_in(page: Any, stack: Stack, user: str) -> None:
    """Signs in at Airflow's own page."""
    page.goto(stack.airflow_url)
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", stack.secrets.passwords[user])
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Home").first.wait_for()


def review(page: Any, stack: Stack, dag_id: str, run_id: str) -> int:
    """Goes through the review in the run's tab: says of doubtful records that they aren't theirs, takes what is
    proposed for texts, releases files unless others are heard in them; how many pages there were."""
    page.goto(f"{stack.airflow_url}/dags/{dag_id}/runs/{run_id}/plugin/dsr_review")
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name="Review before disclosure").wait_for()
    pages = 1
    while True:
        while (record := frame.locator('article[id^="record-"][data-state="open"]').first).count():
            number = record.get_attribute("id")
            record.get_by_role("button", name="Not theirs", exact=True).click()
            frame.locator(f'[id="{number}"]:not([data-state="open"])').wait_for()
        taken = frame.get_by_role("button", name="Take what is proposed for all open texts on this page")
        if taken.count():
            taken.click()
            frame.locator('article.item[data-state="open"]:has(div.text)').first.wait_for(state="detached")
        while (item := frame.locator('article.item[data-state="open"]').first).count():
            heard = item.get_by_text("Others are heard in it").count()
            number = item.get_attribute("id")
            item.get_by_role("button", name="Withhold" if heard else "Release", exact=True).click()
            frame.locator(f'#{number}:not([data-state="open"])').wait_for()
        further = frame.get_by_role("link", name="Next")
        if not further.count():
            return pages
        further.click()
        pages += 1
        frame.get_by_text(re.compile(rf"Page {pages} of")).wait_for()


def decide(page: Any, stack: Stack, dag_id: str, run_id: str, task_id: str, option: str) -> None:
    """Answers a decision where Airflow asks for it: a button each while the options are few, else a list."""
    page.goto(f"{stack.airflow_url}/dags/{dag_id}/runs/{run_id}/tasks/{task_id}/required_actions")
    button, many = page.get_by_test_id(f"hitl-option-{option}"), page.get_by_text("Select Value")
    button.or_(many).first.wait_for()
    if many.count():
        many.click(force=True)  # a list's words lie under its frame
        page.get_by_role("option", name=option, exact=True).click()
        page.keyboard.press("Escape")
        button = page.get_by_role("button", name="Respond")
    with page.expect_response(lambda answer: answer.request.method == "PATCH" and "hitlDetails" in answer.url) as said:
        button.click()
    assert said.value.status == 200, said.value.status

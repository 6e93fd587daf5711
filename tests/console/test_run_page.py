"""The tab of a request's run: its way, sources and events, whether they are unaltered, and what waits."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from console_desk import ALL, NOW, Console, console, look
from made_up_ledger import fill
from sqlalchemy import text
from test_way import STOOD, events

from dsr.errors import PermanentError
from dsr.ledger import Event
from dsr.overview import Asked, Overview
from dsr.report.event_words import told
from dsr.schema import load
from dsr.web.run import identity, sources


@pytest.fixture
def pages(new_ledger: Callable[[], str], tmp_path: Path) -> Iterator[Console]:
    """Over an empty ledger."""
    with console(new_ledger(), tmp_path) as served:
        yield served


def told_to(pages: Console, name: str, request_id: str) -> None:
    """The events of a way into the ledger."""
    right, more, *_ = STOOD[name]
    for event in events(right, *more):
        pages.desk.ledger.append(request_id, event.kind, event.detail, at=event.at)


def test_what_waits_and_where_to_decide(pages: Console) -> None:
    """Shown in words, with the way to Airflow's own page; with nothing to decide there is none."""
    told_to(pages, "a second officer", "dsr-waits-1")
    told_to(pages, "another's data", "dsr-waits-2")
    told_to(pages, "which right", "dsr-waits-3")
    told_to(pages, "who is it", "dsr-waits-4")
    second = pages.get("run/dsr-waits-1").text
    assert "<strong>Approval</strong> and waits for an officer" in second
    assert 'href="/dags/dsr_erasure/runs/dsr-waits-1/required_actions" target="_top"' in second
    assert "plugin/dsr_review" not in second
    assert (
        'href="/dags/dsr_access/runs/dsr-waits-2/plugin/dsr_review" target="_top"' in pages.get("run/dsr-waits-2").text
    )
    assert 'href="/dags/dsr_triage/runs/dsr-waits-3/required_actions"' in pages.get("run/dsr-waits-3").text
    told_to(pages, "to send", "dsr-waits-5")
    assert "required_actions" not in pages.get("run/dsr-waits-5").text
    person = pages.get("run/dsr-waits-4").text
    assert 'href="/dags/dsr_erasure/runs/dsr-waits-4/required_actions"' in person
    assert "<dt>Who asks</dt><dd>asked by a link to a contact on file; no answer yet</dd>" in person


@pytest.mark.parametrize("name", ["failed", "stopped", "the vendor does it later", "answered and closed", "joined"])
def test_how_it_ended_or_goes_on(pages: Console, name: str) -> None:
    """In words and in the picture, which says the same without colours."""
    told_to(pages, name, "dsr-shown-1")
    page = pages.get("run/dsr-shown-1").text
    assert {
        "failed": "Its run failed in <strong>combine</strong>",
        "stopped": "An officer has stopped it at <strong>Review</strong>",
        "the vendor does it later": "<strong>Enforcement</strong> and waits for a source: calls",
        "answered and closed": "Closed: <strong>nothing held</strong>",
        "joined": 'joined to <a href="/run/dsr-other-1">dsr-other-1</a>',
    }[name] in page
    steps = re.findall(r'<li class="(\w+)".*?<strong>([^<]+)</strong>\s*<span class="soft">([a-z ]+)', page, re.DOTALL)
    words = {
        "done": "done ",
        "here": "here now",
        "failed": "stopped here",
        "skipped": "not needed",
        "ahead": "not reached",
    }
    assert steps
    assert all(said.strip() == words[state].strip() for state, _, said in steps)
    assert page.count('aria-current="step"') == (name not in ("answered and closed",))


def test_times_are_in_the_controllers_zone(pages: Console) -> None:
    """With UTC beside them."""
    told_to(pages, "failed", "dsr-times-1")
    assert 'title="2026-11-20 09:00:00 UTC">2026-11-20 10:00:00</time>' in pages.get("run/dsr-times-1").text


def test_only_a_request_that_may_be_seen_is_there(pages: Console) -> None:
    """One of another right looks like none."""
    told_to(pages, "another's data", "dsr-theirs-1")
    refused, absent = (pages.get(f"run/{name}", user="erasures") for name in ("dsr-theirs-1", "dsr-theirs-2"))
    assert (refused.status_code, refused.text) == (absent.status_code, absent.text)
    assert refused.status_code == 404


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE events SET detail = '{\"task\": \"other\"}' WHERE kind = 'failed'",
        "UPDATE events SET at = at + interval '1 day' WHERE seq = 2",
        "DELETE FROM events WHERE seq = 2",
        "UPDATE events SET hash = repeat('a', 64) WHERE seq = 3",
        "DELETE FROM events WHERE kind = 'deadline_near'",
        "UPDATE ledger_head SET hash = repeat('a', 64)",
    ],
)
def test_who_changed_the_ledger_shows(pages: Console, edit: str) -> None:
    """On the request's own page, for what lies between its events and beside them."""
    told_to(pages, "failed", "dsr-edited-1")
    ledger = pages.desk.ledger
    assert ledger.verify_request("dsr-edited-1") == 6
    assert "Unaltered" in pages.get("run/dsr-edited-1").text
    with ledger.engine.begin() as connection:
        connection.execute(text("ALTER TABLE events DISABLE TRIGGER events_only_grow"))
        connection.execute(text(edit))
    with pytest.raises(PermanentError, match=r"ledger\.tampered"):
        ledger.verify_request("dsr-edited-1")
    answer = pages.get("run/dsr-edited-1")
    assert answer.status_code == 200
    assert "somebody has changed the ledger" in answer.text
    assert "Unaltered" not in answer.text


def test_every_request_of_a_large_ledger_is_unaltered(new_ledger: Callable[[], str], tmp_path: Path) -> None:
    """Each by itself, whoever wrote in between; and has a page."""
    url = new_ledger()
    fill(url, 40, NOW)
    with console(url, tmp_path) as pages:
        overview = Overview(pages.desk.ledger.engine)
        overview.bring_up()
        for row in overview.rows(Asked(ALL, NOW.date())):
            assert pages.desk.ledger.verify_request(row.request_id) >= 3
        for row in overview.rows(Asked(ALL, NOW.date()), 8):
            assert "Unaltered" in pages.get(f"run/{row.request_id}").text


def test_what_became_of_each_source() -> None:
    """By the last word about it; counts of what was done there add up."""
    down = ("source_searched", {"source": "mail", "status": "failed", "code": "http.503"})
    up = ("source_searched", {"source": "mail", "status": "found", "matches": 2, "doubtful": 1})
    read = ("source_extracted", {"source": "mail", "status": "found", "records": 9, "attachments": 4})
    (source,) = sources(events("access", down))
    assert (source.status, source.code) == ("failed", "http.503")
    (source,) = sources(events("access", down, ("failed", {"task": "combine"}), up, read))
    assert (source.status, source.code, source.matches, source.doubtful) == ("found", "", 2, 1)
    assert (source.records, source.files) == (9, 4)
    done = [("enforced", {"source": "mail", "effect": "erase", "outcome": "done", "count": n}) for n in (3, 4)]
    (source,) = sources(events("erasure", up, *done))
    assert source.done == "erase: done 7"


def test_who_asks() -> None:
    """By the last word on it."""
    sent, wrong = ("identity_asked", {"outcome": "sent"}), ("identity_refused", {})
    good = ("identity_verified", {"by": "officer", "method": "officer_in_person", "ok": True})
    doubt = ("identity_verified", {"by": "dpo", "method": "doubt", "ok": False})
    assert identity(events("erasure")) == ""
    assert identity(events("erasure", sent, wrong, wrong)).endswith("no answer yet; wrong answers: 2")
    assert identity(events("erasure", sent, good)) == "confirmed by officer (officer in person)"
    assert identity(events("erasure", sent, good, doubt)).startswith("in doubt")


def test_every_kind_of_event_has_words() -> None:
    """And none of its detail is lost."""
    for kind in load("event")["properties"]["kind"]["enum"]:
        said = told(Event(1, "dsr-words-1", kind, {"odd": ["a", {"b": True}], "source": "mail"}, NOW, ""))
        assert said.words != kind.replace("_", " ").capitalize() or kind in ("released",)
        assert ("odd", "a, b: yes") in said.more
        assert "mail" in said.words or ("source", "mail") in said.more


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), pytest.param(1280, "light", marks=pytest.mark.thorough)])
@pytest.mark.parametrize("name", ["failed", "a second officer"])
def test_everybody_can_use_it(browser: Any, pages: Console, name: str, width: int, scheme: str) -> None:
    """WCAG 2.2 AA as far as axe-core sees."""
    told_to(pages, name, "dsr-state-1")
    look(browser, f"{pages.url}/run/dsr-state-1", width, scheme).context.close()


FRAME = """<!doctype html><title>Airflow</title>
<iframe src="{inner}" sandbox="allow-scripts allow-same-origin allow-forms allow-downloads"></iframe>"""


@pytest.mark.browser
def test_a_link_out_of_airflows_frame_leads_the_whole_window(browser: Any, pages: Console) -> None:
    """Airflow's frame doesn't let the page do that itself; the window around it does."""
    told_to(pages, "a second officer", "dsr-framed-1")
    page = browser.new_page()
    page.route("**/airflow", lambda route: route.fulfill(
        content_type="text/html", body=FRAME.format(inner=f"{pages.url}/run/dsr-framed-1")))  # fmt: skip
    page.route("**/dags/**", lambda route: route.fulfill(content_type="text/html", body="<title>there</title>"))
    page.goto(f"{pages.url}/airflow")
    page.frame_locator("iframe").get_by_role("link", name="Decide under Required Actions").click()
    page.wait_for_url("**/dags/dsr_erasure/runs/dsr-framed-1/required_actions")
    assert page.title() == "there"
    page.close()

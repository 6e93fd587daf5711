"""The list of requests, its table for the authority and its figures, over the wire and in a real browser."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from console_desk import ALL, NOW, USERS, Console, console, look
from made_up_ledger import fill

from dsr.checks import Check, Checks
from dsr.figures import figures
from dsr.overview import Asked, Overview
from dsr.requesters import Requesters
from dsr.settings import subkey
from dsr.web.console import Visitor
from dsr.web.requests import COLUMNS, table

WHOLE = Asked(ALL, NOW.date())
ROW = re.compile(r'<th scope="row" class="id"><a href="([^"]*)" target="_top">(dsr-made-\d+)</a></th>\s*<td>(\w+)</td>')


@pytest.fixture(scope="module")
def pages(new_ledger: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """Over 300 requests."""
    url = new_ledger()
    fill(url, 300, NOW)
    with console(url, tmp_path_factory.mktemp("cases")) as served:
        yield served


@pytest.fixture
def overview(pages: Console) -> Overview:
    """What the pages show."""
    overview = Overview(pages.desk.ledger.engine)
    overview.bring_up()
    return overview


def test_who_may_see_it(pages: Console) -> None:
    """Whoever sees runs; of those rights whose runs they see, in the list, its counts, its table and its figures."""
    for path in ("requests", "requests.csv", "requests/figures", "run/dsr-made-000001"):
        assert pages.get(path, user="").status_code == 401
        assert pages.get(path, user="nobody").status_code == 403
        assert pages.get(path, user="viewer").status_code == 200
    shown = pages.get("requests", user="erasures")
    assert {right for *_, right in ROW.findall(shown.text)} == {"erasure"}
    assert {right for *_, right in ROW.findall(pages.get("requests", user="erasures", right="access").text)} == set()
    lines = csv.DictReader(io.StringIO(pages.get("requests.csv", user="erasures").text))
    assert {line["right"] for line in lines} == {"erasure"}
    load = re.findall(r'<tr><th scope="row">(\w+)</th>\s*<td><svg', pages.get("requests/figures", user="erasures").text)
    assert load == ["erasure"]


def test_the_list_is_the_overview(pages: Console, overview: Overview) -> None:
    """Page by page, in its order; each leads to its run in Airflow."""
    rows = overview.rows(WHOLE)
    shown = [found for page in range(1, 7) for found in ROW.findall(pages.get("requests", page=str(page)).text)]
    assert [request_id for _, request_id, _ in shown] == [row.request_id for row in rows]
    dag = "dsr_objection" if rows[0].run == "withdrawal" else f"dsr_{rows[0].run}"
    assert shown[0][0] == f"/dags/{dag}/runs/{rows[0].request_id}/plugin/dsr_request"
    assert pages.get("requests", page="99").text.count('<th scope="row" class="id">') == (len(rows) % 50 or 50)
    for odd in ("0", "-1", "x", "9" * 40):
        assert ROW.findall(pages.get("requests", page=odd).text) == shown[:50]


def test_filters_stay_from_page_to_page(pages: Console, overview: Overview) -> None:
    """And what isn't a filter is none."""
    first = pages.get("requests", right="access", phase="closed", sort="oldest").text
    assert 'href="/requests?right=access&amp;phase=closed&amp;sort=oldest&amp;page=2" rel="next"' in first
    assert {right for *_, right in ROW.findall(first)} == {"access"}
    late = [row.request_id for row in overview.rows(WHOLE) if not row.settled and row.latest < NOW.date()]
    assert [found for _, found, _ in ROW.findall(pages.get("requests", overdue="yes").text)] == late[:50]
    hostile = pages.get("requests", right="<script>", phase="'", waits='"', sort="; DROP TABLE overview", id="<b>")
    assert hostile.status_code == 200
    assert ROW.findall(hostile.text) == []
    assert "<script>" not in hostile.text.replace("<script src", "")
    assert pages.get("requests").text.count("days over") >= 1


def test_a_ticket_leads_to_its_request(pages: Console, overview: Overview) -> None:
    """By a form that came from the page; the ticket's number stands in no address."""
    first, other = [row.request_id for row in overview.rows(WHOLE)][:2]
    requesters = Requesters(pages.desk.ledger.engine, subkey(bytes(32), "requesters"))
    requesters.enter(first, "a@b.example", NOW, NOW - timedelta(days=1), ticket="90210")
    requesters.enter(other, "c@b.example", NOW, NOW - timedelta(days=1), ticket="DSR-7")
    token = re.search(r'name="token" value="([0-9a-f]+)"', pages.get("requests").text).group(1)  # type: ignore[union-attr]
    for user, headers, sent in (
        ("officer", {}, ""),
        ("viewer", {}, token),
        ("officer", {"origin": "https://evil.example"}, token),
    ):
        assert pages.post("requests/ticket", user, headers, token=sent, ticket="90210").status_code == 403
    answer = pages.post("requests/ticket", token=token, ticket=" dsr-7 ")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/requests?id={other}")
    assert [found for _, found, _ in ROW.findall(pages.get("requests", id=other).text)] == [other]
    for unknown in ("90211", "", " "):
        nowhere = pages.post("requests/ticket", token=token, ticket=unknown).headers["location"]
        assert "No request that you may see came in that ticket" in pages.get(nowhere.removeprefix("/")).text


def test_of_what_they_may_not_see_a_ticket_tells_nothing(pages: Console, overview: Overview) -> None:
    """Not even that there is such a request: the way is that of a ticket in which none came."""
    rows = {row.right: row.request_id for row in overview.rows(WHOLE)}
    requesters = Requesters(pages.desk.ledger.engine, subkey(bytes(32), "requesters"))
    for right in ("access", "erasure"):
        requesters.enter(rows[right], f"{right}@b.example", NOW, NOW - timedelta(days=1), ticket=f"OF-{right}")
    token = re.search(r'name="token" value="([0-9a-f]+)"', pages.get("requests", "erasures").text).group(1)  # type: ignore[union-attr]
    ways = {
        ticket: pages.post("requests/ticket", "erasures", token=token, ticket=ticket).headers["location"]
        for ticket in ("OF-access", "OF-erasure", "OF-none")
    }
    assert ways["OF-erasure"] == f"/requests?id={rows['erasure']}"
    assert ways["OF-access"] == ways["OF-none"]


def test_the_table_for_the_authority(pages: Console, overview: Overview) -> None:
    """One line for each request, right in every cell; the filters apply; nothing that a spreadsheet would run."""
    answer = pages.get("requests.csv", sort="oldest")
    assert answer.headers["content-disposition"] == 'attachment; filename="requests-2026-11-20.csv"'
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    rows = {row.request_id: row for row in overview.rows(WHOLE)}
    assert len(lines) == len(rows) == 300
    assert tuple(lines[0]) == COLUMNS
    for line in lines:
        row = rows[line["request"]]
        assert (line["right"], line["outcome"], line["refused_for"]) == (row.right, row.outcome, row.refused_for)
        assert (
            (line["answered"] == "")
            == (row.answered_at is None)
            == (line["days_taken"] == "")
            == (line["in_time"] == "")
        )
        assert (line["extended"] == "yes") == (line["extended_for"] != "") == (row.latest > row.legal_latest)
    one = next(row for row in rows.values() if row.outcome == "refused")
    (line,) = [line for line in lines if line["request"] == one.request_id]
    assert (line["refused"], line["refused_for"]) == ("yes", "identity")
    assert one.answered_at is not None
    zone = pages.desk.settings.zone
    took = one.answered_at.astimezone(zone).date() - one.received_at.astimezone(zone).date()
    assert line["days_taken"] == str(took.days)
    refused = list(csv.DictReader(io.StringIO(pages.get("requests.csv", waits="officer").text)))
    assert {line["request"] for line in refused} == {row.request_id for row in rows.values() if row.waits == "officer"}
    (evil,) = list(csv.reader(io.StringIO(b"".join(list(table([replace(one, request_id="-1+1")], zone))[1:]).decode())))
    assert evil[0] == "'-1+1"


def test_the_figures_are_counted_right(pages: Console, overview: Overview) -> None:
    """Against a count by hand of the same requests."""
    zone, today, year = pages.desk.settings.zone, NOW.date(), NOW.date() - timedelta(days=365)
    found = figures(pages.desk.ledger.engine, ALL, today, "Europe/Stockholm")
    rows = overview.rows(WHOLE)
    days = [(r, r.received_at.astimezone(zone).date(), r.answered_at and r.answered_at.astimezone(zone).date())
            for r in rows]  # fmt: skip
    since = found.weeks[0]
    for right, load in found.load.items():
        assert sum(load) == sum(row.right == right and received >= since for row, received, _ in days)
    own = [(row, received, answered) for row, received, answered in days if row.outcome != "linked"]
    took = sorted(
        (answered - received).days
        for _, received, answered in own
        if answered and answered >= year and received >= year
    )
    assert found.median is not None
    assert took[len(took) // 2 - 1] <= found.median <= took[len(took) // 2 + 1]
    assert sum(found.took) == sum(bool(answered and answered >= year) for *_, answered in own)
    asked = [(row, answered) for row, received, answered in own if received >= year]
    over = [(row, answered) for row, answered in asked if answered or row.legal_latest < today]
    assert found.one_month.whole == len(over)
    assert found.one_month.part == sum(bool(answered and answered <= row.legal_latest) for row, answered in over)
    assert 0 < found.one_month.part < found.one_month.whole
    assert found.three_months.part >= found.one_month.part
    events = [e for e in pages.desk.ledger.events() if e.kind == "source_searched" and e.at > NOW - timedelta(days=29)]
    assert sum(sum(by.values()) for by in found.searches.values()) >= len(events) > 0
    assert set(found.searches) == {e.detail["source"] for e in events}


def test_how_much_of_a_days_calls_is_used(pages: Console) -> None:
    """As the source said when it last let us in; none that doesn't say."""
    checks = Checks(pages.desk.ledger.engine)
    assert "No source has said" in pages.get("requests/figures").text
    checks.note(Check("salesforce", NOW, calls_left=11_250, calls_a_day=15_000))
    checks.note(Check("salesforce", NOW + timedelta(hours=1), code="http.401"))
    checks.note(Check("pardot", NOW))
    text = pages.get("requests/figures").text
    (row,) = re.findall(
        r'<th scope="row">(\w+)</th><td class="number">([\d,]+)</td><td class="number">([\d,]+)</td>', text
    )
    assert row == ("salesforce", "3,750", "15,000")
    assert " 25 %," in text


def test_nothing_yet(new_ledger: Callable[[], str], tmp_path: Path) -> None:
    """Says so, and divides by nothing."""
    with console(new_ledger(), tmp_path) as pages:
        assert "0 requests" in pages.get("requests").text
        figures = pages.get("requests/figures")
        assert figures.status_code == 200
        assert "none yet" in figures.text
        assert pages.get("requests.csv").text.count("\r\n") == 1
        assert pages.get("run/scheduled__2026-11-20T00:00:00+00:00").status_code == 404


def test_rights_of_users_are_as_the_fixture_says() -> None:
    """Or `test_who_may_see_it` says nothing."""
    assert USERS["erasures"] == Visitor("erasures", frozenset({"erasure"}), frozenset())


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), pytest.param(1280, "light", marks=pytest.mark.thorough)])
@pytest.mark.parametrize("path", ["requests?overdue=yes", "requests/figures"])
def test_everybody_can_use_it(browser: Any, pages: Console, path: str, width: int, scheme: str) -> None:
    """WCAG 2.2 AA as far as axe-core sees."""
    look(browser, f"{pages.url}/{path}", width, scheme).context.close()


@pytest.mark.browser
def test_without_script(browser: Any, pages: Console, overview: Overview) -> None:
    """Filters and the ticket's form lead where they should."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{pages.url}/requests")
    page.select_option("select[name=right]", "erasure")
    page.select_option("select[name=phase]", "closed")
    page.click("button:has-text('Show')")
    assert page.input_value("select[name=phase]") == "closed"
    assert set(page.locator("tbody td:nth-of-type(1)").all_inner_texts()) == {"erasure"}
    request_id = overview.rows(WHOLE)[5].request_id
    requesters = Requesters(pages.desk.ledger.engine, subkey(bytes(32), "requesters"))
    requesters.enter(request_id, "d@b.example", NOW, NOW - timedelta(days=1), ticket="31337")
    page.fill("input[name=ticket]", "31337")
    page.click("button:has-text('Find')")
    page.wait_for_url("**/requests?id=*")
    assert page.locator("tbody th").all_inner_texts() == [request_id]
    assert "31337" not in page.url
    context.close()

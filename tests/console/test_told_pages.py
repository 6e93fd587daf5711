"""What officers and auditors see of what was done and who was told, when the case file is gone."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from console_desk import NOW, Console, console, look

from dsr.__main__ import main
from dsr.casefile import CaseStore
from extractors import SOURCES

REQUEST = "dsr-told-1"
CERTIFIED = {
    "sha256": "ef" * 32,
    "right": "erasure",
    "made_at": "2026-11-19T12:00:00Z",
    "systems": [
        {"source": "salesforce", "doubtful": 2, "datasets": [
            {"dataset": "salesforce_contact", "lines": [[
                {"effect": "erase", "state": "done", "count": 3, "reason": ""},
                {"effect": "anonymise", "state": "done", "count": 1, "reason": ""}]]}]},
        {"source": "invoicing", "datasets": [
            {"dataset": "invoicing_invoice", "lines": [[
                {"effect": "restrict", "state": "remains", "count": 7, "reason": "gdpr:JustificationA17LegallyRequired",
                 "until": "2033-12-31"}]]}]},
        {"source": "webinars", "datasets": []},
    ],
}  # fmt: skip
EVENTS: list[tuple[str, dict[str, Any]]] = [
    ("request_received", {"channel": "zendesk", "right": "erasure", "received_at": "2026-11-10T08:00:00+00:00",
                          "target": "2026-12-07", "legal_latest": "2026-12-10"}),
    ("enforced", {"source": "salesforce", "dataset": "salesforce_contact", "effect": "erase", "outcome": "done",
                  "count": 3}),
    ("enforced", {"source": "webinars", "dataset": "webinar_registration", "effect": "erase", "outcome": "done",
                  "count": 1}),
    ("enforced", {"source": "invoicing", "dataset": "invoicing_invoice", "effect": "restrict", "outcome": "done",
                  "count": 7}),
    ("notified", {"recipient": "salesforce", "by": "opendsr", "kind": "erasure", "notice": "urn:uuid:a",
                  "status": "pending", "receipt_sha256": "ab" * 32}),
    ("notice_failed", {"recipient": "zoom", "kind": "erasure", "notice": "urn:uuid:b", "code": "http.503"}),
    ("certified", CERTIFIED),
    ("notified", {"recipient": "salesforce", "kind": "erasure", "notice": "urn:uuid:a", "status": "completed"}),
    ("answered", {"outcome": "done"}),
    ("closed", {"outcome": "answered"}),
]  # fmt: skip


@pytest.fixture
def url(new_ledger: Callable[[], str]) -> str:
    """Of a ledger without events."""
    return new_ledger()


@pytest.fixture
def pages(url: str, tmp_path: Path) -> Iterator[Console]:
    """Over a ledger in which that request is closed; there is no case file."""
    with console(url, tmp_path, declarations=[source.declaration for source in SOURCES]) as served:
        for kind, detail in EVENTS:
            served.desk.ledger.append(REQUEST, kind, detail, at=NOW)
        yield served


def certificate_path(pages: Console) -> str:
    """Of its only certificate, as the tab of the request leads there."""
    (event,) = [e for e in pages.desk.ledger.events(REQUEST) if e.kind == "certified"]
    path = f"run/{REQUEST}/certificate/{event.seq}"
    assert f'href="/{path}"' in pages.get(f"run/{REQUEST}").text
    return path


def test_the_certificate_can_be_read_in_both_languages(pages: Console) -> None:
    """By system and dataset: effect, count, ground and day."""
    path = certificate_path(pages)
    english, swedish = (pages.get(path, lang=language).text for language in ("en", "sv"))
    for said in ("3: erased", "1: anonymised, not erased", "7: restricted, not erased", "Article 17(3)(b)",
                 "31 December 2033", "Customer register: you as a contact", "2: may be about you"):  # fmt: skip
        assert said in english
    for said in ("3: raderade", "1: anonymiserade, inte raderade", "Lagen kräver", "31 december 2033",
                 "Kundregister: du som kontakt"):  # fmt: skip
        assert said in swedish
    assert '<div class="letter" lang="sv">' in swedish
    assert "ef" * 32 in english
    assert "the digest is not that of" in english


def test_who_may_not_see_the_request_sees_neither(pages: Console) -> None:
    """They look like those of a request that isn't there."""
    pages.desk.ledger.append("dsr-told-2", *EVENTS[0], at=NOW)
    for path in (certificate_path(pages), f"run/{REQUEST}/recipients"):
        assert pages.get(path, user="erasures").status_code == 200
        assert pages.get(path, user="nobody").status_code == 403
        assert pages.get(path, user="").status_code == 401
        assert pages.get(path.replace(REQUEST, "dsr-told-2")).status_code == (404 if "certificate" in path else 200)
        assert pages.get(path.replace(REQUEST, "dsr-told-3")).status_code == 404
    right = {**EVENTS[0][1], "right": "access"}
    pages.desk.ledger.append("dsr-told-4", EVENTS[0][0], right, at=NOW)
    assert pages.get("run/dsr-told-4/recipients", user="erasures").status_code == 404


def test_the_tab_lists_the_recipients(pages: Console) -> None:
    """Name and address by the register, when, how, and how it stands. Whom only restricted invoices reached is none of
    Art. 19, since the request was for erasure."""
    page = pages.get(f"run/{REQUEST}").text
    section = page.split('<h2 id="recipients">')[1].split("<h2")[0]
    for said in ("Salesforce.com, Inc.", "dsr_notice_salesforce", "2026-11-20 10:00", "acknowledged, and done there",
                 "Zoom Communications, Inc.", "not told", "http.503"):  # fmt: skip
        assert said in section
    assert "Skatteverket" not in section
    assert "systems:" not in page.split('<h2 id="events">')[1]


def test_the_letter_about_them_is_in_the_persons_language(pages: Console, tmp_path: Path) -> None:
    """While the case file says which that is; else in the one that is asked for."""
    path = f"run/{REQUEST}/recipients"
    assert "den 20 november 2026: underrättad om radering" in pages.get(path).text
    assert "on 20 November 2026: told of erasure" in pages.get(path, lang="en").text
    CaseStore(str(tmp_path), bytes(32)).create(REQUEST).write_json("request", {"language": "en"})
    assert "on 20 November 2026: told of erasure" in pages.get(path).text


def test_the_terminal_says_the_same(
    pages: Console, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`show REQUEST --recipients`, for people and programs, and the letter to copy."""
    monkeypatch.setenv("DSR_LEDGER_URL", url)
    monkeypatch.setenv("DSR_MASTER_KEY", base64.b64encode(bytes(32)).decode())
    assert main(["show", REQUEST, "--recipients"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in table] == ["recipient", "Salesforce.com, Inc.", "Zoom Communications, Inc."]
    assert table[1].endswith("acknowledged, and done there")
    assert main(["show", REQUEST, "--recipients", "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["status"], datetime.fromisoformat(first["at"]), first["by"]) == ("completed", NOW, "opendsr")
    assert (second["status"], second["at"], second["code"]) == ("failed", None, "http.503")
    assert main(["show", REQUEST, "--recipients", "--letter", "en"]) == 0
    letter = capsys.readouterr().out
    assert "- Salesforce.com, Inc., on 20 November 2026: told of erasure" in letter
    assert "not been able to tell yet" in letter


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1280, "light")])
@pytest.mark.parametrize("page", ["tab", "certificate", "recipients"])
def test_everybody_can_read_them(
    browser: Any, pages: Console, tmp_path: Path, page: str, width: int, scheme: str
) -> None:
    """WCAG 2.2 AA as far as axe-core sees."""
    paths = {"tab": f"run/{REQUEST}", "certificate": certificate_path(pages), "recipients": f"run/{REQUEST}/recipients"}
    look(browser, f"{pages.url}/{paths[page]}", width, scheme, tmp_path / f"{page}.png").context.close()

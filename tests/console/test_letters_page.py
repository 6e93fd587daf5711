"""The letters in the console: an index, each on a page of its own, readable on a phone, doing nothing."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from console_desk import Console, console, look

from dsr.report.specimens import specimens
from dsr.settings import Controller

CONTROLLER = Controller("Controller Ådal AB", "dpo@controller.example", "Storgatan 1, 111 11 Stockholm")


@pytest.fixture(scope="module")
def pages(new_ledger: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    folder = tmp_path_factory.mktemp("letters")
    with console(new_ledger(), folder, controller=CONTROLLER, mail_from="privacy@controller.example") as served:
        yield served


def test_all_letters_are_listed_and_each_is_shown(pages: Console) -> None:
    found = {specimen.stem: specimen for specimen in specimens(pages.desk.settings)}
    index = pages.get("letters")
    assert index.status_code == 200
    assert set(re.findall(r'href="/letters/([\w.-]+)"', index.text)) == set(found)
    some = ("first-acknowledged-access.sv", "erasure-partial.en", "access-link-zip-mail.sv", "officers-reminder.en")
    for stem in some:
        page, sent = pages.get(f"letters/{stem}"), pages.get(f"letters/{stem}/as-sent")
        assert (page.status_code, sent.status_code) == (200, 200)
        assert sent.text == found[stem].html
        assert "sandbox" in sent.headers["content-security-policy"]
        assert "script-src" not in sent.headers["content-security-policy"]
        assert "unsafe-inline" not in page.headers["content-security-policy"]


def test_who_may_not_see_requests_sees_no_letters_and_nothing_else_is_there(pages: Console) -> None:
    for path in ("letters", "letters/erasure-partial.en", "letters/erasure-partial.en/as-sent"):
        assert pages.get(path, user="").status_code == 401
        assert pages.get(path, user="nobody").status_code == 403
        assert pages.get(path, user="viewer").status_code == 200
        assert pages.post(path).status_code == 405
    for path in ("letters/erasure-partial", "letters/erasure-partial.de", "letters/..%2f..%2fetc"):
        assert pages.get(path).status_code == 404


@pytest.mark.parametrize(
    ("path", "width", "scheme"),
    [
        ("letters", 320, "light"),
        ("letters/erasure-partial.sv", 320, "dark"),
        ("letters/access-link-zip-mail.en", 1280, "light"),
    ],
)
def test_they_can_be_read(pages: Console, browser: Any, path: str, width: int, scheme: str, tmp_path: Path) -> None:
    page = look(browser, f"{pages.url}/{path}", width, scheme, tmp_path / "page.png")
    if path != "letters":
        frame = page.frames[1]
        assert frame.locator("h1").inner_text() == page.locator("h1").inner_text()
        assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than its frame"
    page.context.close()


def test_from_the_index_to_a_letter_and_to_the_other_language(pages: Console, browser: Any) -> None:
    """By keys alone; groups open and close without a script."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{pages.url}/letters")
    page.locator("summary", has_text="Erasure").focus()
    page.keyboard.press("Enter")
    link = page.get_by_role("link", name="Erasure (Art. 17), Done in part, sv", exact=True)
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/letters/erasure-partial.sv")
    page.get_by_role("link", name="The same in the other language").click()
    page.wait_for_url("**/letters/erasure-partial.en")
    assert "You asked us to erase your personal data." in page.locator("div.letter").inner_text()
    context.close()

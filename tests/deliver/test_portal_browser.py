"""A person with a browser: link, code, file; with script and without; and naughty input runs nothing."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from counter_hall import Office, a_zip

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip
pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM.exists(), reason="no chromium here")]


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield running
        running.close()


def delivered(office: Office, portal: str, request_id: str) -> tuple[str, str, bytes]:
    """The link and the code as the person got them, and what they lead to."""
    content = a_zip(200_000)
    office.deliver(office.case(request_id, package=content, language="en"))
    mail, answer = office.post.mails[-1], office.post.answers[-1]
    link = re.search(r"http\S+#\S+", mail.get_body(("plain",)).get_content()).group(0)
    code = re.search(r"^[0-9A-Z-]{14}$", answer.text, re.MULTILINE).group(0)
    return link.replace(office.settings.portal_url, portal), code, content


def test_link_code_file(browser: "playwright.Browser", office: Office, portal: str) -> None:
    link, code, content = delivered(office, portal, "dsr-browser0")
    page = browser.new_page(viewport={"width": 390, "height": 844})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(link)
    assert page.evaluate("location.hash") == ""
    assert page.input_value("#link") == link
    assert page.evaluate("document.activeElement.id") == "code"
    assert "4 December 2026" in page.inner_text(".expiry")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.click(".language")
    page.wait_for_selector("html[lang=sv]")
    assert page.input_value("#link").partition("#")[2] == link.partition("#")[2]
    link = page.input_value("#link")
    page.fill("#code", "0000-0000-0000")
    page.click("button")
    page.wait_for_selector("#problem")
    assert page.input_value("#link") == link
    page.fill("#code", code.lower().replace("-", " "))
    with page.expect_download() as download:
        page.click("button")
    assert download.value.suggested_filename == "dsr-browser0.zip"
    assert hashlib.sha256(Path(download.value.path()).read_bytes()).digest() == hashlib.sha256(content).digest()
    assert [text for text in said if "Content Security Policy" in text] == []
    assert [e.kind for e in office.ledger.events("dsr-browser0")][-2:] == ["code_refused", "downloaded"]
    page.close()


def test_without_script(browser: "playwright.Browser", office: Office, portal: str) -> None:
    link, code, _ = delivered(office, portal, "dsr-noscript0")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(portal)
    page.fill("#link", link)
    page.fill("#code", code)
    with page.expect_download() as download:
        page.press("#code", "Enter")
    assert download.value.suggested_filename == "dsr-noscript0.zip"
    context.close()


def test_naughty_input_runs_nothing(browser: "playwright.Browser", portal: str) -> None:
    page = browser.new_page()
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for naughty in (
        '"><img src=x onerror=alert(1)>',
        "' autofocus onfocus=alert(1) x='",
        "</style><script>alert(1)</script>",
    ):
        page.goto(f"{portal}/#{naughty}")
        page.fill("#link", naughty)
        page.fill("#code", naughty)
        page.click("button")
        page.wait_for_selector("#problem")
        assert page.input_value("#link") == naughty
    assert dialogs == []
    page.close()

"""A person with a browser: link, code, file; with script and without; and naughty input runs nothing."""

import hashlib
import os
import re
import subprocess
from dataclasses import replace
from itertools import count, product
from pathlib import Path
from typing import Any

import pytest
from counter_hall import Clock, Office, a_zip
from served import served

from dsr.signing import verify
from dsr.web.portal import create_app

playwright = pytest.importorskip("playwright.sync_api")
AXE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SMALLEST_TARGET = """Math.min(...[...document.querySelectorAll("button, input, summary, .button, .files a, .language")]
    .map(part => Math.min(part.offsetWidth, part.offsetHeight)))"""
NORMAL = {("light", 1280, "en"), ("dark", 320, "sv")}
"""Each scheme, each width and each language once."""
LOOKS = [
    pytest.param(*look, marks=[] if look in NORMAL else pytest.mark.thorough)
    for look in product(("light", "dark"), (320, 1280), ("sv", "en"))
]
NUMBERS = count(10)
SHOTS = os.environ.get("DSR_SCREENSHOTS", "")
"""A folder: pictures of every state are left there, for whoever wants to look at them."""
pytestmark = pytest.mark.browser


def delivered(office: Office, portal: str, request_id: str, size: int = 200_000) -> tuple[str, str, bytes]:
    """The link and the code as the person got them, and what they lead to."""
    content = a_zip(size)
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
    page.click("form button")
    page.wait_for_selector("#problem")
    assert page.input_value("#link") == link
    page.fill("#code", code.lower().replace("-", " "))
    page.click("form button")
    page.wait_for_selector("#download")
    assert page.url == f"{portal}/package?lang=sv"
    assert "4 december 2026 kl. 10:30 CET" in page.inner_text("dl")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.reload()
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == "dsr-browser0.zip"
    assert hashlib.sha256(Path(download.value.path()).read_bytes()).digest() == hashlib.sha256(content).digest()
    assert [text for text in said if "Content Security Policy" in text] == []
    assert [e.kind for e in office.ledger.events("dsr-browser0")][-3:] == [
        "code_refused", "download_begun", "downloaded",
    ]  # fmt: skip
    page.get_by_role("button", name="logga ut").click()
    page.wait_for_selector("text=Du är utloggad")
    page.goto(f"{portal}/package")
    assert page.locator("#download").count() == 0
    page.close()


def test_without_script(browser: "playwright.Browser", office: Office, portal: str) -> None:
    link, code, _ = delivered(office, portal, "dsr-noscript0")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(portal)
    page.fill("#link", link)
    page.fill("#code", code)
    page.press("#code", "Enter")
    page.wait_for_selector("#download")
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == "dsr-noscript0.zip"
    page.go_back()
    page.wait_for_selector("#code")
    page.go_forward()
    page.wait_for_selector("#download")
    context.close()


@pytest.mark.parametrize("script", [True, False])
def test_three_downloads(
    browser: "playwright.Browser", office: Office, portal: str, script: bool, tmp_path: Path
) -> None:
    """One page, three links, in one session."""
    request_id = f"dsr-three-{script:d}"
    link, code, content = delivered(office, portal, request_id)
    context = browser.new_context(java_script_enabled=script, locale="sv-SE")
    page = context.new_page()
    page.goto(portal)
    page.fill("#link", link)
    page.fill("#code", code)
    page.get_by_role("button", name="Fortsätt").click()
    page.locator("summary").click()
    for name in ("Hämta filen", "Signatur", "Kontrollsumma"):
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        download.value.save_as(tmp_path / download.value.suggested_filename)
    names = [request_id + extension for extension in (".zip", ".zip.minisig", ".zip.sha256")]
    assert sorted(path.name for path in tmp_path.glob("dsr-*")) == names
    assert (tmp_path / names[0]).read_bytes() == content
    key = re.search(r"-P (\S+)", page.locator("details").inner_text()).group(1)
    assert verify(key, (tmp_path / names[1]).read_text(), [content])
    done = subprocess.run(["sha256sum", "-c", names[2]], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0
    context.close()


class Breaking:
    """A network that breaks off an answer of the file after so many bytes, the first `times` that it is asked for."""

    def __init__(self, app: Any, after: int, times: int) -> None:
        self.app, self.after, self.times = app, after, times
        self.ranges: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        asked = dict(scope.get("headers", []))
        if not scope.get("path", "").endswith(".zip"):
            await self.app(scope, receive, send)
            return
        self.ranges.append(asked.get(b"range", b"").decode())
        breaks, given = len(self.ranges) <= self.times, 0

        async def broken(message: Any) -> None:
            nonlocal given
            given += len(message.get("body", b""))
            if breaks and given > self.after:
                raise ConnectionResetError
            await send(message)

        await self.app(scope, receive, broken)


def test_a_download_that_breaks_off_goes_on(
    browser: "playwright.Browser", office: Office, clock: Clock, portal: str
) -> None:
    """By itself: the browser asks for what is missing, and only for that, and has the very file in the end."""
    link, code, content = delivered(office, portal, "dsr-brokenoff", 3_000_000)
    network = Breaking(create_app(office.counter(clock)), 1_000_000, 2)
    with served(network) as url:
        page = browser.new_page()
        page.goto(link.replace(portal, url))
        page.fill("#code", code)
        page.press("#code", "Enter")
        page.wait_for_selector("#download")
        with page.expect_download() as download:
            page.click("#download")
        assert download.value.failure() is None
        assert Path(download.value.path()).read_bytes() == content
        page.close()
    assert len(network.ranges) == 3
    assert [bool(re.fullmatch(r"bytes=[1-9]\d+-", asked)) for asked in network.ranges] == [False, True, True]
    assert [e.kind for e in office.ledger.events("dsr-brokenoff")][-2:] == ["download_begun", "downloaded"]


STATES = ("form", "failed", "ended", "done", "package", "parts")
FEW = ("failed", "parts")
"""What has all that the others have."""


def show(page: "playwright.Page", office: Office, url: str, state: str, language: str) -> None:
    """Brings the page into that state."""
    page.goto(f"{url}/{'done' if state == 'done' else 'package' if state == 'ended' else ''}?lang={language}")
    if state == "failed":
        page.fill("#link", "x")
        page.fill("#code", "x")
        page.click("form button")
        page.wait_for_selector("#problem")
    if state in ("package", "parts"):
        request_id = f"dsr-look-{state}-{next(NUMBERS)}"
        link, code, _ = delivered(office, url, request_id, 3_000_000 if state == "parts" else 200_000)
        page.fill("#link", link)
        page.fill("#code", code)
        page.click("form button")
        page.wait_for_selector("#download")
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")


@pytest.mark.parametrize(("scheme", "width", "language"), LOOKS)
def test_everybody_can_use_it(
    browser: "playwright.Browser", office: Office, clock: Clock, language: str, width: int, scheme: str
) -> None:
    """WCAG 2.2 AA as far as axe-core sees, in every state of the pages, what is folded away too."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    # The page's own policy keeps axe out as it does every script.
    limits = replace(office.settings.portal, part_bytes=1_000_000)
    with served(create_app(office.counter(clock, portal=limits))) as url:
        for state in FEW if (scheme, width, language) in NORMAL else STATES:
            size = {"width": width, "height": 844}
            context = browser.new_context(viewport=size, color_scheme=scheme, bypass_csp=True)
            page = context.new_page()
            show(page, office, url, state, language)
            if SHOTS:
                page.screenshot(path=f"{SHOTS}/{state}-{language}-{width}-{scheme}.png", full_page=True)
            result = axe.run(page, options={"runOnly": AXE})
            assert result.violations_count == 0, result.generate_report()
            assert len(result.response["passes"]) > 15
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert page.evaluate(SMALLEST_TARGET) >= 24  # WCAG 2.5.8
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
        page.click("form button")
        page.wait_for_selector("#problem")
        assert page.input_value("#link") == naughty
    assert dialogs == []
    page.close()

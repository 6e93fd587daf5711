"""A person with a browser: link, code, file; with script and without; and naughty input runs nothing."""

import hashlib
import re
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from counter_hall import Office, a_zip

from dsr.signing import verify

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip
AXE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SMALLEST_TARGET = """Math.min(...[...document.querySelectorAll("button, input, summary, .language")]
    .map(part => Math.min(part.offsetWidth, part.offsetHeight)))"""
NORMAL = {("light", 320, "en"), ("light", 1280, "sv"), ("dark", 320, "sv"), ("dark", 1280, "en")}
"""Each scheme with each width, and each of both with each language."""
LOOKS = [
    pytest.param(*look, marks=[] if look in NORMAL else pytest.mark.soak)
    for look in product(("light", "dark"), (320, 1280), ("sv", "en"))
]
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
    page.click("button[value=package]")
    page.wait_for_selector("#problem")
    assert page.input_value("#link") == link
    page.fill("#code", code.lower().replace("-", " "))
    with page.expect_download() as download:
        page.click("button[value=package]")
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


@pytest.mark.parametrize("script", [True, False])
def test_three_downloads(
    browser: "playwright.Browser", office: Office, portal: str, script: bool, tmp_path: Path
) -> None:
    """One form, three buttons, each with the same link and code."""
    request_id = f"dsr-three-{script:d}"
    link, code, content = delivered(office, portal, request_id)
    context = browser.new_context(java_script_enabled=script, locale="sv-SE")
    page = context.new_page()
    page.goto(portal)
    page.fill("#link", link)
    page.fill("#code", code)
    for name in ("Hämta filen", "Hämta signatur", "Hämta kontrollsumma"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        download.value.save_as(tmp_path / download.value.suggested_filename)
    names = [request_id + extension for extension in (".zip", ".zip.minisig", ".zip.sha256")]
    assert sorted(path.name for path in tmp_path.glob("dsr-*")) == names
    assert (tmp_path / names[0]).read_bytes() == content
    page.locator("summary").click()
    key = re.search(r"-P (\S+)", page.locator("details").inner_text()).group(1)
    assert verify(key, (tmp_path / names[1]).read_text(), [content])
    done = subprocess.run(["sha256sum", "-c", names[2]], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0
    context.close()


@pytest.mark.parametrize(("scheme", "width", "language"), LOOKS)
def test_everybody_can_use_it(
    browser: "playwright.Browser", portal: str, language: str, width: int, scheme: str
) -> None:
    """WCAG 2.2 AA as far as axe-core sees, the form as it is first and after a refusal, what is folded away too."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    # The page's own policy keeps axe out as it does every script.
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    for problem in (False, True):
        page.goto(f"{portal}/?lang={language}")
        if problem:
            page.fill("#link", "x")
            page.fill("#code", "x")
            page.click("button[value=package]")
            page.wait_for_selector("#problem")
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
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
        page.click("button[value=package]")
        page.wait_for_selector("#problem")
        assert page.input_value("#link") == naughty
    assert dialogs == []
    page.close()

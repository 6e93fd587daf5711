"""A person with a browser shows that they hold a phone: with script and without, on a phone, in both languages."""

import re

import pytest
from counter_hall import Office
from number_cases import a_case, ask, code_by_text, events, links_of, texting
from test_portal_browser import AXE, LOOKS, SMALLEST_TARGET, pytestmark

playwright = pytest.importorskip("playwright.sync_api")
__all__ = ["pytestmark"]


@pytest.mark.parametrize("script", [True, False])
def test_link_text_shown(browser: "playwright.Browser", office: Office, portal: str, script: bool) -> None:
    office = texting(office)
    case = a_case(office)
    ask(office, case)
    link = links_of(office)[0].replace(office.settings.portal_url, portal)
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=script)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(link if script else f"{portal}/number?lang=en")
    if script:
        assert page.evaluate("location.hash") == ""
    else:
        page.fill("#link", link)
    assert page.input_value("#link") == link
    code = code_by_text(office, lambda: page.click("#send"))
    page.wait_for_selector("#state")
    page.fill("#code", "0000-0000")
    page.click("#prove")
    page.wait_for_selector("[role=alert]")
    assert page.input_value("#link") == link
    page.fill("#code", code.lower().replace("-", " "))
    page.click("#prove")
    page.wait_for_selector("[role=status]")
    assert "you have shown it" in page.inner_text("main")
    assert [kind for kind, _ in events(office, case)][-2:] == ["number_refused", "number_proven"]
    assert [text for text in said if "Content Security Policy" in text] == []
    context.close()


@pytest.mark.parametrize(("scheme", "width", "language"), LOOKS)
def test_everybody_can_use_it(
    browser: "playwright.Browser", portal: str, language: str, width: int, scheme: str
) -> None:
    """WCAG 2.2 AA as far as axe-core sees: as it is first, after a text was sent, and after a refusal."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(f"{portal}/number?lang={language}")
    for button in ("", "#send", "#prove"):
        if button:
            page.fill("#link", "x")
            page.fill("#code", "x")
            page.click(button)
            page.wait_for_selector("[role=alert]" if button == "#prove" else "#state")
        result = axe.run(page, options={"runOnly": AXE})
        assert result.violations_count == 0, result.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate(SMALLEST_TARGET) >= 24  # WCAG 2.5.8
    context.close()


def test_naughty_input_runs_nothing(browser: "playwright.Browser", portal: str) -> None:
    page = browser.new_page()
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(f"{portal}/number?lang=en")
    page.fill("#link", "\"><script>alert(1)</script><img src=x onerror=alert(2)>#' onfocus=alert(3) autofocus='")
    page.click("#send")
    page.wait_for_selector("#state")
    assert dialogs == []
    assert re.search(r"<script>alert", page.content()) is None
    page.close()

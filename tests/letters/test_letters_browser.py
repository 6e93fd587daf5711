"""Every letter and mail as a browser shows it: readable on a phone and a desktop, light and dark, accessible to all
(WCAG 2.2 AA by axe-core), and nothing is loaded from anywhere."""

from typing import Any

import pytest
from made_up_letters import ALL

from dsr.report.specimens import Specimen

pytest.importorskip("axe_playwright_python")

LOOKS = [(320, "light"), (1280, "dark")]
SHORT = {specimen.name.partition("-")[0]: specimen for specimen in ALL if specimen.language == "sv"}
"""One of each group, for the tests of every day."""


def faults(page: Any, specimen: Specimen) -> list[str]:
    """What is wrong with it, as the page stands now."""
    from axe_playwright_python.sync_playwright import Axe

    page.set_content(specimen.html)
    found = [f"axe: {one['id']}" for one in Axe().run(page).response["violations"]]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        found.append("wider than the screen")
    if page.evaluate("document.documentElement.lang") != specimen.language:
        found.append("language")
    return found


def shown(browser: Any, specimens: list[Specimen], width: int, scheme: str) -> dict[str, list[str]]:
    """Name → faults, of those that have any."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    found = {specimen.stem: faults(page, specimen) for specimen in specimens}
    context.close()
    assert [url for url in asked if not url.startswith(("data:", "about:"))] == []
    return {stem: wrong for stem, wrong in found.items() if wrong}


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_one_of_each_group(browser: Any, width: int, scheme: str) -> None:
    assert len(SHORT) > 10
    assert shown(browser, list(SHORT.values()), width, scheme) == {}


@pytest.mark.thorough
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_letter(browser: Any, width: int, scheme: str) -> None:
    assert shown(browser, ALL, width, scheme) == {}

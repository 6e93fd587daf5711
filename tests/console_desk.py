"""The officers' pages, served with a real ledger, and a browser to look at them with; for tests of these pages."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from served import served
from starlette.exceptions import HTTPException
from starlette.requests import Request

from dsr.casefile import CaseStore
from dsr.database import connect
from dsr.ledger import Ledger
from dsr.settings import Settings, subkey
from dsr.source import Declaration
from dsr.vocabulary import RIGHTS, UNCLEAR
from dsr.web.console import Desk, Visitor, create_app

NOW: Final = datetime(2026, 11, 20, 9, tzinfo=UTC)
AXE: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ALL: Final = frozenset({*RIGHTS, UNCLEAR})
USERS: Final[Mapping[str, Visitor]] = {
    "officer": Visitor("officer", ALL, ALL, looks=True, sees_lists=True, starts_lists=True),
    "viewer": Visitor("viewer", ALL, frozenset(), sees_lists=True),
    "erasures": Visitor("erasures", frozenset({"erasure"}), frozenset()),
    "enters": Visitor("enters", ALL, ALL),
    "nobody": Visitor("nobody", frozenset(), frozenset()),
}
"""Who may see and start what."""


@dataclass(frozen=True)
class Console:
    """The pages, served at `url`, and what they stand on."""

    url: str
    desk: Desk

    def get(self, path: str, user: str = "officer", **params: str) -> httpx.Response:
        """As this user of USERS; "" = nobody is signed in."""
        return httpx.get(f"{self.url}/{path}", headers={"x-user": user}, params=params or None, trust_env=False)

    def post(
        self, path: str, user: str = "officer", headers: Mapping[str, str] | None = None, **fields: Any
    ) -> httpx.Response:
        """A form of this user's, as given: without a token unless `fields` has one."""
        sent = {"x-user": user, **(headers or {})}
        return httpx.post(f"{self.url}/{path}", data=fields, headers=sent, trust_env=False)


@contextmanager
def console(
    ledger_url: str, folder: Path, at: datetime = NOW, declarations: Sequence[Declaration] = (), **settings: Any
) -> Iterator[Console]:
    """The pages over the ledger at that address, the cases in that folder, at that time."""
    plain = Settings(case_store=str(folder), ledger_url=ledger_url, master_key=bytes(32))
    told, engine = replace(plain, **settings), connect(ledger_url)
    ledger = Ledger(engine, subkey(told.master_key, "ledger"))
    cases = CaseStore(told.case_store, told.master_key)
    desk = Desk(told, cases, ledger, _reviewing, _visiting, _alone, lambda: at, declarations)
    with served(create_app(desk)) as url:
        yield Console(url, desk)
    engine.dispose()


def look(browser: Any, url: str, width: int, scheme: str, picture: Path | None = None) -> Any:
    """Opens a page as the officer does and fails unless axe-core is content, it fits the width, and the browser had
    nothing to say about it; the open page. Its context is the caller's to close."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))  # asked for where Airflow's UI isn't around
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(url)
    if picture is not None:
        page.screenshot(path=picture, full_page=True)
    result = axe.run(page, options={"runOnly": AXE})
    assert result.violations_count == 0, result.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it is wider than the window"
    assert not said, said
    return page


async def _visiting(request: Request) -> Visitor:
    user = request.headers.get("x-user", "officer")
    if not user:
        raise HTTPException(401)
    return USERS[user]


async def _reviewing(request: Request, right: str) -> str:
    visitor = await _visiting(request)
    if right not in ("", *visitor.starts) or not visitor.starts:
        raise HTTPException(403)
    return visitor.code


@contextmanager
def _alone(_: str) -> Iterator[None]:
    with _LOCK:
        yield


_LOCK: Final = threading.Lock()

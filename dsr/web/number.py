"""The page on which a person shows that they hold a phone, on the same server as the download page.

POST /number/code    form field `link` → a code by text to the number that the link is for
POST /number         form fields `link`, `code` → proven, once

Else as `dsr.web.code_page` has it.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dsr import provable
from dsr.allowances import Allowances
from dsr.casefile import CaseStore
from dsr.errors import DsrError
from dsr.ledger import Ledger
from dsr.possession import Possessions
from dsr.report.number import NumberLetter
from dsr.settings import Settings
from dsr.texting import SendText
from dsr.web import code_page
from dsr.web.form import secret_of
from dsr.web.page import number_page

log = logging.getLogger("dsr")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Desk:
    """What the page works with. `now` is the clock."""

    settings: Settings
    possessions: Possessions
    cases: CaseStore
    ledger: Ledger
    send_text: SendText
    allowances: Allowances
    now: Callable[[], datetime] = _now


def routes(desk: Desk) -> list[Route]:
    """Of this page."""

    def show(request: Request, state: str = "", link: str = "", status: int = 200) -> Response:
        return number_page(request, desk.settings, state, link, status)

    proxies = desk.settings.portal.proxies
    return code_page.routes("/number", show, proxies, send=partial(send_code, desk), fits=partial(proven, desk))


def send_code(desk: Desk, link: str, address: str) -> None:
    """Texts a code to the number that the link is for; nothing for a link that opens nothing, nor when `address`, where
    the visitor comes from, has asked too often. What fails is in the ledger and the log, by its code."""
    at = desk.now()
    try:
        allowed = not link or desk.allowances.take("text", address, at)
        drawn = desk.possessions.send_code(link, at) if allowed else None
        if drawn is not None:
            _text(desk, link, *drawn, at)
    except DsrError as error:
        log.warning("no text was sent: %s", error)


def _text(desk: Desk, link: str, request_id: str, code: str, at: datetime) -> None:
    case = desk.cases.open(request_id)
    number = next((one.number for one in provable.asked(case) if one.link == link), "")
    if not number:
        return  # answered meanwhile
    try:
        desk.send_text(number, NumberLetter.of(case.read_json("request"), desk.settings).text(code))
    except DsrError as error:
        desk.ledger.append(request_id, "number_texted", {"outcome": "failed", "code": error.code}, at=at)
        raise
    desk.ledger.append(request_id, "number_texted", {"outcome": "sent"}, at=at)


def proven(desk: Desk, form: Mapping[str, str], address: str) -> bool:
    """Whether link and code fit; then the ledger says so. `address`: whose attempt it is."""
    at, link, code = desk.now(), secret_of(form.get("link", "")), form.get("code", "")
    if not (link and code and desk.allowances.take("prove", address, at)):
        link = ""  # as long as any other answer, and nothing of the link's own attempts is used up
    request_id = desk.possessions.prove(link, code, at)
    if request_id is None:
        # What the person sees does not depend on this.
        owner = desk.possessions.owner(link)
        if owner is not None:
            desk.ledger.append(owner, "number_refused", at=at)
        return False
    desk.allowances.give_back("prove", address)
    desk.ledger.append(request_id, "number_proven", at=at)
    return True

"""The page on which a person shows that they hold a phone, on the same server as the download page.

GET, HEAD /number        the form; changes nothing and asks nothing, so that link previews are harmless
POST /number/code        form field `link` → a code by text to the number that the link is for. 200 with the same words
                         in the same time, whether there is such a link and whether it is still open
POST /number             form fields `link`, `code` → 200 proven, once; 403 with the same words for everything else; 503
                         when storage is away
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
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
from dsr.web.form import fields_of, secret_of
from dsr.web.page import number_page
from dsr.web.visitor import address_of, is_own

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
    proxies = desk.settings.portal.proxies

    async def page(request: Request) -> Response:
        return number_page(request, desk.settings)

    async def code(request: Request) -> Response:
        form = await fields_of(request)
        link = form.get("link", "")
        answer = number_page(request, desk.settings, "sent", link)
        # Afterwards, so that the time it takes tells nothing.
        if is_own(request):
            answer.background = BackgroundTask(send_code, desk, secret_of(link), address_of(request, proxies))
        return answer

    async def prove(request: Request) -> Response:
        form = await fields_of(request)
        try:
            address = address_of(request, proxies)
            fits = is_own(request) and await run_in_threadpool(proven, desk, form, address)
        except DsrError:
            return number_page(request, desk.settings, "broken", form.get("link", ""), 503)
        if not fits:
            return number_page(request, desk.settings, "failed", form.get("link", ""), 403)
        return number_page(request, desk.settings, "done")

    return [
        Route("/number", page, methods=["GET"]),
        Route("/number", prove, methods=["POST"]),
        Route("/number/code", page, methods=["GET"]),
        Route("/number/code", code, methods=["POST"]),
    ]


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

"""The page on which a person confirms that it is them who asks, on the same server as the download page.

POST /confirm/code    form field `link` → a code to the contact that the link was sent to
POST /confirm         form fields `link`, `code`, `second` → confirmed, once

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

from dsr.allowances import Allowances
from dsr.casefile import CaseStore
from dsr.challenges import CODE_LIVES, Challenges
from dsr.errors import DsrError
from dsr.ledger import Ledger
from dsr.mailing import SendMail, keep_mail
from dsr.report.identity import IdentityLetter
from dsr.settings import Settings
from dsr.steps.ask_identity import ASKED, note
from dsr.web import code_page
from dsr.web.form import secret_of
from dsr.web.page import confirm_page

log = logging.getLogger("dsr")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Desk:
    """What the page works with. `now` is the clock."""

    settings: Settings
    challenges: Challenges
    cases: CaseStore
    ledger: Ledger
    send_mail: SendMail
    allowances: Allowances
    now: Callable[[], datetime] = _now


def routes(desk: Desk) -> list[Route]:
    """Of this page."""

    def show(request: Request, state: str = "", link: str = "", status: int = 200) -> Response:
        return confirm_page(request, desk.settings, state, link, status)

    proxies = desk.settings.portal.proxies
    return code_page.routes("/confirm", show, proxies, send=partial(send_code, desk), fits=partial(confirmed, desk))


def send_code(desk: Desk, link: str, address: str) -> None:
    """Mails a code to the contact that the link was sent to; nothing for a link that opens nothing, nor when `address`,
    where the visitor comes from, has asked too often. What fails is in the log; who gets no code has another one sent.
    """
    at = desk.now()
    try:
        allowed = not link or desk.allowances.take("code", address, at)
        drawn = desk.challenges.send_code(link, at) if allowed else None
        if drawn is not None:
            _mail(desk, *drawn, at)
    except DsrError as error:
        log.warning("no code was sent: %s", error)


def _mail(desk: Desk, request_id: str, code: str, at: datetime) -> None:
    case = desk.cases.open(request_id)
    letter, asked = IdentityLetter.of(case.read_json("request"), desk.settings), case.read_json(ASKED)
    message = letter.code(asked["address"], code, at + CODE_LIVES, at)
    desk.send_mail(message)
    keep_mail(case, desk.ledger, "identity_code", message, at=at, secrets=(code,))


def confirmed(desk: Desk, form: Mapping[str, str], address: str) -> bool:
    """Whether link and codes fit; then the ledger says so. `address`: whose attempt it is."""
    at, link, code = desk.now(), secret_of(form.get("link", "")), form.get("code", "")
    if not (link and code and desk.allowances.take("confirm", address, at)):
        link = ""  # as long as any other answer, and nothing of the link's own attempts is used up
    found = desk.challenges.confirm(link, code, form.get("second", ""), at)
    if found is None:
        # What the person sees does not depend on this.
        owner = desk.challenges.owner(link)
        if owner is not None:
            desk.ledger.append(owner, "identity_refused", at=at)
        return False
    desk.allowances.give_back("confirm", address)
    request_id, both = found
    note(desk.ledger, request_id, both=both, at=at)
    return True

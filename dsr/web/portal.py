"""The download page, a process of its own without Airflow: link and code together give the package.

    GET, HEAD /          the form; changes nothing and asks nothing, so that link previews are harmless
    POST /package        form fields `link` (whole, or its secret part) and `code` → 200 with what `file` says: the
                         "package", streamed (so too without it), its "signature" or its "checksum";
                         403 with the form and always the same words when they don't fit; 503 when storage is away
    GET /signing-key.pub the public keys that signatures are checked with, as minisign has them
    GET /healthz
    /confirm             see `dsr.web.confirm`

The link's secret stands in the URL's fragment, which never reaches a server; a script of a few lines puts it into
the form and out of the address bar. The page works without the script by pasting the link.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from dsr import database
from dsr.casefile import CaseStore
from dsr.challenges import Challenges
from dsr.errors import DsrError, PermanentError
from dsr.ledger import Ledger
from dsr.links import Links
from dsr.post import mail_server, smtp_sender
from dsr.settings import Settings, subkey
from dsr.signing import published
from dsr.web import confirm
from dsr.web.form import fields_of, secret_of
from dsr.web.handout import FILE, NoSignature, handed_out
from dsr.web.page import SafeHeaders, form_page

_NEEDED: Final = (
    "case_store", "ledger_url", "master_key", "portal_url", "mail_url", "mail_from",
    "controller_name", "controller_mail",
)  # fmt: skip


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Counter:
    """What the page works with. `now` is the clock."""

    settings: Settings
    links: Links
    cases: CaseStore
    ledger: Ledger
    challenges: Challenges
    send_mail: Callable[[EmailMessage], None]
    now: Callable[[], datetime] = _now

    @classmethod
    def from_settings(cls, settings: Settings) -> "Counter":
        """The real one. Nothing is opened yet."""
        engine, master = database.connect(settings.ledger_url), settings.master_key
        return cls(
            settings,
            Links(engine, subkey(master, "links"), settings.code_attempts),
            CaseStore(settings.case_store, *settings.case_keys),
            Ledger(engine, subkey(master, "ledger")),
            Challenges(engine, subkey(master, "challenges"), settings.code_attempts),
            smtp_sender(mail_server(settings.mail_url)),
        )


def create_app(counter: Counter | None = None) -> Starlette:
    """The web app; without a counter it reads the environment's settings."""
    at = counter or Counter.from_settings(Settings.from_environment(need=_NEEDED))
    keys = published(at.settings)

    def form_with(request: Request, problem: str = "", link: str = "", status: int = 200) -> Response:
        return form_page(request, at.settings, keys, problem, link, status)

    async def page(request: Request) -> Response:
        return form_with(request)

    async def signing_key(_: Request) -> Response:
        return PlainTextResponse(keys)

    async def package(request: Request) -> Response:
        form = await fields_of(request)
        try:
            opened = await run_in_threadpool(_open, at, form)
        except NoSignature:
            return form_with(request, "unsigned", form.get("link", ""), 404)
        except DsrError:
            return form_with(request, "broken", form.get("link", ""), 503)
        if opened is None:
            return form_with(request, "failed", form.get("link", ""), 403)
        return opened

    async def healthz(_: Request) -> Response:
        return JSONResponse({"ok": True})

    routes = [
        Route("/", page, methods=["GET"]),
        Route("/package", package, methods=["POST"]),
        Route("/package", page, methods=["GET"]),
        Route("/signing-key.pub", signing_key, methods=["GET"]),
        Route("/healthz", healthz, methods=["GET"]),
        *confirm.routes(confirm.Desk(at.settings, at.challenges, at.cases, at.ledger, at.send_mail, at.now)),
    ]
    secure = at.settings.portal_url.startswith("https://")
    return Starlette(routes=routes, middleware=[Middleware(SafeHeaders, secure=secure)])


def _open(counter: Counter, form: Mapping[str, str]) -> Response | None:
    """What was asked for, noted in the ledger; None when link and code don't fit or nothing is there any more."""
    at, link = counter.now(), secret_of(form.get("link", ""))
    redeemed = counter.links.redeem(link, form.get("code", ""), at)
    if redeemed is None:
        # What the person sees does not depend on this.
        owner = counter.links.owner(link)
        if owner is not None:
            counter.ledger.append(owner, "code_refused", at=at)
        return None
    try:
        case = counter.cases.open(redeemed.request_id)
    except PermanentError:
        return None  # the case was closed before its link ended

    def note(detail: Mapping[str, Any]) -> None:
        counter.ledger.append(redeemed.request_id, "downloaded", detail, at=at)

    return handed_out(case, redeemed.request_id, form.get("file", FILE), note)

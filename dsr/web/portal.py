"""The download page, a process of its own without Airflow: link and code together open the package's page.

    GET, HEAD /              the form; changes nothing and asks nothing, so that link previews are harmless
    POST /package            form fields `link` (whole, or its secret part) and `code` → 303 to the package's page, with
                             a session's cookie; 403 with the form and always the same words when they don't fit; 503
                             when storage is away
    GET, HEAD /package       the package's page, for whoever has a session
    GET, HEAD /package/NAME  the file of that name: package, a part of it, signature, checksum; ranges (RFC 9110)
    POST /package/end        ends the session → 303 to /done
    GET /done                says that it has
    GET /signing-key.pub     the public keys that signatures are checked with, as minisign has them
    GET /healthz, /readyz    that it runs; that it can work, see `dsr.web.readiness`
    /confirm, /number        see `dsr.web.confirm` and `dsr.web.number`

Without a session, with one that has ended, and for a file that there isn't, the answer is the same: 403 with the form.

The link's secret stands in the URL's fragment, which never reaches a server; a script of a few lines puts it into
the form and out of the address bar. The page works without the script by pasting the link. No URL has anything secret
in it, nor personal data.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import partial
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from dsr import database
from dsr.allowances import Allowances
from dsr.casefile import CaseStore
from dsr.challenges import Challenges
from dsr.errors import DsrError, PermanentError
from dsr.ledger import Ledger
from dsr.links import Links
from dsr.possession import Possessions
from dsr.post import mail_server, smtp_sender
from dsr.sessions import Session, Sessions
from dsr.settings import Settings, subkey
from dsr.signing import published
from dsr.telemetry import span
from dsr.texting import SendText, text_sender
from dsr.web import confirm, number
from dsr.web.form import fields_of, secret_of
from dsr.web.handout import Handout, Released, is_gone
from dsr.web.headers import SafeHeaders
from dsr.web.page import form_page, language_of, package_page
from dsr.web.readiness import Readiness
from dsr.web.visitor import address_of, cookie_of, is_own, set_cookie

_NEEDED: Final = (
    "case_store", "ledger_url", "master_key", "portal_url", "mail_url", "mail_from",
    "controller_name", "controller_mail", "controller_address",
)  # fmt: skip
log = logging.getLogger("dsr")
_PURPOSE: Final = "package"


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Counter:
    """What the page works with. `now` is the clock."""

    settings: Settings
    links: Links
    sessions: Sessions
    allowances: Allowances
    cases: CaseStore
    ledger: Ledger
    challenges: Challenges
    send_mail: Callable[[EmailMessage], None]
    possessions: Possessions
    send_text: SendText
    now: Callable[[], datetime] = _now

    @classmethod
    def from_settings(cls, settings: Settings) -> "Counter":
        """The real one. Nothing is opened yet."""
        engine, master, limits = database.connect(settings.ledger_url), settings.master_key, settings.portal
        return cls(
            settings,
            Links(engine, subkey(master, "links"), settings.code_attempts),
            Sessions(engine, limits.session),
            Allowances(engine, subkey(master, "allowances"), limits.attempts, limits.within),
            CaseStore(settings.case_store, *settings.case_keys),
            Ledger(engine, subkey(master, "ledger")),
            Challenges(engine, subkey(master, "challenges"), settings.code_attempts),
            smtp_sender(mail_server(settings.mail_url)),
            Possessions(engine, subkey(master, "possessions"), settings.code_attempts),
            text_sender(settings.texting),
        )

    @property
    def secure(self) -> bool:
        """Whether people reach the page over https."""
        return self.settings.portal_url.startswith("https://")


def create_app(counter: Counter | None = None) -> ASGIApp:
    """The web app; without a counter it reads the environment's settings."""
    at = counter or Counter.from_settings(Settings.from_environment(need=_NEEDED))
    keys = published(at.settings)

    async def signing_key(_: Request) -> Response:
        return PlainTextResponse(keys)

    async def healthz(_: Request) -> Response:
        return JSONResponse({"ok": True})

    readiness = Readiness(at.ledger.engine, at.cases)

    async def readyz(_: Request) -> Response:
        return await run_in_threadpool(readiness.answer)

    pages = Pages(at, keys)
    routes = [
        Route("/", pages.form, methods=["GET"]),
        Route("/package", pages.redeem, methods=["POST"]),
        Route("/package", pages.package, methods=["GET"]),
        Route("/package/end", pages.end, methods=["POST"]),
        Route("/package/{name}", pages.file, methods=["GET"]),
        Route("/done", pages.done, methods=["GET"]),
        Route("/signing-key.pub", signing_key, methods=["GET"]),
        Route("/healthz", healthz, methods=["GET"]),
        Route("/readyz", readyz, methods=["GET"]),
        *confirm.routes(
            confirm.Desk(at.settings, at.challenges, at.cases, at.ledger, at.send_mail, at.allowances, at.now)
        ),
        *number.routes(
            number.Desk(at.settings, at.possessions, at.cases, at.ledger, at.send_text, at.allowances, at.now)
        ),
    ]
    # Around it and not among its middleware, which an unexpected error's answer goes by.
    return SafeHeaders(Starlette(routes=routes), secure=at.secure)


class Pages:
    """The pages about a package. `keys`: the published keys."""

    def __init__(self, counter: Counter, keys: str) -> None:
        self._at, self._keys = counter, keys

    async def form(self, request: Request) -> Response:
        """Where link and code are entered."""
        return form_page(request, self._at.settings)

    async def done(self, request: Request) -> Response:
        """After a session was ended."""
        return form_page(request, self._at.settings, "done")

    async def redeem(self, request: Request) -> Response:
        """Opens a session."""
        form, at = await fields_of(request), self._at
        address = address_of(request, at.settings.portal.proxies)
        before = cookie_of(request, secure=at.secure)
        try:
            with span("redeem"):
                cookie = await run_in_threadpool(redeemed, at, form, address, before) if is_own(request) else None
        except DsrError as error:
            return self._broken(request, error, form)
        if cookie is None:
            return self._refused(request, "failed", 403, form)
        response = _to(f"/package?lang={language_of(request)}")
        set_cookie(response, cookie, secure=at.secure)
        return response

    async def package(self, request: Request) -> Response:
        """What there is to have, and until when."""

        def page(session: Session, handout: Handout) -> Response:
            return package_page(request, self._at.settings, self._keys, handout.package, session)

        return await self._with_session(request, page)

    async def file(self, request: Request) -> Response:
        """A file, or a part of one."""

        def answer(_: Session, handout: Handout) -> Response | None:
            return handout.answer(request, request.path_params["name"])

        return await self._with_session(request, answer)

    async def end(self, request: Request) -> Response:
        """Ends the session."""
        at = self._at
        if not is_own(request):
            return self._refused(request, "ended", 403)
        try:
            await run_in_threadpool(at.sessions.end, cookie_of(request, secure=at.secure), at.now())
        except DsrError as error:
            return self._broken(request, error)
        response = _to(f"/done?lang={language_of(request)}")
        response.headers["clear-site-data"] = '"cache", "storage"'
        set_cookie(response, "", secure=at.secure)
        return response

    async def _with_session(self, request: Request, answer: Callable[[Session, Handout], Response | None]) -> Response:
        """What `answer` makes of it; always the same when there is no session, or nothing of that name."""

        def answered() -> Response | None:
            found = fetching(self._at, cookie_of(request, secure=self._at.secure))
            return answer(*found) if found else None

        try:
            return await run_in_threadpool(answered) or self._refused(request, "ended", 403)
        except DsrError as error:
            return self._broken(request, error)

    def _broken(self, request: Request, error: DsrError, form: Mapping[str, str] | None = None) -> Response:
        log.warning("the page is not available: %s", error)
        return self._refused(request, "broken", 503, form)

    def _refused(self, request: Request, why: str, status: int, form: Mapping[str, str] | None = None) -> Response:
        return form_page(request, self._at.settings, why, (form or {}).get("link", ""), status)


def redeemed(counter: Counter, form: Mapping[str, str], address: str, before: str) -> str | None:
    """A new session's cookie when link and code fit; the session of the cookie `before` then ends. None for everything
    else alike; a wrong code is noted in the ledger, a link without one is no attempt. `address`: whose it is."""
    at, link, code = counter.now(), secret_of(form.get("link", "")), form.get("code", "")
    if not (link and code and counter.allowances.take(_PURPOSE, address, at)):
        link = ""  # as long as any other answer, and nothing of the link's own attempts is used up
    redeemed = counter.links.redeem(link, code, at)
    if redeemed is None:
        # What the person sees does not depend on this.
        owner = counter.links.owner(link)
        if owner is not None:
            counter.ledger.append(owner, "code_refused", at=at)
        return None
    counter.allowances.give_back(_PURPOSE, address)
    try:
        package = Released.of(counter.cases.open(redeemed.request_id))
    except PermanentError as error:
        if not is_gone(error):
            raise
        return None
    cookie = counter.sessions.open(link, package.sha256, at) if package else None
    if cookie and before:
        counter.sessions.end(before, at)
    return cookie


def fetching(counter: Counter, cookie: str) -> tuple[Session, Handout] | None:
    """The session of a cookie and what it may have; None when it is not open, or its package is not the one that was
    released any more."""
    session = counter.sessions.find(cookie, counter.now())
    if session is None:
        return None
    try:
        case = counter.cases.open(session.request_id)
    except PermanentError as error:
        if not is_gone(error):
            raise
        return None
    package = Released.of(case)
    if package is None or package.sha256 != session.digest:
        return None
    limits, note = counter.settings.portal, partial(_note, counter, session)
    presigns = limits.presigns(package.size, package.encryption)
    return session, Handout(
        case, package, limits.part_bytes, note, lambda: counter.now() < session.link_expires_at, presigns
    )


def _note(counter: Counter, session: Session, kind: str, detail: Mapping[str, Any]) -> None:
    """Once per session: that the package was begun, that its last byte was given, and each of its proofs. However often
    a download breaks off and goes on, the chain grows by no more."""
    what = f"{kind}.{detail.get('file', 'package')}"
    if not counter.sessions.first(session, what):
        return
    try:
        counter.ledger.append(session.request_id, kind, detail, at=counter.now())
    except DsrError:
        counter.sessions.not_noted(session, what)
        raise


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303)

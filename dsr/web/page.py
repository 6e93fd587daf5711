"""What the pages look like and the headers that they go out with."""

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dsr.challenges import MOST_CODES
from dsr.report.answers import controller_values
from dsr.report.identity import OF as IDENTITY
from dsr.report.letters import LANGUAGES, Texts, render
from dsr.settings import Settings


def form_page(
    request: Request, settings: Settings, keys: str, problem: str = "", link: str = "", status: int = 200
) -> Response:
    """The page with the form. `keys`: the published keys, the present one first; `problem`: "failed", "unsigned",
    "broken" or "" for none; `link` is what was typed before."""
    language = _language(request)
    texts = Texts(language, controller_values(settings))
    other = next(code for code in LANGUAGES if code != language)
    body = render(
        "portal.html.j2",
        t=texts,
        controller=settings.controller.name,
        other=other,
        other_name=texts("page.switch"),
        problem=problem,
        link=link[:600],
        attempts=str(settings.code_attempts),
        days=str(settings.package_days),
        public_key=keys.splitlines()[1],
        former=bool(settings.former_public_keys),
        style=Markup(_asset("portal.css")),  # noqa: S704 - our own file
        script=Markup(_asset("portal.js")),  # noqa: S704 - our own file
    )
    headers = {"vary": "Accept-Language", "content-language": language}
    return Response(body, status, headers, media_type="text/html; charset=utf-8")


def confirm_page(request: Request, settings: Settings, state: str = "", link: str = "", status: int = 200) -> Response:
    """The page on which a person confirms that it is them. `state`: "sent", "failed", "broken", "done", "" for none."""
    language = _language(request)
    values = controller_values(settings)
    words = Texts(language, values)
    body = render(
        "confirm.html.j2",
        t=Texts(language, values, IDENTITY),
        words=words,
        controller=settings.controller.name,
        other=next(code for code in LANGUAGES if code != language),
        other_name=words("page.switch"),
        state=state,
        link=link[:600],
        attempts=str(settings.code_attempts),
        codes=str(MOST_CODES),
        style=Markup(_asset("portal.css")),  # noqa: S704 - our own file
        script=Markup(_asset("confirm.js")),  # noqa: S704 - our own file
    )
    headers = {"vary": "Accept-Language", "content-language": language}
    return Response(body, status, headers, media_type="text/html; charset=utf-8")


def _language(request: Request) -> str:
    """`?lang=`, else the first of Accept-Language that we have, else English for those who asked for another,
    Swedish for those who asked for nothing."""
    wanted = request.query_params.get("lang", "")
    if wanted in LANGUAGES:
        return wanted
    accepted = request.headers.get("accept-language", "")
    for item in sorted(accepted.lower().split(","), key=_weight, reverse=True):
        code = item.partition(";")[0].strip().partition("-")[0]
        if code in LANGUAGES:
            return code
    return "en" if accepted.strip() not in ("", "*") else "sv"


def _weight(item: str) -> float:
    quality = re.search(r";\s*q=([01](?:\.\d{1,3})?)", item)
    return float(quality.group(1)) if quality else 1.0


@cache
def _asset(name: str) -> str:
    return files("dsr.report").joinpath("templates", name).read_text(encoding="utf-8").strip()


def _headers(*, secure: bool) -> list[tuple[bytes, bytes]]:
    """OWASP ASVS 5.0, 3.4 and 14.3: nothing from elsewhere, nothing kept, nothing told to others."""
    style, *scripts = (
        f"'sha256-{base64.b64encode(hashlib.sha256(_asset(name).encode()).digest()).decode()}'"
        for name in ("portal.css", "portal.js", "confirm.js")
    )
    policy = (
        f"default-src 'none'; style-src {style}; script-src {' '.join(scripts)}; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    values = {
        "content-security-policy": policy,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "x-robots-tag": "noindex, nofollow",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
    }
    if secure:
        values["strict-transport-security"] = "max-age=31536000; includeSubDomains"
    return [(name.encode(), value.encode()) for name, value in values.items()]


class SafeHeaders:
    """Adds the same headers to every answer, errors included; `secure`: the page is reached over https."""

    def __init__(self, app: ASGIApp, secure: bool) -> None:
        self.app, self.headers = app, _headers(secure=secure)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self.headers]}
            await send(message)

        await self.app(scope, receive, with_headers)

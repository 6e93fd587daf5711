"""What the pages look like."""

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from importlib.resources import files

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from dsr.challenges import MOST_CODES
from dsr.possession import MOST_TEXTS
from dsr.report.answers import controller_values
from dsr.report.identity import OF as IDENTITY
from dsr.report.letters import LANGUAGES, Texts, render
from dsr.report.number import OF as NUMBER
from dsr.sessions import Session
from dsr.settings import Settings
from dsr.web.handout import Released


def form_page(request: Request, settings: Settings, state: str = "", link: str = "", status: int = 200) -> Response:
    """The page with the form. `state`: "failed", "ended", "broken", "done" or "" for none; `link` is what was typed
    before."""
    values = {"state": state, "link": link[:600], "days": str(settings.package_days)}
    values |= {"attempts": str(settings.code_attempts), "minutes": str(_minutes(settings.portal.session))}
    return _page(request, settings, "portal.html.j2", values, status, script="portal.js")


def package_page(request: Request, settings: Settings, keys: str, package: Released, session: Session) -> Response:
    """The page of a package that may be fetched. `keys`: the published keys, the present one first."""
    words = Texts(language_of(request), controller_values(settings))
    parts = package.parts(settings.portal.part_bytes)
    moments = {"made": package.made_at, "expires": session.link_expires_at, "session_ends": session.expires_at}
    values: dict[str, object] = {
        "package": package,
        "size": words.size(package.size),
        "parts": [(part.name, words.size(part.span.length)) for part in parts],
        "public_key": keys.splitlines()[1],
        "former": bool(settings.former_public_keys),
        "authority": words.authority(settings.country),
        "request_id": session.request_id,
        **{name: words.moment(at.astimezone(settings.zone)) if at else "" for name, at in moments.items()},
    }
    return _page(request, settings, "package.html.j2", values)


def confirm_page(request: Request, settings: Settings, state: str = "", link: str = "", status: int = 200) -> Response:
    """The page on which a person confirms that it is them. `state`: "sent", "failed", "broken", "done", "" for none."""
    values = {"state": state, "link": link[:600], "attempts": str(settings.code_attempts), "codes": str(MOST_CODES)}
    return _page(request, settings, "confirm.html.j2", values, status, of=IDENTITY, script="confirm.js")


def number_page(request: Request, settings: Settings, state: str = "", link: str = "", status: int = 200) -> Response:
    """The page on which a person shows that they hold a phone. `state` as for `confirm_page`."""
    values = {"state": state, "link": link[:600], "attempts": str(settings.code_attempts), "texts": str(MOST_TEXTS)}
    return _page(request, settings, "number.html.j2", values, status, of=NUMBER, script="confirm.js")


def _page(
    request: Request,
    settings: Settings,
    template: str,
    values: Mapping[str, object],
    status: int = 200,
    of: str = "",
    script: str = "",
) -> Response:
    """`of`: whose texts it has besides the common ones, which are `words`."""
    language, controller = language_of(request), controller_values(settings)
    words = Texts(language, controller)
    body = render(
        template,
        t=Texts(language, controller, of) if of else words,
        words=words,
        controller=settings.controller.name,
        other=next(code for code in LANGUAGES if code != language),
        other_name=words("page.switch"),
        style=Markup(asset("portal.css")),  # noqa: S704 - our own file
        script=Markup(asset(script)) if script else "",  # noqa: S704 - our own file
        **values,
    )
    headers = {"vary": "Accept-Language", "content-language": language}
    return Response(body, status, headers, media_type="text/html; charset=utf-8")


def _minutes(time: timedelta) -> int:
    return int(time.total_seconds()) // 60


def language_of(request: Request) -> str:
    """Of the answer: `?lang=`, else the first of Accept-Language that we have, else English for those who asked for
    another, Swedish for those who asked for nothing."""
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
def asset(name: str) -> str:
    """A style or script that stands in the pages."""
    return files("dsr.report").joinpath("templates", name).read_text(encoding="utf-8").strip()

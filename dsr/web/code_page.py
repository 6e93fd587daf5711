"""A page that sends a code and takes it: what confirming who asks and showing that a phone is held have in common.

GET, HEAD <path>, <path>/code   the form; changes nothing and asks nothing, so that link previews are harmless
POST <path>/code                form field `link` → a code goes out. 200 with the same words in the same time, whether
                                there is such a link and whether it is still open
POST <path>                     form fields of the page → 200 when they fit; 403 with the same words for everything
                                else; 503 when storage is away
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dsr.errors import DsrError
from dsr.web.form import fields_of, secret_of
from dsr.web.visitor import Networks, address_of, is_own


class Show(Protocol):
    """The page in a state: "sent", "failed", "broken", "done", "" for none."""

    def __call__(self, request: Request, state: str = "", link: str = "", status: int = 200) -> Response: ...


def routes(
    path: str,
    show: Show,
    proxies: Networks,
    *,
    send: Callable[[str, str], None],
    fits: Callable[[Mapping[str, str], str], bool],
) -> list[Route]:
    """Of a page at that path. `send`: the link's secret and whose attempt it is (an address); raises nothing. `fits`:
    the form's fields and whose attempt it is; a DsrError is shown as "broken"."""

    async def page(request: Request) -> Response:
        return show(request)

    async def code(request: Request) -> Response:
        link = (await fields_of(request)).get("link", "")
        answer = show(request, "sent", link)
        # Afterwards, so that the time it takes tells nothing.
        if is_own(request):
            answer.background = BackgroundTask(send, secret_of(link), address_of(request, proxies))
        return answer

    async def take(request: Request) -> Response:
        form = await fields_of(request)
        link = form.get("link", "")
        try:
            taken = is_own(request) and await run_in_threadpool(fits, form, address_of(request, proxies))
        except DsrError:
            return show(request, "broken", link, 503)
        return show(request, "done") if taken else show(request, "failed", link, 403)

    return [
        Route(path, page, methods=["GET"]),
        Route(path, take, methods=["POST"]),
        Route(f"{path}/code", page, methods=["GET"]),
        Route(f"{path}/code", code, methods=["POST"]),
    ]

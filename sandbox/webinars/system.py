"""The webinars system of the sandbox: Zoom Webinars API v2."""

from collections.abc import Iterator, Sequence
from datetime import date
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.entries import Entry
from sandbox.people import Population, Truth
from sandbox.state import Store
from sandbox.system import ConnectionFields, Options
from sandbox.webinars.account import Account
from sandbox.webinars.api import Api
from sandbox.webinars.held import entries
from sandbox.webinars.limits import HEAVY_PER_DAY, PER_SECOND
from sandbox.webinars.oauth import ACCOUNT_ID, CLIENT_ID, CLIENT_SECRET
from sandbox.webinars.seed import build


class Zoom:
    """See `sandbox.system.HttpSystem`. Report windows are counted from the options' `today`."""

    name = "webinars"
    tls = True

    def __init__(self, options: Options, population: Population) -> None:
        self._today, self._population = date.fromisoformat(options.today), population
        store = Store(options.folder, self.name)
        if store.fresh:
            for collection, documents in build(population, self._today).documents.items():
                store.load(collection, documents.items())
        self.account = Account(store, self._today, options.clock)
        self.api = Api(self.account)
        self.app: ASGIApp = self.api

    def counted(self, path: str) -> bool:
        """Only what is below /v2 counts: sign-in and downloads don't."""
        return path.startswith("/v2/")

    def connections(self, base_url: str, authority: str) -> dict[str, ConnectionFields]:
        """`dsr_webinars`, as `extractors.webinars` declares its fields."""
        parts = urlsplit(base_url)
        return {
            "dsr_webinars": {
                "conn_type": "http",
                "host": f"{parts.scheme}://{parts.hostname}",
                "port": parts.port,
                "login": CLIENT_ID,
                "password": CLIENT_SECRET,
                "schema": "",
                "extra": {"account_id": ACCOUNT_ID, "token_url": f"{base_url}/oauth/token", "ca": authority},
            }
        }

    def admin_routes(self) -> list[Route]:
        """Time and limits, for tests.

        POST /webinars/clock {"advance": seconds}        let tokens grow old; {} = back to the real time
        POST /webinars/limits {"heavy_daily"?, "heavy"?} limits; what isn't given is as the vendor has it
        GET, DELETE /webinars/limits                     limits, and calls per category: taken, and refused with 429;
                                                         DELETE counts from zero
        POST /webinars/revoke                            all access tokens become invalid
        """

        async def clock(request: Request) -> Response:
            self.account.offset = float((await request.json()).get("advance", 0.0))
            return JSONResponse({"offset": self.account.offset})

        async def limits(request: Request) -> Response:
            known = self.api.limits
            if request.method == "DELETE":
                known.taken.clear()
                known.refused.clear()
            elif request.method == "POST":
                given = await request.json()
                known.daily = given.get("heavy_daily", HEAVY_PER_DAY)
                known.per_second = {**PER_SECOND, **{k: v for k, v in given.items() if k in PER_SECOND}}
            counted = {"taken": dict(known.taken), "refused": dict(known.refused)}
            return JSONResponse({"daily": known.daily, "per_second": known.per_second, **counted})

        async def revoke(_: Request) -> Response:
            self.api.tokens.revoke_all()
            return Response(status_code=204)

        return [
            Route("/webinars/clock", clock, methods=["POST"]),
            Route("/webinars/limits", limits, methods=["GET", "POST", "DELETE"]),
            Route("/webinars/revoke", revoke, methods=["POST"]),
        ]

    def entries(self) -> Iterator[Entry]:
        """Every document, reports row by row; a file that the bin no longer keeps is gone."""
        self.api.sweep()
        return entries(self.account.store, self._population, self.truth())

    def truth(self) -> Sequence[Truth]:
        """What it holds about everybody within the six months that its history reaches back."""
        return build(self._population, self._today).truths

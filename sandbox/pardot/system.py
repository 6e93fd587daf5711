"""Account Engagement (Pardot) API v5 as a system of the sandbox: routes, limits, admin interface."""

import asyncio
import json
import re
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.pardot.arrivals import Arrivals
from sandbox.pardot.bulk import BulkActions
from sandbox.pardot.crm import Crm
from sandbox.pardot.data import Data
from sandbox.pardot.errors import ApiError, respond
from sandbox.pardot.objects import OBJECTS
from sandbox.pardot.pages import Pages
from sandbox.pardot.reading import Reading
from sandbox.pardot.recycling import RecycleBin
from sandbox.pardot.seed import seed
from sandbox.pardot.settings import Meter, Settings
from sandbox.pardot.signin import BUSINESS_UNIT, CLIENT_ID, CLIENT_SECRET, SignIn
from sandbox.pardot.truth import truth
from sandbox.pardot.writing import Writing
from sandbox.people import Population, Truth
from sandbox.state import Store
from sandbox.system import ConnectionFields, Options

_TAGGING = re.compile(r"objects/prospects/(\d+)/do/(addTag|removeTag)")
_METHODS = ["GET", "POST", "PATCH", "DELETE"]


class Pardot:
    """One business unit. `settings` holds its limits and clock."""

    name = "pardot"
    tls = True

    def __init__(self, options: Options, population: Population) -> None:
        self.settings = Settings()
        self.settings.follow(options.clock)
        self._options, self._population = options, population
        self._store = Store(options.folder, self.name)
        if self._store.fresh:
            for collection, documents in seed(population, options.today).collections().items():
                self._store.load(collection, documents)
        self._meter = Meter(self.settings)
        self._sign_in = SignIn(self.settings)
        data = Data(self._store, self.settings)
        crm = Crm(options.folder, self.settings)
        recycle_bin = RecycleBin(data, self.settings, crm)
        self._reading = Reading(data.cache, self.settings, self._meter, Pages(self.settings))
        self._writing = Writing(data, self.settings, recycle_bin)
        self._bulk = BulkActions(data, self.settings, recycle_bin)
        self._arrivals = Arrivals(data, recycle_bin, crm)
        routes = [
            Route("/services/oauth2/token", self._sign_in.token, methods=["POST"]),
            Route("/api/v5/{path:path}", self._call, methods=_METHODS),
        ]
        self.app = Starlette(routes=routes, exception_handlers={ApiError: respond})

    def counted(self, path: str) -> bool:
        """Sign-in is not an API call."""
        return path.startswith("/api/")

    def connections(self, base_url: str, authority: str) -> dict[str, ConnectionFields]:
        """`dsr_pardot`: consumer key and secret, business unit and token address."""
        extra = {"business_unit_id": BUSINESS_UNIT, "token_url": f"{base_url}/services/oauth2/token"}
        fields: ConnectionFields = {
            "conn_type": "http",
            "host": base_url,
            "port": None,
            "login": CLIENT_ID,
            "password": CLIENT_SECRET,
            "schema": "",
            "extra": extra | ({"ca": authority} if authority else {}),
        }
        return {"dsr_pardot": fields}

    def admin_routes(self) -> list[Route]:
        """What a test may do beside the API:

        GET, PUT /pardot/settings   `Settings`; PUT: those named, defaults for the rest
        DELETE   /pardot/tokens     forget all access tokens
        POST     /pardot/sync       {"ids"?: [Salesforce ids], "create"?: false}: one run of the connector with the
                                    sandbox's Salesforce, see `Arrivals.sync`; counts of what it did
        POST     /pardot/form       {"email","type"?: 4 form | 1 click,"values"?: {}}: the address acts, see
                                    `Arrivals.submit`
        """

        async def settings(request: Request) -> Response:
            if request.method == "PUT":
                try:
                    self.settings.replace(await request.json())
                except TypeError:
                    return JSONResponse({"error": "no such setting"}, 400)
            return JSONResponse(self.settings.as_json())

        async def tokens(_: Request) -> Response:
            self._sign_in.revoke()
            return Response(status_code=204)

        async def sync(request: Request) -> Response:
            body = json.loads(await request.body() or b"{}")
            self._bulk.run()
            return JSONResponse(self._arrivals.sync(body.get("ids", []), create=bool(body.get("create"))))

        async def form(request: Request) -> Response:
            body = await request.json()
            self._bulk.run()
            return JSONResponse(self._arrivals.submit(body["email"], body.get("type", 4), body.get("values", {})))

        return [
            Route("/pardot/sync", sync, methods=["POST"]),
            Route("/pardot/form", form, methods=["POST"]),
            Route("/pardot/settings", settings, methods=["GET", "PUT"]),
            Route("/pardot/tokens", tokens, methods=["DELETE"]),
        ]

    def truth(self) -> Sequence[Truth]:
        """What it holds about everybody, from the population."""
        return truth(self._population, self._options.today)

    async def _call(self, request: Request) -> Response:
        self._sign_in.check(request)
        self._meter.enter()
        try:
            await asyncio.sleep(self.settings.hold)
            self._bulk.run()
            return await self._answer(request, request.path_params["path"].strip("/"))
        finally:
            self._meter.leave()

    async def _answer(self, request: Request, path: str) -> Response:
        method = request.method
        if path.partition("/")[0] == "bulk-actions":
            return await self._bulk_action(request, path.split("/")[1:])
        if method == "GET" and path == "objects/account":
            return self._reading.account(request)
        if method == "POST" and path == "objects/prospects/do/undelete":
            return await self._writing.undelete(request)
        if method == "POST" and (tagging := _TAGGING.fullmatch(path)):
            return await self._writing.tag(request, OBJECTS["objects/prospects"], tagging[1], tagging[2])
        if (kind := OBJECTS.get(path)) is not None:
            if method == "GET":
                return self._reading.query(request, kind)
            if method == "POST":
                return await self._writing.create(request, kind)
        else:
            parent, _, record_id = path.rpartition("/")
            if (kind := OBJECTS.get(parent)) is not None and method != "POST":
                if method == "GET":
                    return self._reading.read(request, kind, record_id)
                if method == "PATCH":
                    return await self._writing.update(request, kind, record_id)
                return self._writing.delete(kind, record_id)
        raise ApiError(192)

    async def _bulk_action(self, request: Request, below: list[str]) -> Response:
        if request.method == "POST" and not below:
            return await self._bulk.create(request)
        if request.method == "GET" and not below:
            return self._bulk.query(request)
        if request.method == "GET" and len(below) == 1:
            return self._bulk.read(request, below[0])
        if request.method == "GET" and below[1:] == ["errors"]:
            return self._bulk.errors(below[0])
        raise ApiError(192)

"""Salesforce as a system of the sandbox: HTTP, sign-in, counting of API calls, and the org that is behind."""

from collections.abc import Sequence
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from sandbox.people import Population, Truth
from sandbox.salesforce import errors, removal, signin
from sandbox.salesforce.bulk_ingest import BulkIngest
from sandbox.salesforce.bulk_query import BulkQuery
from sandbox.salesforce.composite import Composite
from sandbox.salesforce.org import SUPPORT, records_of
from sandbox.salesforce.records import Records
from sandbox.salesforce.rest import VERSION, RestApi
from sandbox.salesforce.settings import Settings
from sandbox.salesforce.table import object_type
from sandbox.salesforce.truth import truths
from sandbox.salesforce.wire import Answer, Call, parse_body
from sandbox.state import Store
from sandbox.system import ConnectionFields, Options

MAX_URI = 16_384


class Salesforce:
    """See `sandbox.system.HttpSystem`. Admin routes:

    GET, POST /salesforce/settings   read or change `Settings`; `clock` moves the org's time
    POST      /salesforce/revoke     close all sessions
    POST      /salesforce/purge      {"object","id"}: a record out of the recycle bin, as 15 days or hardDelete do
    POST      /salesforce/undelete   {"object","id"}: a record out of the recycle bin, as somebody in the user
                                     interface does; `undeleted` False when it isn't in there any more
    """

    name = "salesforce"
    tls = True

    def __init__(self, options: Options, population: Population) -> None:
        self._options, self._population = options, population
        store = Store(options.folder, self.name)
        self.settings = Settings()
        self.settings.follow(options.clock)
        self._sign_in = signin.SignIn(store, options.folder)
        if store.fresh:
            self._seed(store)
        self.api = RestApi(Records(store, self.settings), self.settings)
        Composite(self.api)
        self._bulk = (BulkIngest(self.api, store), BulkQuery(self.api, store))
        self.app = Starlette(
            routes=[
                Route("/services/oauth2/token", self._token, methods=["POST"]),
                Route("/services/data{rest:path}", self._rest, methods=["GET", "POST", "PATCH", "PUT", "DELETE"]),
            ]
        )

    def counted(self, path: str) -> bool:
        """All but sign-in."""
        return not path.startswith("/services/oauth2/")

    def connections(self, base_url: str, authority: str) -> dict[str, ConnectionFields]:
        """By JWT bearer; the field names are those of Airflow's Salesforce connection, plus `ca`."""
        host, _, port = base_url.rpartition(":")
        extra = {"consumer_key": self._sign_in.consumer_key, "private_key_file_path": str(self._sign_in.key_path),
                 "version": VERSION, "ca": authority, "region": "SE",
                 "role_mailboxes": [SUPPORT]}  # fmt: skip
        return {
            "dsr_salesforce": {
                "conn_type": "salesforce", "host": host, "port": int(port), "login": signin.USERNAME,
                "password": "", "schema": "", "extra": extra,
            }
        }  # fmt: skip

    @property
    def client_credentials(self) -> dict[str, str]:
        """The other way to sign in: `consumer_key` and `consumer_secret` for a connection's extra."""
        return {"consumer_key": self._sign_in.consumer_key, "consumer_secret": self._sign_in.consumer_secret}

    def admin_routes(self) -> list[Route]:
        """See the class."""

        async def settings(request: Request) -> Response:
            if request.method == "POST":
                self.settings.begin_day()
                for key, value in (await request.json()).items():
                    if key not in asdict(self.settings):
                        return JSONResponse({"error": f"no setting {key}"}, 400)
                    setattr(self.settings, key, value)
            return JSONResponse({**asdict(self.settings), **self.client_credentials})

        async def revoke(_: Request) -> Response:
            self._sign_in.revoke_all()
            return Response(status_code=204)

        async def purge(request: Request) -> Response:
            body = await request.json()
            return JSONResponse({"purged": self.api.records.purge(body["object"], body["id"])})

        async def undelete(request: Request) -> Response:
            body = await request.json()
            self._tick()
            kind = object_type(body["object"])
            return JSONResponse({"undeleted": removal.undelete(self.api.records, kind, body["id"])})

        return [
            Route("/salesforce/undelete", undelete, methods=["POST"]),
            Route("/salesforce/purge", purge, methods=["POST"]),
            Route("/salesforce/settings", settings, methods=["GET", "POST"]),
            Route("/salesforce/revoke", revoke, methods=["POST"]),
        ]

    def truth(self) -> Sequence[Truth]:
        """What the org holds about everybody."""
        return truths(self._population, self._options.today)

    def _seed(self, store: Store) -> None:
        by_object: dict[str, list[tuple[str, dict[str, object]]]] = {}
        for record in records_of(self._population, self._options.today):
            by_object.setdefault(record.object, []).append((record.id, record.stored()))
        for name, documents in by_object.items():
            store.load(name, documents)

    async def _token(self, request: Request) -> Response:
        body = await request.body()
        base_url = f"{request.url.scheme}://{request.url.netloc}"
        try:
            return JSONResponse(self._sign_in.token(body, request.headers.get("authorization", ""), base_url))
        except signin.SignInError as error:
            return JSONResponse(error.body, 400)

    async def _rest(self, request: Request) -> Response:
        raw_path = request.scope.get("raw_path") or request.url.path.encode()
        if len(raw_path) + len(request.scope["query_string"]) > MAX_URI:
            return HTMLResponse("<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>", 414)
        try:
            answer = self._answer(request, await request.body())
        except errors.VendorError as error:
            answer = Answer(error.status, error.body())
        headers = {**answer.headers, "Sforce-Limit-Info": f"api-usage={self.settings.used}/{self.settings.daily_limit}"}
        return Response(answer.content(), answer.status, headers, answer.media_type)

    def _answer(self, request: Request, body: bytes) -> Answer:
        self._sign_in.check(request.headers.get("authorization", ""))
        self.settings.begin_day()
        if self.settings.used >= self.settings.daily_limit:
            raise errors.VendorError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self.settings.used += 1
        self._tick()
        is_csv = request.headers.get("content-type", "").startswith("text/csv")
        call = Call(
            request.method, request.url.path, dict(request.query_params), dict(request.headers),
            None if is_csv else parse_body(body), raw=body if is_csv else b"",
        )  # fmt: skip
        return self.api.answer(call)

    def _tick(self) -> None:
        """What time does by itself: the recycle bin empties, jobs get done."""
        self.api.records.look_again()
        removal.expire(self.api.records)
        for jobs in self._bulk:
            jobs.run()

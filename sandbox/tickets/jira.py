"""Jira Service Management Cloud as far as answering a request goes (developer.atlassian.com, REST v3 and JSM).

    GET  /rest/api/3/issue/{key}                       200 · 404
    GET  /rest/api/3/issue/{key}/transitions           200 {"transitions":[{"id","name","to":{"statusCategory"}}]}
    POST /rest/api/3/issue/{key}/transitions           204 · 400 (a transition that the status does not offer)
    GET  /rest/servicedeskapi/request/{key}/comment    200 {"values","start","limit","isLastPage"}, 50 at a time · 404
    POST /rest/servicedeskapi/request/{key}/comment    201 {"id","body","public",…} · 404

Basic sign-in as `<e-mail>:<API token>`. Issue DSR-1 belongs to the canary, and so on in the order of the population.
"""

import base64
import hmac
import time
from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.people import Population, Truth
from sandbox.state import Collection, Document, Store
from sandbox.system import ConnectionFields, Options

LOGIN = "dsr-agent@controller.example"
TOKEN = "ATATT-sandbox-5d20c1"
MOST_COMMENTS = 50
CATEGORIES = {"Waiting for support": "new", "In progress": "indeterminate", "Resolved": "done"}
TRANSITIONS: dict[str, list[tuple[str, str, str]]] = {
    "Waiting for support": [("11", "Start work", "In progress"), ("761", "Resolve this issue", "Resolved")],
    "In progress": [("761", "Resolve this issue", "Resolved")],
    "Resolved": [("31", "Reopen", "Waiting for support")],
}
"""status → what the workflow offers there: id, name, next status."""


class Jira:
    """The system."""

    name = "jira"
    tls = True

    def __init__(self, options: Options, population: Population) -> None:
        store = Store(options.folder, self.name)
        self.issues: Collection = store["issues"]
        if store.fresh:
            stamp = f"{options.today}T08:00:00.000+0000"
            store.load("issues", ((f"DSR-{n}", _issue(n, p.email, p.name, stamp))
                                  for n, p in enumerate(population.people, 1)))  # fmt: skip
        routes = [
            Route("/rest/api/3/issue/{key}", self._issue),
            Route("/rest/api/3/issue/{key}/transitions", self._transitions, methods=["GET", "POST"]),
            Route("/rest/servicedeskapi/request/{key}/comment", self._comment, methods=["GET", "POST"]),
        ]
        self.app: ASGIApp = _Gate(Starlette(routes=routes))

    def counted(self, path: str) -> bool:
        """Every call counts."""
        return True

    def connections(self, base_url: str, authority: str) -> dict[str, ConnectionFields]:
        """`dsr_jira`: host is the site's base URL, login the e-mail, password the API token."""
        extra = {"ca": authority} if authority else {}
        return {"dsr_jira": {"conn_type": "http", "host": base_url, "login": LOGIN, "password": TOKEN, "extra": extra}}

    def admin_routes(self) -> list[Route]:
        """GET lists issues with their comments; POST {"reporter": {"email","name"}} opens one."""
        return [Route("/jira/issues", self._admin, methods=["GET", "POST"])]

    def truth(self) -> Sequence[Truth]:
        """Nothing: it takes answers, no person is looked up here."""
        return ()

    async def _issue(self, request: Request) -> Response:
        issue = self.issues.get(request.path_params["key"])
        if issue is None:
            return _absent()
        return JSONResponse({k: v for k, v in issue.items() if k != "comments"})

    async def _transitions(self, request: Request) -> Response:
        key = request.path_params["key"]
        if key not in self.issues:
            return _absent()
        issue = dict(self.issues[key])
        offered = TRANSITIONS[issue["fields"]["status"]["name"]]
        if request.method == "GET":
            listed = [{"id": i, "name": name, "to": _status(to)} for i, name, to in offered]
            return JSONResponse({"expand": "transitions", "transitions": listed})
        wanted = str(((await request.json()).get("transition") or {}).get("id", ""))
        for number, _, to in offered:
            if number == wanted:
                self.issues[key] = {**issue, "fields": {**issue["fields"], "status": _status(to)}}
                return Response(status_code=204)
        message = f"It seems that you have tried to perform a workflow operation ({wanted}) that is not valid"
        return JSONResponse({"errorMessages": [message], "errors": {}}, 400)

    async def _comment(self, request: Request) -> Response:
        key = request.path_params["key"]
        if key not in self.issues:
            return JSONResponse({"errorMessage": "Request not found or you do not have permission."}, 404)
        if request.method == "GET":
            return self._comments(self.issues[key]["comments"], request)
        body: dict[str, Any] = await request.json()
        if not isinstance(body.get("body"), str) or not body["body"]:
            return JSONResponse({"errorMessage": "Comment body can not be empty!"}, 400)
        issue = dict(self.issues[key])
        comment = {"id": str(len(issue["comments"]) + 1), "body": body["body"], "public": body.get("public", True)}
        comment |= {"author": {"emailAddress": LOGIN}, "created": {"iso8601": _now()}}
        self.issues[key] = {**issue, "comments": [*issue["comments"], comment]}
        return JSONResponse(comment, 201)

    @staticmethod
    def _comments(comments: list[Any], request: Request) -> Response:
        start = int(request.query_params.get("start", 0))
        limit = min(int(request.query_params.get("limit", MOST_COMMENTS)), MOST_COMMENTS)
        shown = comments[start : start + limit]
        page = {"size": len(shown), "start": start, "limit": limit, "isLastPage": start + limit >= len(comments)}
        return JSONResponse({**page, "values": shown})

    async def _admin(self, request: Request) -> Response:
        if request.method == "POST":
            reporter = (await request.json())["reporter"]
            issue = _issue(len(self.issues) + 1, reporter["email"], reporter.get("name", ""), _now())
            self.issues[issue["key"]] = issue
            return JSONResponse(issue, 201)
        return JSONResponse(list(self.issues.values()))


class _Gate:
    """Sign-in before anything else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.expected = ("Basic " + base64.b64encode(f"{LOGIN}:{TOKEN}".encode()).decode()).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            sent = Request(scope).headers.get("authorization", "").encode()
            if not hmac.compare_digest(sent, self.expected):
                refused = Response("Client must be authenticated to access this resource.", 401)
                await refused(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _issue(number: int, email: str, name: str, stamp: str) -> Document:
    fields = {
        "summary": "Data subject access request", "created": stamp, "issuetype": {"name": "Data subject request"},
        "status": _status("Waiting for support"), "reporter": {"emailAddress": email, "displayName": name},
    }  # fmt: skip
    return {"id": str(10000 + number), "key": f"DSR-{number}", "fields": fields, "comments": []}


def _status(name: str) -> Document:
    return {"name": name, "statusCategory": {"key": CATEGORIES[name]}}


def _absent() -> Response:
    message = "Issue does not exist or you do not have permission to see it."
    return JSONResponse({"errorMessages": [message], "errors": {}}, 404)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", time.gmtime())

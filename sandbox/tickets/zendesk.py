"""Zendesk Support as far as answering a ticket goes (developer.zendesk.com, Ticketing API).

    GET  /api/v2/tickets/{id}.json             200 {"ticket"} · 404
    GET  /api/v2/tickets/{id}/comments.json    200 {"comments","count","next_page"}, a hundred a page, the oldest first
    PUT  /api/v2/tickets/{id}.json             200 {"ticket"} · 404 · 422 (a closed ticket, an unknown status)

Basic sign-in as `<e-mail>/token:<key>`. Every answer carries X-Rate-Limit and X-Rate-Limit-Remaining; past the
limit of the minute it is 429 with Retry-After in seconds. Ticket ids are numbers: 1001 belongs to the canary, and
so on in the order of the population.
"""

import time
from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.people import Population, Truth
from sandbox.state import Collection, Document, Store
from sandbox.system import ConnectionFields, Options
from sandbox.tickets.gate import Gate

LOGIN = "dsr-agent@controller.example/token"
KEY = "zdk_sandbox_9f2c7b1e4a"
STATUSES = ("new", "open", "pending", "hold", "solved", "closed")
FIRST_ID = 1001
PER_PAGE = 100


class Zendesk:
    """The system; its gate's `per_minute` is the plan's limit of calls (Enterprise: 700)."""

    name = "zendesk"
    tls = True

    def __init__(self, options: Options, population: Population) -> None:
        store = Store(options.folder, self.name)
        self.tickets: Collection = store["tickets"]
        if store.fresh:
            stamp = f"{options.today}T08:00:00Z"
            store.load("tickets", ((str(FIRST_ID + n), _ticket(FIRST_ID + n, p.email, p.name, stamp))
                                   for n, p in enumerate(population.people)))  # fmt: skip
        routes = [
            Route("/api/v2/tickets/{id:int}.json", self._ticket, methods=["GET", "PUT"]),
            Route("/api/v2/tickets/{id:int}", self._ticket, methods=["GET", "PUT"]),
            Route("/api/v2/tickets/{id:int}/comments.json", self._comments),
        ]
        self.gate = Gate(
            Starlette(routes=routes),
            per_minute=700,
            signed_in=f"{LOGIN}:{KEY}",
            limits=lambda limit, left: {"X-Rate-Limit": str(limit), "X-Rate-Limit-Remaining": str(left)},
            too_many={
                "error": "APIRateLimitExceeded",
                "description": "Number of allowed API requests per minute exceeded",
            },
            refused={"error": "Couldn't authenticate you"},
        )
        self.app: ASGIApp = self.gate

    def counted(self, path: str) -> bool:
        """Every call counts."""
        return True

    def connections(self, base_url: str, authority: str) -> dict[str, ConnectionFields]:
        """`dsr_zendesk`: host is the account's base URL, login `<e-mail>/token`, password the API key."""
        extra = {"ca": authority} if authority else {}
        fields = {"conn_type": "http", "host": base_url, "login": LOGIN, "password": KEY, "extra": extra}
        return {"dsr_zendesk": fields}

    def admin_routes(self) -> list[Route]:
        """GET lists tickets with their comments; POST {"requester": {"email","name"}} opens one."""
        return [Route("/zendesk/tickets", self._admin, methods=["GET", "POST"])]

    def truth(self) -> Sequence[Truth]:
        """Nothing: it takes answers, no person is looked up here."""
        return ()

    async def _ticket(self, request: Request) -> Response:
        key = str(request.path_params["id"])
        if key not in self.tickets:
            return JSONResponse({"error": "RecordNotFound", "description": "Not found"}, 404)
        if request.method == "GET":
            return JSONResponse({"ticket": _without_comments(self.tickets[key])})
        body = await request.json()
        if not isinstance(body.get("ticket"), dict):
            return JSONResponse({"error": {"title": "Invalid attribute", "message": "ticket is missing"}}, 400)
        return self._update(key, body["ticket"])

    def _update(self, key: str, changes: dict[str, Any]) -> Response:
        ticket = dict(self.tickets[key])
        if ticket["status"] == "closed":
            return _invalid("status", "Status: closed prevents ticket update")
        if changes.get("status", "open") not in STATUSES:
            return _invalid("status", f"Status: {changes['status']} is not a valid status")
        comment = changes.get("comment")
        if comment is not None and not comment.get("body") and not comment.get("html_body"):
            return _invalid("comment", "Comment: cannot be blank")
        ticket["status"] = changes.get("status", ticket["status"])
        ticket["updated_at"] = _now()
        if comment is not None:
            kept = {"id": len(ticket["comments"]) + 1, "type": "Comment", "public": True, "author_id": 900}
            ticket["comments"] = [*ticket["comments"], {**kept, **comment, "created_at": _now()}]
        self.tickets[key] = ticket
        return JSONResponse({"ticket": _without_comments(ticket)})

    async def _comments(self, request: Request) -> Response:
        ticket = self.tickets.get(str(request.path_params["id"]))
        if ticket is None:
            return JSONResponse({"error": "RecordNotFound", "description": "Not found"}, 404)
        size = min(int(request.query_params.get("per_page", PER_PAGE)), PER_PAGE)
        page = int(request.query_params.get("page", 1))
        shown, more = ticket["comments"][(page - 1) * size : page * size], len(ticket["comments"]) > page * size
        after = str(request.url.include_query_params(page=page + 1)) if more else None
        return JSONResponse({"comments": shown, "count": len(ticket["comments"]), "next_page": after})

    async def _admin(self, request: Request) -> Response:
        if request.method == "POST":
            number = max((int(k) for k in self.tickets), default=FIRST_ID - 1) + 1
            requester = (await request.json())["requester"]
            self.tickets[str(number)] = _ticket(number, requester["email"], requester.get("name", ""), _now())
            return JSONResponse(self.tickets[str(number)], 201)
        return JSONResponse(list(self.tickets.values()))


def _ticket(number: int, email: str, name: str, stamp: str) -> Document:
    return {
        "id": number, "status": "new", "subject": "Data subject access request", "created_at": stamp,
        "updated_at": stamp, "requester": {"email": email, "name": name}, "comments": [],
    }  # fmt: skip


def _without_comments(ticket: Document) -> Document:
    return {k: v for k, v in ticket.items() if k != "comments"}


def _invalid(field: str, description: str) -> Response:
    details = {field: [{"description": description}]}
    body = {"error": "RecordInvalid", "description": "Record validation errors", "details": details}
    return JSONResponse(body, 422)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

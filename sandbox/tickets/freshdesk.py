"""Freshdesk as far as answering a ticket goes (developers.freshdesk.com/api, v2).

    GET  /api/v2/tickets/{id}                  200 · 404, without a body
    PUT  /api/v2/tickets/{id}                  200 · 400 (a status that is none) · 404
    POST /api/v2/tickets/{id}/notes            201 {"id","body","body_text","private",…} · 400 (blank) · 404
    GET  /api/v2/tickets/{id}/conversations    200 [note, …], 30 a page, up to 100 with per_page, the oldest first

Basic sign-in as `<API key>:X`. Every answer carries X-RateLimit-Total, -Remaining and -Used-CurrentRequest; past the
limit of the minute it is 429 with Retry-After in seconds. A note is private unless it says otherwise. Ticket ids are
numbers: 1 belongs to the canary, and so on in the order of the population.
"""

import html
import re
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

KEY = "fdk-sandbox-3b8e10"
OPEN, PENDING, RESOLVED, CLOSED = 2, 3, 4, 5
_TAG = re.compile(r"<[^>]*>")


class Freshdesk:
    """The system; its gate's `per_minute` is the plan's limit of calls (Pro: 400)."""

    name = "freshdesk"
    tls = True

    def __init__(self, options: Options, population: Population) -> None:
        store = Store(options.folder, self.name)
        self.tickets: Collection = store["tickets"]
        if store.fresh:
            stamp = f"{options.today}T08:00:00Z"
            store.load("tickets", ((str(n), _ticket(n, p.email, p.name, stamp))
                                   for n, p in enumerate(population.people, 1)))  # fmt: skip
        routes = [
            Route("/api/v2/tickets/{id:int}", self._ticket, methods=["GET", "PUT"]),
            Route("/api/v2/tickets/{id:int}/notes", self._note, methods=["POST"]),
            Route("/api/v2/tickets/{id:int}/conversations", self._conversations),
        ]
        self.gate = Gate(
            Starlette(routes=routes),
            per_minute=400,
            signed_in=f"{KEY}:X",
            limits=lambda limit, left: {
                "X-RateLimit-Total": str(limit),
                "X-RateLimit-Remaining": str(left),
                "X-RateLimit-Used-CurrentRequest": "1",
            },
            too_many={"message": "You have exceeded the limit of requests per minute"},
            refused={"code": "invalid_credentials", "message": "You have to be logged in to perform this action."},
        )
        self.app: ASGIApp = self.gate

    def counted(self, path: str) -> bool:
        """Every call counts."""
        return True

    def connections(self, base_url: str, authority: str) -> dict[str, ConnectionFields]:
        """`dsr_freshdesk`: host is the account's base URL, password the API key."""
        extra = {"ca": authority} if authority else {}
        return {"dsr_freshdesk": {"conn_type": "http", "host": base_url, "password": KEY, "extra": extra}}

    def admin_routes(self) -> list[Route]:
        """GET lists tickets with their notes; POST {"requester": {"email","name"}} opens one."""
        return [Route("/freshdesk/tickets", self._admin, methods=["GET", "POST"])]

    def truth(self) -> Sequence[Truth]:
        """Nothing: it takes answers, no person is looked up here."""
        return ()

    async def _ticket(self, request: Request) -> Response:
        key = str(request.path_params["id"])
        if key not in self.tickets:
            return Response(status_code=404)
        if request.method == "PUT":
            status = (await request.json()).get("status")
            if status not in (OPEN, PENDING, RESOLVED, CLOSED):
                return _invalid("status", "It should be one of these values: '2,3,4,5'")
            self.tickets[key] = {**self.tickets[key], "status": status, "updated_at": _now()}
        return JSONResponse({k: v for k, v in self.tickets[key].items() if k != "notes"})

    async def _note(self, request: Request) -> Response:
        key = str(request.path_params["id"])
        if key not in self.tickets:
            return Response(status_code=404)
        sent: dict[str, Any] = await request.json()
        body = sent.get("body")
        if not isinstance(body, str) or not body.strip():
            return _invalid("body", "It should not be blank as this is a mandatory field")
        ticket = dict(self.tickets[key])
        note = {
            "id": len(ticket["notes"]) + 1, "ticket_id": int(key), "body": f"<div>{body}</div>",
            "body_text": " ".join(html.unescape(_TAG.sub(" ", body)).split()), "private": sent.get("private", True),
            "incoming": False, "source": 2, "user_id": 900, "created_at": _now(),
        }  # fmt: skip
        self.tickets[key] = {**ticket, "notes": [*ticket["notes"], note]}
        return JSONResponse(note, 201)

    async def _conversations(self, request: Request) -> Response:
        ticket = self.tickets.get(str(request.path_params["id"]))
        if ticket is None:
            return Response(status_code=404)
        size = min(int(request.query_params.get("per_page", 30)), 100)
        page = int(request.query_params.get("page", 1))
        return JSONResponse(ticket["notes"][(page - 1) * size : page * size])

    async def _admin(self, request: Request) -> Response:
        if request.method == "POST":
            number = max((int(k) for k in self.tickets), default=0) + 1
            requester = (await request.json())["requester"]
            self.tickets[str(number)] = _ticket(number, requester["email"], requester.get("name", ""), _now())
            return JSONResponse(self.tickets[str(number)], 201)
        return JSONResponse(list(self.tickets.values()))


def _ticket(number: int, email: str, name: str, stamp: str) -> Document:
    return {
        "id": number, "status": OPEN, "subject": "Data subject access request", "created_at": stamp,
        "updated_at": stamp, "requester": {"email": email, "name": name}, "notes": [],
    }  # fmt: skip


def _invalid(field: str, message: str) -> Response:
    error = {"field": field, "message": message, "code": "invalid_value"}
    return JSONResponse({"description": "Validation failed", "errors": [error]}, 400)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

"""The ticket system of somebody who speaks Standard Webhooks: takes signed answers at `POST /answers`.

400 without the three headers, 401 for a bad signature or a stamp outside ±5 minutes of the sandbox's
clock, 204 otherwise. A webhook-id that came before is answered 204 and not kept again, as the standard asks of
receivers.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.people import Population, Truth
from sandbox.state import Collection, Store
from sandbox.system import ConnectionFields, Options

SECRET = "whsec_c2FuZGJveC1jYWxsYmFjay1zZWNyZXQtMDAwMQ=="
TOLERANCE_S = 300


class Callback:
    """The system."""

    name = "callback"
    tls = True

    def __init__(self, options: Options, population: Population) -> None:
        self._clock = options.clock
        self.messages: Collection = Store(options.folder, self.name)["messages"]
        self.app: ASGIApp = Starlette(routes=[Route("/answers", self._receive, methods=["POST"])])

    def counted(self, path: str) -> bool:
        """Every call counts."""
        return True

    def connections(self, base_url: str, authority: str) -> dict[str, ConnectionFields]:
        """`dsr_standard_webhooks`: host is the base URL, extra.path the path, password the signing secret."""
        extra = {"path": "/answers"} | ({"ca": authority} if authority else {})
        return {"dsr_standard_webhooks": {"conn_type": "http", "host": base_url, "password": SECRET, "extra": extra}}

    def admin_routes(self) -> list[Route]:
        """GET lists the answers in order: {"id", "body"}; DELETE forgets them."""
        return [Route("/callback/messages", self._admin, methods=["GET", "DELETE"])]

    def truth(self) -> Sequence[Truth]:
        """Nothing: it takes answers, no person is looked up here."""
        return ()

    async def _receive(self, request: Request) -> Response:
        headers, raw = request.headers, await request.body()
        message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        signatures = headers.get("webhook-signature", "").split()
        if not (message_id and stamp.isdecimal() and signatures):
            return JSONResponse({"error": "webhook headers are missing"}, 400)
        if abs(self._clock.now() - int(stamp)) > TOLERANCE_S or _signature(message_id, stamp, raw) not in signatures:
            return JSONResponse({"error": "signature does not fit"}, 401)
        if message_id not in self.messages:
            self.messages[message_id] = {"id": message_id, "body": json.loads(raw)}
        return Response(status_code=204)

    async def _admin(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.messages.clear()
            return Response(status_code=204)
        return JSONResponse(list(self.messages.values()))


def _signature(message_id: str, stamp: str, raw: bytes) -> str:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signed = f"{message_id}.{stamp}.".encode() + raw
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()

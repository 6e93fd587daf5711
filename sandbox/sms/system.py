"""A text gateway in the form of 46elks (https://46elks.com/docs/send-sms); what goes beyond that page is from memory.

    POST /a1/sms   form `from`, `to` (E.164), `message` → 200 {"id","status","from","to","message","created","parts",
                   "cost","direction"}; 401 without the sign-in, 403 when there is no credit, 400 for what isn't a text

A text to a number of `Behaviour.unreachable` is taken with the status "failed".
"""

import hmac
import re
import secrets
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.people import Population, Truth
from sandbox.state import Collection, Document, Store
from sandbox.system import ConnectionFields, Options

USER = "u-sandbox"
PASSWORD = "sandbox-texts"
_SENDER = re.compile(r"[A-Za-z][A-Za-z0-9]{2,10}|\+[1-9][0-9]{6,14}")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_PART = 160


@dataclass
class Behaviour:
    """What tests change. `empty`: there is no credit left; `unreachable`: numbers whose texts fail."""

    empty: bool = False
    unreachable: Sequence[str] = ()


class Texts:
    """See `sandbox.system.HttpSystem`."""

    name = "sms"
    tls = False

    def __init__(self, options: Options, population: Population) -> None:
        self._clock, self.behaviour = options.clock, Behaviour()
        self.messages: Collection = Store(options.folder, self.name)["messages"]
        self.app: ASGIApp = Starlette(routes=[Route("/a1/sms", self._send, methods=["POST"])])

    def counted(self, path: str) -> bool:
        """Every call counts."""
        return True

    def connections(self, base_url: str, authority: str) -> dict[str, ConnectionFields]:
        """`dsr_sms`, from which the stack makes DSR_SMS_URL; no task sends texts."""
        # Without `extra`: Airflow's import of connections takes no empty one.
        host = f"{base_url}/a1/sms"
        return {"dsr_sms": {"conn_type": "http", "host": host, "login": USER, "password": PASSWORD}}

    def admin_routes(self) -> list[Route]:
        """What was sent, and how to misbehave.

        GET /sms/messages            [{"id","from","to","message","status","created",…}…], oldest first; DELETE forgets
        POST /sms/behaviour {…}      see `Behaviour`; {} = as it should be
        """
        return [
            Route("/sms/messages", self._admin, methods=["GET", "DELETE"]),
            Route("/sms/behaviour", self._behave, methods=["POST"]),
        ]

    def truth(self) -> Sequence[Truth]:
        """Nothing: it takes texts, no person is looked up here."""
        return ()

    async def _send(self, request: Request) -> Response:
        if not _signed_in(request):
            return PlainTextResponse("API access requires Basic HTTP authentication", 401)
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode("utf-8", "replace")).items()}
        sender, to, message = (form.get(name, "") for name in ("from", "to", "message"))
        if not (_SENDER.fullmatch(sender) and _NUMBER.fullmatch(to) and message):
            return PlainTextResponse("from, to or message is missing or wrong", 400)
        if self.behaviour.empty:
            return PlainTextResponse("Not enough credits", 403)
        status = "failed" if to in self.behaviour.unreachable else "created"
        created = datetime.fromtimestamp(self._clock.now(), UTC).isoformat(timespec="microseconds")
        parts = -(-len(message) // _PART)
        sent: Document = {
            "id": f"s{secrets.token_hex(16)}",
            "status": status,
            "from": sender,
            "to": to,
            "message": message,
        }
        sent |= {"created": created, "parts": parts, "cost": 5200 * parts, "direction": "outgoing"}
        self.messages[f"{len(self.messages) + 1:06d}-{sent['id']}"] = sent
        return JSONResponse(sent)

    async def _admin(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.messages.clear()
            return Response(status_code=204)
        return JSONResponse(list(self.messages.values()))

    async def _behave(self, request: Request) -> Response:
        self.behaviour = Behaviour(**await request.json())
        return JSONResponse(asdict(self.behaviour))


def _signed_in(request: Request) -> bool:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    try:
        given = b64decode(value, validate=True)
    except (NotBase64, ValueError):
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(given, f"{USER}:{PASSWORD}".encode())

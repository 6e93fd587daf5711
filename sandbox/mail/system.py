r"""The mail server of the sandbox: SMTP on loopback (RFC 5321, SMTPUTF8), sign-in optional; messages can be read.

    GET    /mail/messages   [{"to","from","subject","text","html","headers","raw","received_at"}…], oldest first
    DELETE /mail/messages   forget them

`to` and `from` are those of the envelope; `html` is "" when the message has no such part. Lines end with \n in
`text` and `html`. Recipients at refused.example are answered 550.
"""

import asyncio
import threading
import time
from collections.abc import Sequence
from email import message_from_bytes
from email.policy import SMTPUTF8
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.people import Population, Truth
from sandbox.ports import loopback_socket
from sandbox.state import Collection, Document, Store
from sandbox.system import ConnectionFields, Options

LOGIN = "dsr"
PASSWORD = "sandbox-mail"
REFUSED = "@refused.example"


class Mail:
    """The system: one SMTP server on a thread of its own."""

    name = "mail"

    def __init__(self, options: Options, population: Population) -> None:
        self.messages: Collection = Store(options.folder, self.name)["messages"]
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="smtp", daemon=True)

    def start(self) -> None:
        """Listen on a free loopback port."""
        listener = loopback_socket()
        self.port = listener.getsockname()[1]
        self._thread.start()
        opened = asyncio.run_coroutine_threadsafe(self._loop.create_server(self._session, sock=listener), self._loop)
        self._server = opened.result(10)

    def stop(self) -> None:
        """Stop listening and end the thread."""
        if self._thread.is_alive():
            if self._server is not None:
                self._loop.call_soon_threadsafe(self._server.close)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    def connections(self) -> dict[str, ConnectionFields]:
        """`dsr_mail`, as Airflow's SMTP provider reads it."""
        extra = {"disable_tls": True, "disable_ssl": True}
        fields = {"conn_type": "smtp", "host": "127.0.0.1", "port": self.port, "extra": extra}
        return {"dsr_mail": fields | {"login": LOGIN, "password": PASSWORD}}

    def admin_routes(self) -> list[Route]:
        """Read and forget messages."""
        return [Route("/mail/messages", self._admin, methods=["GET", "DELETE"])]

    def truth(self) -> Sequence[Truth]:
        """Nothing: it takes mail, no person is looked up here."""
        return ()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take every recipient but those of one domain."""
        if address.lower().endswith(REFUSED):
            return "550 5.1.1 No such user here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep one message."""
        raw = envelope.original_content or b""
        key = f"{len(self.messages) + 1:06d}-{time.time_ns()}"
        self.messages[key] = _parsed(raw, envelope.mail_from or "", envelope.rcpt_tos)
        return "250 2.0.0 Ok: queued"

    def _session(self) -> SMTP:
        return SMTP(self, authenticator=_sign_in, auth_require_tls=False, enable_SMTPUTF8=True, loop=self._loop)

    async def _admin(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.messages.clear()
            return Response(status_code=204)
        return JSONResponse(list(self.messages.values()))


def _sign_in(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    known = isinstance(data, LoginPassword) and (data.login, data.password) == (LOGIN.encode(), PASSWORD.encode())
    return AuthResult(success=known, handled=known)


def _text(part: Any) -> str:
    return "" if part is None else str(part.get_content()).replace("\r\n", "\n")


def _parsed(raw: bytes, sender: str, recipients: Sequence[str]) -> Document:
    message = message_from_bytes(raw, policy=SMTPUTF8)
    parts = {kind: message.get_body((kind,)) for kind in ("plain", "html")}
    text = {kind: _text(part) for kind, part in parts.items()}
    return {
        "to": list(recipients), "from": sender, "subject": str(message.get("subject", "")),
        "text": text["plain"], "html": text["html"],
        "headers": [[name, str(value)] for name, value in message.items()],
        "raw": raw.decode("utf-8", "replace"),
        "received_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }  # fmt: skip

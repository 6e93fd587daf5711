"""Our own form of a ticket, signed as Standard Webhooks says (standardwebhooks.com).

In:  `schemas/ticket-standard_webhooks.schema.json` with the headers webhook-id, webhook-timestamp (Unix seconds) and
     webhook-signature (`v1,<base64>`, several separated by blanks).
Out: the answer goes as a Standard Webhook to the connection's host and extra.path, signed with its password:
     {"type": "dsr.request.answered", "timestamp", "data": {"request_id", "ticket": {"id"}, "text", "closed"}}
     A note for those who work on the ticket has the type "dsr.request.noted"; the person must not read it.
"""

import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from dsr.channels import own_form, signature
from dsr.channels.body import document
from dsr.channels.ticket import Answer, Delivery, HttpFactory, Ticket
from dsr.errors import PermanentError
from dsr.source import Connection

_NAME = "standard_webhooks"


class StandardWebhooks:
    """The channel; its signature covers the delivery's id."""

    name = _NAME
    outside = False

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], at: datetime) -> Delivery:
        """As `Channel.verify`."""
        delivery_id = signature.header(headers, "webhook-id", _NAME)
        text = signature.header(headers, "webhook-timestamp", _NAME)
        given = signature.header(headers, "webhook-signature", _NAME).split()
        stamp = signature.from_unix(text, _NAME)
        try:
            content = body.decode()
        except UnicodeDecodeError:
            content = ""  # what the standard signs is text; bytes that are none have no valid signature
        signature.check(given, lambda secret: _sign(secret, delivery_id, stamp, content), secrets, _NAME)
        signature.in_time(stamp, at, _NAME)
        return Delivery(delivery_id)

    def parse(self, body: bytes) -> Ticket:
        """As `Channel.parse`."""
        return own_form.ticket(document(body, own_form.SCHEMA, _NAME), _NAME)

    def answer(self, connection: Connection, answer: Answer, http: HttpFactory, before: int | None = None) -> None:
        """As `Channel.answer`; the webhook-id is the answer's id, so that a receiver drops a repetition."""
        data = {
            "request_id": answer.request_id,
            "ticket": {"id": answer.ticket_id},
            "text": answer.text,
            "closed": answer.close,
        }
        stamp = answer.at.astimezone(UTC).replace(microsecond=0)
        kind = "dsr.request.answered" if answer.public else "dsr.request.noted"
        content = {"type": kind, "timestamp": stamp.isoformat(), "data": data}
        text = json.dumps(content, ensure_ascii=False)
        headers = {
            "content-type": "application/json",
            "webhook-id": answer.answer_id,
            "webhook-timestamp": str(int(stamp.timestamp())),
            "webhook-signature": _sign(connection.password, answer.answer_id, stamp, text),
        }
        with http(connection.host, place=_NAME, ca=str(connection.extra.get("ca", ""))) as client:
            client.request("POST", str(connection.extra.get("path", "/")), content=text.encode(), headers=headers)


def _sign(secret: str, message_id: str, stamp: datetime, text: str) -> str:
    try:
        return Webhook(secret).sign(message_id, stamp, text)
    except (binascii.Error, EmptyWebhookSecretError, ValueError):
        raise PermanentError("secret.not_base64", _NAME) from None

"""Zendesk: a webhook called by a trigger, answers as public comments (developer.zendesk.com).

In:  `schemas/ticket-zendesk.schema.json`, made by the trigger body in `zendesk-trigger.json` beside this file (see
     `trigger_body`), in which the numbers of the account's own ticket fields are to be put; what the schema lists are
     tags of their options. The signature is base64(HMAC-SHA256(secret, timestamp + raw body)); it does not cover the
     invocation's id.
Out: `PUT /api/v2/tickets/{id}.json` with Basic `<e-mail>/token:<key>`. Zendesk has no key against a repeated comment;
     the ticket's comments are read when an attempt may have come through.
"""

import base64
import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from dsr.channels import signature
from dsr.channels.ticket import Answer, Delivery, Http, HttpFactory, Ticket
from dsr.channels.trigger_body import ticket_of
from dsr.channels.written import Comment, confirm, occurrences, pages
from dsr.source import Connection

_NAME = "zendesk"


class Zendesk:
    """The channel."""

    name = _NAME
    outside = False

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], at: datetime) -> Delivery:
        """As `Channel.verify`."""
        delivery_id = signature.header(headers, "x-zendesk-webhook-invocation-id", _NAME)
        stamp = signature.header(headers, "x-zendesk-webhook-signature-timestamp", _NAME)
        given = signature.header(headers, "x-zendesk-webhook-signature", _NAME)
        signed = stamp.encode("utf-8", "replace") + body
        signature.check([given], lambda secret: sign(secret, signed), secrets, _NAME)
        signature.in_time(signature.from_iso(stamp, _NAME), at, _NAME)
        return Delivery(delivery_id, replay_key=sha256(signed).hexdigest())

    def parse(self, body: bytes) -> Ticket:
        """As `Channel.parse`; a placeholder that Zendesk could not fill is an empty text."""
        return ticket_of(body, _NAME)

    def answer(self, connection: Connection, answer: Answer, http: HttpFactory, before: int | None = None) -> None:
        """As `Channel.answer`: one comment, and "solved" with it when the ticket is done."""
        signed_in = base64.b64encode(f"{connection.login}:{connection.password}".encode()).decode()
        headers = {"authorization": f"Basic {signed_in}"}
        ticket: dict[str, Any] = {"comment": {"body": answer.text, "public": answer.public}}
        if answer.public:
            ticket["status"] = "solved" if answer.close else "open"
        path = f"/api/v2/tickets/{quote(answer.ticket_id, safe='')}"
        with http(connection.host, place=_NAME, headers=headers, ca=str(connection.extra.get("ca", ""))) as client:
            if before is None or occurrences(answer, _comments(client, path)) <= before:
                confirm(client.request("PUT", f"{path}.json", json={"ticket": ticket}), _NAME, "ticket")


def _comments(client: Http, path: str) -> Iterator[Comment]:
    """All comments of a ticket, whichever page they are on."""
    page = f"{path}/comments.json"
    for _ in pages(_NAME):
        found = client.get_json(page)
        yield from (Comment(str(c.get("body") or ""), c.get("public") is True) for c in found["comments"])
        page = found.get("next_page") or ""
        if not page:
            return


def sign(secret: str, signed: bytes) -> str:
    """Zendesk's signature over timestamp and raw body."""
    return base64.b64encode(hmac.digest(secret.encode(), signed, "sha256")).decode()

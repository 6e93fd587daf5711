"""Freshdesk: a webhook called by an automation rule, answers as public notes (developers.freshdesk.com/api).

In:  `schemas/ticket-freshdesk.schema.json`, made by the content in `freshdesk-trigger.json` beside this file (see
     `trigger_body`), in which the names of the account's own ticket fields are to be put. Freshdesk signs nothing and
     sends no id: the call is authentic by a secret, as Basic sign-in (any user name, the secret as password) or in the
     header X-DSR-Secret, and the same content is the same delivery. TLS alone keeps the content as it was sent.
Out: `POST /api/v2/tickets/{id}/notes`, then `PUT /api/v2/tickets/{id}` with the status closed; Basic `<API key>:X`.
     Freshdesk has no key against a repeated note; the ticket's conversations are read when an attempt may have come
     through.
"""

import base64
import html
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final
from urllib.parse import quote

from dsr.channels import signature
from dsr.channels.ticket import Answer, Delivery, Http, HttpFactory, Ticket
from dsr.channels.trigger_body import ticket_of
from dsr.channels.written import Comment, confirm, occurrences, pages
from dsr.source import Connection

_NAME = "freshdesk"
_OPEN: Final = 2
_CLOSED: Final = 5
_PAGE: Final = 100


class Freshdesk:
    """The channel."""

    name = _NAME
    outside = False

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], at: datetime) -> Delivery:
        """As `Channel.verify`; `at` is not used, since nothing says when the call was made."""
        given = headers.get("x-dsr-secret", "").strip() or signature.basic(headers, _NAME)[1]
        signature.check([given], lambda secret: secret, secrets, _NAME)
        return Delivery(sha256(body).hexdigest())

    def parse(self, body: bytes) -> Ticket:
        """As `Channel.parse`; a placeholder that Freshdesk could not fill is an empty text."""
        return ticket_of(body, _NAME)

    def answer(self, connection: Connection, answer: Answer, http: HttpFactory, before: int | None = None) -> None:
        """As `Channel.answer`. What isn't closed is open again, as somebody has to go on with it."""
        signed_in = base64.b64encode(f"{connection.password}:X".encode()).decode()
        headers = {"authorization": f"Basic {signed_in}"}
        path = f"/api/v2/tickets/{quote(answer.ticket_id, safe='')}"
        note = {"body": html.escape(answer.text).replace("\n", "<br>"), "private": not answer.public}
        with http(connection.host, place=_NAME, headers=headers, ca=str(connection.extra.get("ca", ""))) as client:
            if before is None or occurrences(answer, _notes(client, path)) <= before:
                confirm(client.request("POST", f"{path}/notes", json=note), _NAME)
            if answer.public:
                client.request("PUT", path, json={"status": _CLOSED if answer.close else _OPEN})


def _notes(client: Http, path: str) -> Iterator[Comment]:
    """All notes and replies of a ticket, whichever page they are on."""
    for page in pages(_NAME):
        found = client.get_json(f"{path}/conversations?per_page={_PAGE}&page={page}")
        yield from (Comment(str(c.get("body_text") or ""), c.get("private") is False) for c in found)
        if len(found) != _PAGE:
            return

"""Zendesk: a webhook called by a trigger, answers as public comments (developer.zendesk.com).

In:  `schemas/ticket-zendesk.schema.json`, made by the trigger body in `zendesk-trigger.json` beside this file, in
     which the numbers of the account's own ticket fields are to be put. Right and encryption are drop-down fields
     whose options have the values of the schema as tags, and so are ground and about; purposes is a multi-select field;
     the age key, the recipient and the customer are text fields; corrections is a multi-line one, a `key: value` a
     line; the ID token is one that the customer portal fills in. The signature is
     base64(HMAC-SHA256(secret, timestamp + raw body)); it does not cover the invocation's id.
Out: `PUT /api/v2/tickets/{id}.json` with Basic `<e-mail>/token:<key>`. Zendesk has no key against a repeated comment.
"""

import base64
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from urllib.parse import quote

from dsr.channels import signature
from dsr.channels.acting import acting
from dsr.channels.body import document, moment, stated
from dsr.channels.options import options
from dsr.channels.relation import relation
from dsr.channels.rights import named
from dsr.channels.ticket import Answer, Delivery, HttpFactory, Ticket
from dsr.source import Connection

_NAME = "zendesk"


class Zendesk:
    """The channel."""

    name = _NAME

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
        value = document(body, f"ticket-{_NAME}", _NAME)
        requester, right = value["requester"], named(value.get("right"))
        package = value.get("package") or {}
        asked = {name: package.get(name) for name in ("encryption", "age_recipient")}
        chosen, wrong = options(right.right, {**asked, "transmit_to": value.get("transmit_to")})
        said = value.get("corrections"), value.get("purposes"), value.get("ground")
        about, wrong_about = relation(value.get("about"), value.get("customer"))
        changes = acting(right.right, *said, _NAME, before=[*wrong, *wrong_about])
        language = str(requester.get("language") or "sv").lower()
        subject = stated(
            email=requester.get("email"),
            name=requester.get("name"),
            phone=requester.get("phone"),
            customer_number=value.get("customer_number"),
        )
        return Ticket(
            channel=_NAME,
            ticket_id=value["ticket"]["id"],
            right=right.right,
            language="sv" if language.startswith(("sv", "swedish", "svenska")) else "en",
            subject=subject,
            received_at=moment(value["ticket"].get("created_at"), "#/ticket/created_at", _NAME),
            package=chosen.package,
            transmit_to=chosen.transmit_to,
            acting=changes,
            unclear=right.unclear,
            among=right.among,
            relation=about,
            id_token=(value.get("id_token") or "").strip(),
        )

    def answer(self, connection: Connection, answer: Answer, http: HttpFactory) -> None:
        """As `Channel.answer`: one public comment, and "solved" with it when the ticket is done."""
        signed_in = base64.b64encode(f"{connection.login}:{connection.password}".encode()).decode()
        headers = {"authorization": f"Basic {signed_in}"}
        ticket = {"comment": {"body": answer.text, "public": True}, "status": "solved" if answer.close else "open"}
        path = f"/api/v2/tickets/{quote(answer.ticket_id, safe='')}.json"
        with http(connection.host, place=_NAME, headers=headers, ca=str(connection.extra.get("ca", ""))) as client:
            client.request("PUT", path, json={"ticket": ticket})


def sign(secret: str, signed: bytes) -> str:
    """Zendesk's signature over timestamp and raw body."""
    return base64.b64encode(hmac.digest(secret.encode(), signed, "sha256")).decode()

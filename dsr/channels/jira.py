"""Jira Service Management: the webhook of a new issue, answers as public comments (developer.atlassian.com).

In:  `schemas/ticket-jira.schema.json`, the vendor's own body. `X-Hub-Signature: sha256=<hex>` covers the raw body and
     neither a time nor the delivery's id: the body's own `timestamp` (Unix milliseconds) stands in for the first, and
     a copied call is recognised by its body.
Out: `POST /rest/servicedeskapi/request/{key}/comment`, then the first transition that leads to a done status. When an
     attempt may have come through, the comments are read first.
"""

import base64
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote

from dsr.channels import own_form, signature
from dsr.channels.body import document
from dsr.channels.ticket import Answer, Delivery, Http, HttpFactory, Refused, Ticket
from dsr.channels.written import Comment, confirm, occurrences, pages
from dsr.source import Connection

_NAME = "jira"
_RETRIED_FOR: Final = timedelta(hours=2)
"""Jira sends a failed call again up to five times, a quarter of an hour apart, with the body unchanged; a request that
came late must not be lost. Within this time a copy is still one run, since its body is known."""

_PAGE: Final = 50
"""Comments at a time."""
_LONGEST_FIELD: Final = 64
_LONGEST_TEXT: Final = 32_768
"""What Jira lets into a multi-line field."""


@dataclass(frozen=True)
class Jira:
    """The channel. The fields are ids of the site's custom fields (select fields or text), which an installation names
    as `channels.from_environment` says; e-mail and name are the reporter's.

    right            which right is exercised, a select field, of one or several, or a text
    phone, customer_number, language   the person's
    encryption       how the package is to be closed; empty = as the installation does it
    age_recipient    the person's age key
    transmit_to      key of the controller that the package is to be sent to
    ground           why data is to be erased or restricted, or what is objected to
    purposes         multi-select: DPV terms
    corrections      multi-line text: a `key: value` a line
    about            what the request is about; empty = the controller's own processing
    customer         key of the customer on whose behalf it is processed
    id_token         text, which the customer portal fills in
    """

    right: str = "customfield_10101"
    phone: str = "customfield_10102"
    customer_number: str = "customfield_10103"
    language: str = "customfield_10104"
    encryption: str = "customfield_10105"
    age_recipient: str = "customfield_10106"
    transmit_to: str = "customfield_10107"
    ground: str = "customfield_10108"
    purposes: str = "customfield_10109"
    corrections: str = "customfield_10110"
    about: str = "customfield_10111"
    customer: str = "customfield_10112"
    id_token: str = "customfield_10113"  # noqa: S105 - a field's id

    @property
    def name(self) -> str:
        """As `Channel.name`."""
        return _NAME

    @property
    def outside(self) -> bool:
        """As `Channel.outside`."""
        return False

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], at: datetime) -> Delivery:
        """As `Channel.verify`."""
        delivery_id = signature.header(headers, "x-atlassian-webhook-identifier", _NAME)
        given = signature.header(headers, "x-hub-signature", _NAME)
        signature.check([given], lambda secret: sign(secret, body), secrets, _NAME)
        stamp = document(body, f"ticket-{_NAME}", _NAME)["timestamp"]
        signature.in_time(datetime.fromtimestamp(stamp / 1000, UTC), at, _NAME, past=_RETRIED_FOR)
        return Delivery(delivery_id, replay_key=sha256(body).hexdigest())

    def parse(self, body: bytes) -> Ticket:
        """As `Channel.parse`."""
        issue = document(body, f"ticket-{_NAME}", _NAME)["issue"]
        fields = issue["fields"]
        reporter = fields["reporter"]
        form = {
            "ticket": {"id": issue["key"]},
            "right": _stated(fields, self.right),
            "language": "en" if _choice(fields, self.language).lower().startswith("en") else "sv",
            "subject": {
                "email": reporter.get("emailAddress"),
                "name": reporter.get("displayName"),
                "phone": _choice(fields, self.phone),
                "customer_number": _choice(fields, self.customer_number),
            },
            "received_at": fields.get("created"),
            "package": {name: _choice(fields, getattr(self, name)) for name in ("encryption", "age_recipient")},
            **{name: _choice(fields, getattr(self, name)) for name in ("transmit_to", "ground", "about", "customer")},
            "purposes": _choices(fields, self.purposes),
            **{name: _text(fields, getattr(self, name)) for name in ("corrections", "id_token")},
        }
        where = {name: _pointer(getattr(self, name)) for name in own_form.POINTERS if name != "received_at"}
        return own_form.ticket(form, _NAME, {**where, "received_at": "#/issue/fields/created"})

    def answer(self, connection: Connection, answer: Answer, http: HttpFactory, before: int | None = None) -> None:
        """As `Channel.answer`. A workflow that offers no way to a done status leaves the issue open, as it was."""
        signed_in = base64.b64encode(f"{connection.login}:{connection.password}".encode()).decode()
        headers = {"authorization": f"Basic {signed_in}"}
        key = quote(answer.ticket_id, safe="")
        path = f"/rest/servicedeskapi/request/{key}/comment"
        with http(connection.host, place=_NAME, headers=headers, ca=str(connection.extra.get("ca", ""))) as client:
            if before is None or occurrences(answer, _comments(client, path)) <= before:
                made = client.request("POST", path, json={"body": answer.text, "public": answer.public})
                confirm(made, _NAME)
            if answer.close:
                _resolve(client, f"/rest/api/3/issue/{key}/transitions")


def _comments(client: Http, path: str) -> Iterator[Comment]:
    """All comments of an issue, whichever page they are on."""
    start = 0
    for _ in pages(_NAME):
        found = client.get_json(f"{path}?start={start}&limit={_PAGE}")
        yield from (Comment(str(c.get("body") or ""), c.get("public") is True) for c in found["values"])
        start += len(found["values"])
        if not found["values"] or found.get("isLastPage") is not False:
            return


def _resolve(client: Http, path: str) -> None:
    for transition in client.get_json(path)["transitions"]:
        if transition["to"]["statusCategory"]["key"] == "done":
            client.request("POST", path, json={"transition": {"id": transition["id"]}})
            return


def sign(secret: str, body: bytes) -> str:
    """Jira's signature over the raw body."""
    return "sha256=" + hmac.digest(secret.encode(), body, "sha256").hex()


def _choice(fields: Mapping[str, Any], name: str) -> str:
    """The text of a text field or of a select field's option; "" when empty. The vendor's body has no schema for
    custom fields, so length and control characters are checked here."""
    value = fields.get(name)
    if isinstance(value, dict):
        value = value.get("value")
    text = "" if value is None else str(value).strip()
    if len(text) > _LONGEST_FIELD or not text.isprintable():
        raise Refused("body.invalid", _NAME, [(_pointer(name), "is too long or has control characters")])
    return text


def _choices(fields: Mapping[str, Any], name: str) -> list[str]:
    """The texts of a multi-select field's options, or the words of a text field; [] when empty."""
    value = fields.get(name)
    if not isinstance(value, list):
        return _choice(fields, name).replace(",", " ").split()
    return [_choice({name: item}, name) for item in value]


def _stated(fields: Mapping[str, Any], name: str) -> list[str] | str:
    """The right as somebody put it: a text of any kind, or the options of a select field."""
    value = fields.get(name)
    return _text(fields, name) if value is None or isinstance(value, str) else _choices(fields, name)


def _text(fields: Mapping[str, Any], name: str) -> str:
    """A multi-line text field; "" when empty. Its lines are checked where they are read."""
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise Refused("body.invalid", _NAME, [(_pointer(name), "has the wrong type")])
    if len(value or "") > _LONGEST_TEXT:
        raise Refused("body.invalid", _NAME, [(_pointer(name), "is too long")])
    return value or ""


def _pointer(name: str) -> str:
    return f"#/issue/fields/{name}"

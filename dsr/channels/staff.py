"""Requests that an officer enters for somebody who wrote a letter, called, came by, or wrote to the mailbox.

No ticket system stands behind it: nothing is signed (whoever is signed in to the console vouches for it), and there is
nothing to write into. It is no `Channel` therefore; what it has in common with them is the request's form. What the
person is told is kept for the officer, see `dsr.letterbox`.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from dsr.channels import own_form
from dsr.channels.body import document
from dsr.channels.ticket import Ticket

NAME: Final = "staff"
WAYS: Final[Mapping[str, str]] = {
    "letter": "by letter",
    "phone": "by phone",
    "visit": "in person",
    "mailbox": "by mail to the mailbox",
}
"""How it reached us → in words."""


def body_of(value: Mapping[str, Any]) -> bytes:
    """What was typed as the bytes that say whether the same form was sent before: same content, same bytes."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass")


def parse(value: Mapping[str, Any]) -> Ticket:
    """The request in what was typed: a document of `own_form.SCHEMA` but that "corrections" is a text, one `key: value`
    a line, and received_at is required. Refused("body.not_json" | "body.invalid"), the latter with the fields."""
    typed = {name: part for name, part in value.items() if name != "corrections"}
    checked = document(body_of(typed), own_form.SCHEMA, NAME)
    return own_form.ticket({**checked, "corrections": value.get("corrections")}, NAME)

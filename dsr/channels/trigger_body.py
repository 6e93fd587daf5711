"""A ticket in the body that comes with dsr, for systems whose administrators write the webhook's body themselves:
`zendesk-trigger.json` and `freshdesk-trigger.json` beside this file, in which the account's own fields are to be put.

Right and encryption are drop-down fields whose options have the values of the schema, and so are ground and about;
purposes is a multi-select field; the age key, the recipient and the customer are text fields; corrections is a
multi-line one, a `key: value` a line; the ID token is one that the customer portal fills in.
"""

from collections.abc import Mapping
from typing import Any, Final

from dsr.channels import own_form
from dsr.channels.body import document
from dsr.channels.ticket import Ticket

_POINTERS: Final = {**own_form.POINTERS, "received_at": "#/ticket/created_at"}


def ticket_of(body: bytes, channel: str) -> Ticket:
    """As `Channel.parse`, by `schemas/ticket-<channel>.schema.json`. A placeholder that the system could not fill is an
    empty text."""
    value = document(body, f"ticket-{channel}", channel)
    requester, package = value["requester"], value.get("package") or {}
    form = {
        **value,
        "language": _language(requester),
        "subject": {
            **{name: requester.get(name) for name in ("email", "name", "phone")},
            "customer_number": value.get("customer_number"),
        },
        "received_at": value["ticket"].get("created_at"),
        "package": {name: package.get(name) for name in ("encryption", "age_recipient")},
    }
    return own_form.ticket(form, channel, _POINTERS)


def _language(requester: Mapping[str, Any]) -> str:
    named = str(requester.get("language") or "sv").lower()
    return "sv" if named.startswith(("sv", "swedish", "svenska")) else "en"

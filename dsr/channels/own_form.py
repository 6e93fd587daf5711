"""A request in our own form, `schemas/ticket-standard_webhooks.schema.json`: what it comes to, whoever filled it in.
Channels whose bodies have another form bring theirs into this one."""

from collections.abc import Mapping
from typing import Any, Final

from dsr.channels import acting, options, relation
from dsr.channels.body import moment, stated
from dsr.channels.rights import named
from dsr.channels.ticket import Ticket

SCHEMA: Final = "ticket-standard_webhooks"
POINTERS: Final[Mapping[str, str]] = {
    **options.POINTERS,
    **relation.POINTERS,
    **acting.POINTERS,
    "received_at": "#/received_at",
}
"""Where each thing stands in a body of this form."""


def ticket(value: Mapping[str, Any], channel: str, pointers: Mapping[str, str] = POINTERS) -> Ticket:
    """The request in a document that fits `SCHEMA`; "corrections" may also be a text, one `key: value` a line, and what
    isn't stated None or an empty text. Refused("body.invalid") with all that is wrong, at `pointers`."""
    right = named(value.get("right"))
    asked = {**(value.get("package") or {}), "transmit_to": value.get("transmit_to")}
    chosen, wrong = options.options(right.right, asked, pointers)
    about, wrong_about = relation.relation(value.get("about"), value.get("customer"), pointers)
    said = value.get("corrections"), value.get("purposes"), value.get("ground")
    changes = acting.acting(right.right, *said, channel, pointers, [*wrong, *wrong_about])
    return Ticket(
        channel=channel,
        ticket_id=value["ticket"]["id"],
        right=right.right,
        language=value.get("language", "sv"),
        subject=stated(**value["subject"]),
        received_at=moment(value.get("received_at"), pointers["received_at"], channel),
        package=chosen.package,
        transmit_to=chosen.transmit_to,
        acting=changes,
        unclear=right.unclear,
        among=right.among,
        relation=about,
        id_token=(value.get("id_token") or "").strip(),
    )

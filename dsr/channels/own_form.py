"""A request in our own form, `schemas/ticket-standard_webhooks.schema.json`: what it comes to, whoever filled it in."""

from collections.abc import Mapping
from typing import Any

from dsr.channels.acting import acting
from dsr.channels.body import moment, stated
from dsr.channels.options import options
from dsr.channels.relation import relation
from dsr.channels.rights import named
from dsr.channels.ticket import Ticket

SCHEMA = "ticket-standard_webhooks"


def ticket(value: Mapping[str, Any], channel: str) -> Ticket:
    """The request in a document that fits `SCHEMA`; "corrections" may also be a text, one `key: value` a line.
    Refused("body.invalid") with the fields that contradict each other."""
    right = named(value.get("right"))
    asked = {**value.get("package", {}), "transmit_to": value.get("transmit_to")}
    chosen, wrong = options(right.right, asked)
    about, wrong_about = relation(value.get("about"), value.get("customer"))
    said = value.get("corrections"), value.get("purposes"), value.get("ground")
    changes = acting(right.right, *said, channel, before=[*wrong, *wrong_about])
    return Ticket(
        channel=channel,
        ticket_id=value["ticket"]["id"],
        right=right.right,
        language=value.get("language", "sv"),
        subject=stated(**value["subject"]),
        received_at=moment(value.get("received_at"), "#/received_at", channel),
        package=chosen.package,
        transmit_to=chosen.transmit_to,
        acting=changes,
        unclear=right.unclear,
        among=right.among,
        relation=about,
        id_token=value.get("id_token", "").strip(),
    )

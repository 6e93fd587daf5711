"""A ticket in the body that comes with dsr, for systems whose administrators write the webhook's body themselves:
`zendesk-trigger.json` and `freshdesk-trigger.json` beside this file, in which the account's own fields are to be put.

Right and encryption are drop-down fields whose options have the values of the schema, and so are ground and about;
purposes is a multi-select field; the age key, the recipient and the customer are text fields; corrections is a
multi-line one, a `key: value` a line; the ID token is one that the customer portal fills in.
"""

from dsr.channels.acting import acting
from dsr.channels.body import document, moment, stated
from dsr.channels.options import options
from dsr.channels.relation import relation
from dsr.channels.rights import named
from dsr.channels.ticket import Ticket


def ticket_of(body: bytes, channel: str) -> Ticket:
    """As `Channel.parse`, by `schemas/ticket-<channel>.schema.json`. A placeholder that the system could not fill is an
    empty text."""
    value = document(body, f"ticket-{channel}", channel)
    requester, right = value["requester"], named(value.get("right"))
    package = value.get("package") or {}
    asked = {name: package.get(name) for name in ("encryption", "age_recipient")}
    chosen, wrong = options(right.right, {**asked, "transmit_to": value.get("transmit_to")})
    said = value.get("corrections"), value.get("purposes"), value.get("ground")
    about, wrong_about = relation(value.get("about"), value.get("customer"))
    changes = acting(right.right, *said, channel, before=[*wrong, *wrong_about])
    language = str(requester.get("language") or "sv").lower()
    subject = stated(
        email=requester.get("email"),
        name=requester.get("name"),
        phone=requester.get("phone"),
        customer_number=value.get("customer_number"),
    )
    return Ticket(
        channel=channel,
        ticket_id=value["ticket"]["id"],
        right=right.right,
        language="sv" if language.startswith(("sv", "swedish", "svenska")) else "en",
        subject=subject,
        received_at=moment(value["ticket"].get("created_at"), "#/ticket/created_at", channel),
        package=chosen.package,
        transmit_to=chosen.transmit_to,
        acting=changes,
        unclear=right.unclear,
        among=right.among,
        relation=about,
        id_token=(value.get("id_token") or "").strip(),
    )

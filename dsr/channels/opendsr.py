"""OpenDSR 2.0 (https://github.com/opengdpr/OpenDSR): a system that sends requests of the people who use it, and wants
to be told how far each has come. `dsr.web.opendsr` has its endpoints.

In:  `schemas/ticket-opendsr.schema.json`. Each sender signs in with its name and secret (Basic), which stand in
     DSR_CHANNEL_OPENDSR_SECRET as `name:secret`. Identities are raw; by a hash nobody is found here. What the standard
     has no place for stands in the extension of our domain: language, corrections, purposes, ground.
Out: the status to the request's callback URLs, signed by the connection's password (an RSA key, PEM in base64) as
     extra.domain, only to hosts in extra.hosts. A text for the person never leaves by this way, since the sender is
     not the person: PermanentError("answer.by_hand"), and somebody gives it to them by a way that is theirs.
"""

import base64
import binascii
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final
from urllib.parse import urlsplit

from dsr.channels import signature
from dsr.channels.acting import acting
from dsr.channels.body import document, moment, stated
from dsr.channels.rights import named
from dsr.channels.ticket import Answer, Delivery, HttpFactory, Refused, Ticket
from dsr.errors import PermanentError
from dsr.notices.signature import signed_headers
from dsr.source import Connection

NAME: Final = "opendsr"
VERSION: Final = "2.0"
KINDS: Final = ("access", "portability", "erasure", "restriction", "rectification", "objection")
"""The last three are ours: the standard has the first three."""
IDENTITIES: Final[Mapping[str, str]] = {
    "email": "email",
    "phone_number": "phone",
    "controller_customer_id": "customer_number",
}
"""identity_type → what it is called here."""
STATUSES: Final[Mapping[str, str]] = {
    "searched": "in_progress", "identity_asked": "in_progress", "identity_confirmed": "in_progress",
    "approval": "in_progress", "under_way": "in_progress", "release": "in_progress", "extended": "in_progress",
    "joined": "completed", "referred": "completed", "sent": "completed", "closed": "completed",
}  # fmt: skip
"""Stage → request_status; a stage without one isn't told."""
_SENDER: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_POINTERS: Final = {name: f"#/extensions/…/{name}" for name in ("corrections", "purposes", "ground")}


@dataclass(frozen=True)
class OpenDsrChannel:
    """The channel. domain: ours, as senders name it in `extensions`; hosts: those that callbacks may go to."""

    domain: str = ""
    hosts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As `Channel.name`."""
        return NAME

    @property
    def outside(self) -> bool:
        """As `Channel.outside`."""
        return True

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], at: datetime) -> Delivery:
        """As `Channel.verify`; the id is the sender's own, with the sender before it."""
        who = sender(headers, secrets)
        return Delivery(f"{who}/{document(body, f'ticket-{NAME}', NAME)['subject_request_id']}")

    def parse(self, body: bytes) -> Ticket:
        """As `Channel.parse`. Refused("identity.hashed") for identities that aren't raw."""
        value = document(body, f"ticket-{NAME}", NAME)
        subject = _subject(value["subject_identities"])
        own = value.get("extensions", {}).get(self.domain, {}) if self.domain else {}
        more = document(json.dumps(own).encode(), f"ticket-{NAME}-extension", NAME)
        right = named(value["subject_request_type"])
        callbacks = tuple(dict.fromkeys(value.get("status_callback_urls", ())))
        problems = [
            (f"#/status_callback_urls/{n}", "is not https to a host that is allowed here")
            for n, url in enumerate(callbacks)
            if not allowed(url, self.hosts)
        ]
        said = more.get("corrections"), more.get("purposes"), more.get("ground")
        changes = acting(right.right, *said, NAME, _POINTERS, problems)
        return Ticket(
            channel=NAME,
            ticket_id=value["subject_request_id"],
            right=right.right,
            language=more.get("language", "sv"),
            subject=subject,
            received_at=moment(value["submitted_time"], "#/submitted_time", NAME),
            acting=changes,
            unclear=right.unclear,
            among=right.among,
            callbacks=callbacks,
        )

    def answer(self, connection: Connection, answer: Answer, http: HttpFactory, before: int | None = None) -> None:
        """As `Channel.answer`: see the module. Told twice, a status is the same."""
        del before
        if answer.public:
            raise PermanentError("answer.by_hand", NAME)
        status = STATUSES.get(answer.stage)
        if status is None:
            return
        domain, hosts = str(connection.extra.get("domain") or ""), tuple(connection.extra.get("hosts") or ())
        for url in answer.callbacks:
            if not allowed(url, hosts):
                raise PermanentError("callback.refused", NAME)
            content = {
                "controller_id": domain,
                "expected_completion_time": on_day(date.fromisoformat(answer.until)),
                "status_callback_url": url,
                "subject_request_id": answer.ticket_id,
                "request_status": status,
                "api_version": VERSION,
            }
            body = json.dumps(content).encode()
            signed = signed_headers(pem_of(connection.password), domain, body, NAME)
            headers = {"content-type": "application/json", **signed}
            parts = urlsplit(url)
            with http(f"https://{parts.netloc}", place=NAME, ca=str(connection.extra.get("ca", ""))) as client:
                path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
                client.request("POST", path, content=body, headers=headers)


def sender(headers: Mapping[str, str], secrets: Sequence[str]) -> str:
    """Who calls, by their sign-in. Refused("signature.missing" | "signature.wrong")."""
    name, secret = signature.basic(headers, NAME)
    if not _SENDER.fullmatch(name):
        raise Refused("signature.wrong", NAME)
    signature.check([f"{name}:{secret}"], lambda known: known, secrets, NAME)
    return name


def allowed(url: str, hosts: Collection[str]) -> bool:
    """Whether a callback may go there: https, to one of the hosts (with its port, where it isn't 443), nothing before
    an @ and no fragment."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme == "https" and not parts.fragment and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return False
    return plain and parts.netloc.lower().removesuffix(":443") in hosts and url.isascii() and url.isprintable()


def on_day(day: date) -> str:
    """A day of ours as a moment, which is all that the standard has: noon UTC is within it all over Europe."""
    return datetime.combine(day, time(12), UTC).isoformat()


def pem_of(text: str) -> bytes:
    """PEM from base64. PermanentError("signing.key") when it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise PermanentError("signing.key", NAME) from None


def _subject(identities: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    problems = []
    for n, identity in enumerate(identities):
        name = IDENTITIES.get(identity["identity_type"])
        if identity["identity_format"] != "raw":
            at = f"#/subject_identities/{n}/identity_format"
            raise Refused("identity.hashed", NAME, [(at, "is not raw; a hash finds nobody here")])
        if name is None:
            problems.append((f"#/subject_identities/{n}/identity_type", "is not one of the accepted values"))
        elif name in found:
            problems.append((f"#/subject_identities/{n}/identity_type", "stands twice"))
        else:
            found |= stated(**{name: identity["identity_value"]})
    if not problems and "email" not in found:
        problems.append(("#/subject_identities", "has no e-mail address"))
    if problems:
        raise Refused("body.invalid", NAME, problems)
    return found

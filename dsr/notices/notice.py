"""What one recipient is told about one request."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from dsr.register.nouns import Recipient, Words

LIFTED: Final = "lifted"
"""That a restriction has ended: whoever was told of it only stores the data until they hear so."""
KINDS: Final = ("erasure", "restriction", "rectification", LIFTED)
"""What Art. 19 asks to tell: Art. 17(1), 18 and 16; and what ends the second."""

_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_DNS, "dsr.example")


@dataclass(frozen=True)
class Notice:
    """One message to one recipient; the same arguments give the same notice.

    kind         one of `KINDS`
    activities   rows of the register under which the recipient got the data, sorted
    titles       what these are called, by language, in the same order
    received_at  when the person asked, aware
    emails       addresses that are surely the person's and nobody else's, in normal form, sorted; never empty
    corrections  as `Ticket.corrections` keeps them; {} unless kind is rectification
    number       from 1; what is restricted once more after it was lifted is told once more
    ends         id of the notice of the restriction that was lifted; "" unless kind is LIFTED
    """

    request_id: str
    recipient: Recipient
    kind: str
    activities: tuple[str, ...]
    titles: tuple[Words, ...]
    received_at: datetime
    emails: tuple[str, ...] = field(repr=False)
    corrections: Mapping[str, Any] = field(default_factory=dict, repr=False)
    number: int = 1
    ends: str = ""

    @property
    def notice_id(self) -> str:
        """The id by which the recipient knows it again: UUID 5 of what it is about, in the form of version 4, which is
        the only one that OpenDSR knows (2, notational conventions)."""
        again = (str(self.number),) if self.number > 1 else ()
        name = "/".join((self.request_id, self.recipient.id, self.kind, *self.activities, *again))
        if self.ends:
            name = f"{self.ends}/{self.kind}"
        return str(uuid.UUID(bytes=uuid.uuid5(_NAMESPACE, name).bytes, version=4))

    @property
    def in_clear(self) -> bool:
        """Whether the recipient gets addresses and corrected values as they are."""
        return self.recipient.notify is not None and self.recipient.notify.identities == "raw"

    @property
    def hashes(self) -> tuple[str, ...]:
        """SHA-256 in hex of each address in small letters, UTF-8."""
        return tuple(sha256(email.encode()).hexdigest() for email in self.emails)

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of what was corrected, sorted: attributes of the person and `<dataset>.<field>`."""
        return tuple(sorted(self._flat()))

    def as_opendsr(self, domain: str, callbacks: Sequence[str] = ()) -> Mapping[str, Any]:
        """The request in the form of OpenDSR 2.0. What its properties have no place for stands in the extension of the
        processor's domain (7.1.2): the activities, and what was corrected."""
        values = self.emails if self.in_clear else self.hashes
        way = "raw" if self.in_clear else "sha256"
        extension: dict[str, Any] = {"article": "gdpr:A19", "activities": list(self.activities)}
        if self.kind == "rectification":
            extension["rectified"] = self._flat() if self.in_clear else list(self.fields)
        body: dict[str, Any] = {
            "regulation": "gdpr",
            "subject_request_id": self.notice_id,
            "subject_request_type": self.kind,
            "submitted_time": self.received_at.isoformat(),
            "subject_identities": [
                {"identity_type": "email", "identity_value": value, "identity_format": way} for value in values
            ],
            "api_version": "2.0",
        }
        if callbacks:
            body["status_callback_urls"] = list(callbacks)
        return {**body, "extensions": {domain: extension}}

    def _flat(self) -> dict[str, Any]:
        flat: dict[str, Any] = {}
        for key, value in self.corrections.items():
            flat |= {f"{key}.{name}": v for name, v in value.items()} if isinstance(value, Mapping) else {key: value}
        return flat

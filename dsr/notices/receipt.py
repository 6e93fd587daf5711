"""What a processor answered, as far as it is kept: enough to prove that it took the notice, nothing of the person.

OpenDSR 7.3 forbids to store `encoded_request`, which holds the identities; so the signed body isn't kept, but its
SHA-256 is, and with that the signature can still be checked by anybody who has the certificate.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final, Self

from dsr.errors import PermanentError
from dsr.notices.signature import Certificate

STATUSES: Final = ("pending", "in_progress", "completed", "cancelled")
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")


@dataclass(frozen=True)
class Receipt:
    """The processor's word that it has the notice.

    received_time, expected_completion_time   RFC 3339, by the processor's clock
    body_sha256, signature                    of the answer: hex, base64
    certificate                               PEM
    """

    notice_id: str
    controller_id: str
    domain: str
    received_time: str
    expected_completion_time: str
    body_sha256: str
    signature: str
    certificate: str

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Back from `as_json`."""
        return cls(**{field.name: value[field.name] for field in fields(cls)})

    def as_json(self) -> dict[str, str]:
        """The form in the case file."""
        return asdict(self)

    def proves(self, at: datetime) -> bool:
        """Whether the signature still fits; `at`: when the receipt came, since certificates end."""
        return Certificate(self.certificate.encode(), self.domain, at, "receipt").signed(
            self.signature, self.body_sha256
        )


@dataclass(frozen=True)
class Status:
    """Where a notice stands at the processor: one of `STATUSES`; when it expects to be done, aware."""

    status: str
    expected: datetime


@dataclass(frozen=True)
class Signed:
    """A body whose signature was found right, with what proves it."""

    body: bytes
    body_sha256: str
    signature: str
    certificate: str
    domain: str
    place: str

    def receipt(self, notice_id: str, sent: bytes) -> Receipt:
        """PermanentError("receipt.mismatch") unless it is for exactly the request that was sent, ("receipt.invalid")
        when it isn't in the form of OpenDSR 7.3."""
        value = self._object(notice_id)
        try:
            same = base64.b64decode(str(value.get("encoded_request")), validate=True) == sent
        except (binascii.Error, ValueError):
            same = False
        if not same:
            raise PermanentError("receipt.mismatch", self.place)
        return self._receipt(notice_id, value, self._moment(value, "received_time"))

    def status_receipt(self, notice_id: str, at: datetime) -> Receipt:
        """A signed status as the receipt of a notice that the processor had already, whose first answer was lost.
        `at`: now, since a status doesn't say when the request came."""
        return self._receipt(notice_id, self._object(notice_id), at)

    def status(self, notice_id: str) -> Status:
        """PermanentError("status.invalid") when it is none of OpenDSR 8."""
        value = self._object(notice_id)
        if value.get("request_status") not in STATUSES:
            raise PermanentError("status.invalid", self.place)
        return Status(value["request_status"], self._moment(value, "expected_completion_time"))

    def _receipt(self, notice_id: str, value: Mapping[str, Any], received: datetime) -> Receipt:
        controller = value.get("controller_id")
        if not (isinstance(controller, str) and _CODE.fullmatch(controller)):
            raise PermanentError("receipt.invalid", self.place)
        expected = self._moment(value, "expected_completion_time").isoformat()
        proof = self.body_sha256, self.signature, self.certificate
        return Receipt(notice_id, controller, self.domain, received.isoformat(), expected, *proof)

    def _object(self, notice_id: str) -> Mapping[str, Any]:
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise PermanentError("receipt.invalid", self.place)
        if value.get("subject_request_id") != notice_id:
            raise PermanentError("receipt.mismatch", self.place)
        return value

    def _moment(self, value: Mapping[str, Any], name: str) -> datetime:
        try:
            moment = datetime.fromisoformat(str(value.get(name)))
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise PermanentError("receipt.invalid", self.place)
        return moment

"""Consents "OptOut" that this software makes: ContactPointTypeConsent of an Individual, the request as its source."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

from dsr.errors import PermanentError
from extractors.salesforce.client import Client
from extractors.salesforce.failures import PLACE
from extractors.salesforce.layout import Layout
from extractors.salesforce.soql import Term, statements
from extractors.salesforce.standing import Row
from extractors.salesforce.values import full_id
from extractors.salesforce.writing import Writer, reason_of

OBJECT: Final = "ContactPointTypeConsent"
CHANNELS: Final = ("Email", "MailingAddress", "Phone")
"""Values of ContactPointType for which marketing is refused."""
_SOURCE: Final = "dsr request "
_GONE: Final = ("", "ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY")


class Consents:
    """Those of one org; nothing where it has no such object."""

    def __init__(self, client: Client, layout: Layout) -> None:
        self._client, self._there = client, layout.has(OBJECT)

    def marks(self, individuals: Iterable[str]) -> dict[str, set[str]]:
        """Individual → ids of the requests that this software opted out for."""
        found: dict[str, set[str]] = {}
        for individual, request_id, _ in self._made(individuals):
            found.setdefault(individual, set()).add(request_id)
        return found

    def opt_out(self, wanted: Sequence[tuple[str, str]], at: datetime) -> None:
        """Makes what is missing for (request, individual). PermanentError with the vendor's code when it won't."""
        have = {(request_id, i, row["ContactPointType"]) for i, request_id, row in self._made(i for _, i in wanted)}
        stamp = at.isoformat(timespec="milliseconds")
        new = [
            (OBJECT, {
                "Name": f"GDPR {channel}", "PartyId": individual, "ContactPointType": channel,
                "PrivacyConsentStatus": "OptOut", "CaptureDate": stamp, "EffectiveFrom": stamp,
                "CaptureSource": _SOURCE + request_id,
            })
            for request_id, individual in wanted for channel in CHANNELS
            if self._there and (request_id, individual, channel) not in have
        ]  # fmt: skip
        for code in Writer(self._client).create(new) if new else ():
            if code:
                raise PermanentError(f"consent.{reason_of(code)}", PLACE)

    def withdraw(self, wanted: Collection[tuple[str, str]]) -> None:
        """Deletes what was made for (request, individual)."""
        made = self._made(i for _, i in wanted)
        ids = [full_id(row["Id"]) for individual, request_id, row in made if (request_id, individual) in wanted]
        for code in Writer(self._client).delete(ids).values() if ids else ():
            if code not in _GONE:
                raise PermanentError(f"consent.{reason_of(code)}", PLACE)

    def _made(self, individuals: Iterable[str]) -> list[tuple[str, str, Row]]:
        terms = [Term("PartyId", i) for i in sorted({*individuals} - {""})] if self._there else []
        fields = ["Id", "IsDeleted", "PartyId", "ContactPointType", "CaptureSource"]
        rows = [
            row for _, some in self._client.rows([(0, t) for t in statements(OBJECT, fields, terms)]) for row in some
        ]
        return [
            (full_id(row["PartyId"]), str(row["CaptureSource"]).removeprefix(_SOURCE), row)
            for row in rows
            if not row["IsDeleted"] and str(row["CaptureSource"] or "").startswith(_SOURCE)
        ]

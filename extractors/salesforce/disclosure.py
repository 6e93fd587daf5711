"""What of a record one person may see: staff ids and nulls left out, other people's fields withheld and counted.

A record that several people share (an order billed to one and shipped to another, a mail to two) is shown to each
without what is the other's. Rules, in order: references to other persons and the fields that describe them; e-mail
addresses that are not the person's own, nor a role mailbox of ours; names of others on quotes; headers of mail.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Any, Final

from extractors.salesforce.layout import Layout
from extractors.salesforce.values import email, full_id, moment

_PERSON_PREFIXES: Final = ("003", "00Q", "0PK", "005")
"""Contact, Lead, Individual, and User: staff, which a field of several kinds may name."""
_THEIR_OWN: Final = frozenset(("Contact", "Lead", "Individual", "ContactPointEmail"))
"""Objects that are a person's own record, whatever address they hold."""
_ALWAYS: Final = {"Contact": ("AssistantName", "AssistantPhone")}
_DESCRIBED_BY: Final = {
    ("Order", "ShipToContactId"): "Shipping",
    ("Order", "BillToContactId"): "Billing",
    ("Case", "ContactId"): "Contact",
    ("Case", "SuppliedEmail"): "Supplied",
    ("Quote", "Email"): ("Phone", "Fax"),
    ("CampaignMember", "Email"): ("Phone", "MobilePhone", "FirstName", "LastName", "Name"),
}
"""A field that names somebody → fields (or their common beginning) that describe the same one."""
_NAMES: Final = frozenset(("BillingName", "ShippingName", "QuoteToName", "AdditionalName"))
_ADDRESS_LISTS: Final = ("FromAddress", "ValidatedFromAddress", "ToAddress", "CcAddress", "BccAddress")
_HISTORY_OF_OTHERS: Final = frozenset(
    ("ReportsTo", "Owner", "ownerAssignment", "ownerAccepted", "CreatedBy", "AssistantName", "AssistantPhone")
)


@dataclass
class Own:
    """What is known to be one requester's: ids of records, addresses and names in lower case."""

    ids: set[str] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)


@dataclass
class Disclosed:
    """A record as it may be shown; how many fields or parts of fields were withheld; whether another person's
    record is referred to."""

    fields: dict[str, Any]
    withheld: int = 0
    others: bool = False


class Disclosure:
    """The rules, for one org. `role_mailboxes`: addresses of ours that are no person's."""

    def __init__(self, layout: Layout, role_mailboxes: frozenset[str]) -> None:
        self._layout, self._roles = layout, role_mailboxes

    def apply(self, name: str, record: Mapping[str, Any], own: Own) -> Disclosed:
        """A record of an object as one person may see it."""
        shown = Disclosed({k: self._value(name, k, v) for k, v in record.items() if v is not None and k != "Id"})
        self._references(name, shown, own)
        if name not in _THEIR_OWN:
            self._addresses(name, shown, own)
        self._remove(shown, _ALWAYS.get(name, ()))
        self._remove(shown, [f for f in _NAMES & shown.fields.keys() if not _known(shown.fields[f], own.names)])
        if name == "EmailMessage":
            self._mail(shown, own)
        if name.endswith("History"):
            self._history(shown, own)
        return shown

    def _value(self, name: str, field_name: str, value: Any) -> Any:
        if self._layout.kind(name, field_name) == "datetime" and isinstance(value, str):
            return moment(value)
        return value

    def _references(self, name: str, shown: Disclosed, own: Own) -> None:
        for field_name, value in list(shown.fields.items()):
            if self._layout.kind(name, field_name) == "reference" and _somebody_else(value, own):
                shown.others = shown.others or not full_id(value).startswith("005")
                self._withdraw(name, field_name, shown)

    def _addresses(self, name: str, shown: Disclosed, own: Own) -> None:
        for field_name, value in list(shown.fields.items()):
            foreign = email(value) not in own.emails | self._roles
            if self._layout.kind(name, field_name) == "email" and foreign and name != "EmailMessage":
                self._withdraw(name, field_name, shown)

    def _withdraw(self, name: str, field_name: str, shown: Disclosed) -> None:
        """Take the field out, and what describes the same person."""
        beside = _DESCRIBED_BY.get((name, field_name), ())
        fields = [f for f in shown.fields if f.startswith(beside)] if isinstance(beside, str) else beside
        self._remove(shown, [field_name, *fields])

    def _remove(self, shown: Disclosed, names: Any) -> None:
        for name in set(names) & shown.fields.keys():
            del shown.fields[name]
            shown.withheld += 1

    def _mail(self, shown: Disclosed, own: Own) -> None:
        """Only own addresses; the raw headers hold everybody's."""
        self._remove(shown, ["Headers"])
        sender = email(parseaddr(str(shown.fields.get("FromAddress", "")))[1])
        if sender not in own.emails:
            self._remove(shown, ["FromName"])
        for field_name in _ADDRESS_LISTS:
            if field_name not in shown.fields:
                continue
            parts = [p.strip() for p in re.split(r"[;,]", str(shown.fields[field_name])) if p.strip()]
            kept = [p for p in parts if email(parseaddr(p)[1]) in own.emails | self._roles]
            shown.withheld += len(parts) - len(kept)
            if len(kept) < len(parts):
                shown.fields[field_name] = "; ".join(kept)
            if not kept:
                del shown.fields[field_name]

    def _history(self, shown: Disclosed, own: Own) -> None:
        of_others = shown.fields.get("Field") in _HISTORY_OF_OTHERS
        for field_name in ("OldValue", "NewValue"):
            if field_name in shown.fields and (of_others or _somebody_else(shown.fields[field_name], own)):
                self._remove(shown, [field_name])


def _somebody_else(value: Any, own: Own) -> bool:
    """Whether a value is the id of a person's record, and not of one of the requester's."""
    record_id = full_id(value)
    return record_id.startswith(_PERSON_PREFIXES) and record_id not in own.ids


def _known(value: Any, names: set[str]) -> bool:
    return str(value).strip().casefold() in names

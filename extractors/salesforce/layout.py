"""Which fields the integration user may read, from describe: the field lists of all queries.

Objects that the org doesn't have must be named in the connection (`absent_objects`): an object that is merely
hidden from the integration user looks the same, and leaving it out in silence would make a thinner package.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final, Protocol

from dsr.errors import PermanentError
from extractors.salesforce.failures import PLACE

PERSONS: Final = ("Contact", "Lead")
STAFF: Final = frozenset(("User", "Group"))
PARENTS: Final = (*PERSONS, "Individual")
"""Objects that are one person; what has a lookup to them may be about that person."""
USUAL_OBJECTS: Final = frozenset(
    ("Note", "Asset", "ServiceContract", "WorkOrder", "ContactPointPhone", "ContactPointAddress", "ContactRequest",
     "AccountContactRelation", "LiveChatTranscript", "VoiceCall", "MessagingEndUser", "SurveyInvitation",
     "AuthorizationFormConsent", "CommSubscriptionConsent", "PartyConsent")
)  # fmt: skip
"""Standard objects beyond `DESCRIBED` that are about a person wherever an org has them; the connection's
`more_objects` adds to them. They are few, since each costs a query."""
_OPTIONAL: Final = ("TaskRelation", "EventRelation")
"""Only there with Shared Activities; without them WhoId tells all."""
DESCRIBED: Final = (
    "Contact", "Lead", "Account", "Individual", "ContactPointEmail", "ContactPointTypeConsent",
    "ContactPointConsent", "Campaign", "CampaignMember", "OpportunityContactRole", "Opportunity", "Quote", "Order",
    "DuplicateRecordItem", "Case", "CaseComment", "Task", "Event", "EmailMessage", "ContentVersion", "Attachment",
    "ContactHistory", "LeadHistory", *_OPTIONAL,
)  # fmt: skip
"""No more than the 25 that one Composite call takes."""
_NEEDED: Final = (
    ("Contact", "Email"), ("Contact", "AccountId"), ("Lead", "Email"), ("Lead", "ConvertedContactId"),
)  # fmt: skip
"""Without sight of these nobody would be found, or only half."""
_UNREADABLE: Final = frozenset(("address", "location", "base64", "complexvalue"))
"""Compound fields repeat their parts; base64 is fetched on its own."""

Fields = dict[str, dict[str, Any]]


class Describes(Protocol):
    """Whoever can describe objects; `client.Client` does."""

    def describe(self, names: list[str]) -> Mapping[str, Mapping[str, Any] | None]:
        """Describe results by object, None for one that isn't there."""
        ...


class Layout:
    """Objects and their readable fields. `cache` is its JSON form, without personal data.

    lookups   object → its fields that lead to a person and that the plan doesn't know
    cascades  object → [child object, field] of the records that are deleted along with one of its own
    """

    def __init__(self, cache: Mapping[str, Any]) -> None:
        self.cache = cache
        self._objects: dict[str, Fields] = cache["objects"]
        self.lookups: dict[str, list[str]] = cache["lookups"]
        self.cascades: dict[str, list[list[str]]] = cache.get("cascades", {})

    @classmethod
    def load(cls, client: Describes, absent: Collection[str], more: Collection[str] = ()) -> "Layout":
        """Ask for it. `more`: further objects whose lookups to a person are followed.

        PermanentError("object_missing.<name>" | "field_missing.<object>.<field>").
        """
        described = dict(client.describe(list(DESCRIBED)))
        lookups = _lookups(described, USUAL_OBJECTS | set(more))
        others = sorted(set(lookups) - set(DESCRIBED))
        described |= client.describe(others) if others else {}
        objects: dict[str, Fields] = {}
        for name, description in described.items():
            if description is not None:
                objects[name] = {f["name"]: _field(f) for f in description["fields"] if _readable(f)}
            elif name not in absent and name not in _OPTIONAL:
                raise PermanentError(f"object_missing.{name}", PLACE)
        for name, field in _NEEDED:
            if not objects.get(name, {}).get(field, {}).get("filter"):
                raise PermanentError(f"field_missing.{name}.{field}", PLACE)
        known = {k: sorted(v) for k, v in lookups.items() if k in objects}
        return cls({"objects": objects, "lookups": known, "cascades": _cascades(described, objects)})

    def has(self, name: str) -> bool:
        """Whether the object can be read."""
        return name in self._objects

    def fields(self, name: str) -> list[str]:
        """Readable fields of an object; [] when it isn't there."""
        return list(self._objects.get(name, ()))

    def kind(self, name: str, field: str) -> str:
        """The vendor's type of a field; "" for an unknown one."""
        return str(self._objects.get(name, {}).get(field, {}).get("type", ""))

    def writable(self, name: str, field: str) -> bool:
        """Whether the user may change that field of an object."""
        return bool(self._objects.get(name, {}).get(field, {}).get("update"))

    def searchable(self, name: str, kind: str) -> list[str]:
        """Fields of a type that a filter may name."""
        return [f for f, d in self._objects.get(name, {}).items() if d["type"] == kind and d["filter"]]


def _readable(field: Mapping[str, Any]) -> bool:
    if field["type"] in _UNREADABLE:
        return False
    # Ids of our own staff (owner, author) say nothing about the person: see the declaration's exclusions.
    return not (field["referenceTo"] and set(field["referenceTo"]) <= STAFF)


def _field(field: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": field["type"], "filter": bool(field["filterable"]), "update": bool(field["updateable"])}


def _lookups(described: Mapping[str, Mapping[str, Any] | None], more: Collection[str]) -> dict[str, set[str]]:
    """Object → its fields that point to a person and that the plan doesn't know: those of this org's own making, and
    those of the objects in `more`. Salesforce names the children of an object in its describe."""
    found: dict[str, set[str]] = {}
    for person in PARENTS:
        for child in (described.get(person) or {}).get("childRelationships", ()):
            name, field = child["childSObject"], child["field"]
            wanted = name in more or name.endswith("__c") or (field or "").endswith("__c")
            if wanted and field and name not in PARENTS and not child.get("deprecatedAndHidden"):
                found.setdefault(name, set()).add(field)
    return found


def _cascades(described: Mapping[str, Mapping[str, Any] | None], known: Collection[str]) -> dict[str, list[list[str]]]:
    return {
        name: sorted(
            [child["childSObject"], child["field"]]
            for child in description["childRelationships"]
            if child["cascadeDelete"] and child["childSObject"] in known and child["field"]
        )
        for name, description in described.items()
        if description is not None
    }

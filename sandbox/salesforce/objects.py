"""What an sObject is: its fields with the vendor's types, and how `describe` shows them."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

LENGTHS = {"string": 255, "email": 80, "phone": 40, "url": 255, "textarea": 255, "longtext": 32000, "picklist": 255}
"""Most characters of a text field, by its type."""
_SOAP = {"boolean": "xsd:boolean", "date": "xsd:date", "datetime": "xsd:dateTime", "double": "xsd:double",
         "currency": "xsd:double", "percent": "xsd:double", "int": "xsd:int", "id": "tns:ID", "reference": "tns:ID",
         "base64": "xsd:base64Binary", "address": "urn:address"}  # fmt: skip
ADDRESS_PARTS = ("Street", "City", "State", "PostalCode", "Country")


@dataclass(frozen=True)
class Field:
    """A field. `kind` is the vendor's type, with `longtext` for a textarea that can't be filtered."""

    name: str
    kind: str
    references: tuple[str, ...] = ()
    required: bool = False
    read_only: bool = False
    compound: str = ""

    @property
    def filterable(self) -> bool:
        """Whether WHERE and ORDER BY may name it."""
        return self.kind not in ("longtext", "base64", "address")

    @property
    def relationship(self) -> str:
        """Name by which SOQL reaches the record it refers to; "" for other fields."""
        if not self.references:
            return ""
        return re.sub(r"__c$", "__r", self.name) if self.name.endswith("__c") else self.name.removesuffix("Id")

    def describe(self) -> dict[str, Any]:
        """As in the answer of `/sobjects/<name>/describe`."""
        kind = "textarea" if self.kind == "longtext" else self.kind
        return {
            "name": self.name, "label": label(self.name), "type": kind, "soapType": _SOAP.get(kind, "xsd:string"),
            "length": LENGTHS.get(self.kind, 18 if kind in ("id", "reference") else 0),
            "custom": self.name.endswith("__c"), "nillable": not self.required, "filterable": self.filterable,
            "sortable": self.filterable, "createable": not self.read_only, "updateable": not self.read_only,
            "calculated": False, "referenceTo": list(self.references), "relationshipName": self.relationship or None,
            "compoundFieldName": self.compound or None, "picklistValues": [],
        }  # fmt: skip


@dataclass(frozen=True)
class ObjectType:
    """One kind of record. `prefix` begins its ids; `deletable`: by itself, which a file's versions aren't; `writable`
    False for what only the vendor writes."""

    name: str
    prefix: str
    fields: tuple[Field, ...]
    deletable: bool = True
    writable: bool = True

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """Fields by lower-case name: SOQL names have no case."""
        return {f.name.lower(): f for f in self.fields}

    @cached_property
    def by_relationship(self) -> dict[str, Field]:
        """Reference fields by lower-case relationship name."""
        return {f.relationship.lower(): f for f in self.fields if f.relationship}

    def brief(self, version: str) -> dict[str, Any]:
        """The entry in the list of `/sobjects`."""
        root = f"/services/data/v{version}/sobjects/{self.name}"
        return {
            "name": self.name, "label": label(self.name), "keyPrefix": self.prefix, "queryable": True,
            "custom": self.name.endswith("__c"), "deletable": self.deletable, "updateable": self.writable,
            "createable": self.writable, "undeletable": self.deletable, "retrieveable": True, "searchable": False,
            "urls": {"sobject": root, "describe": f"{root}/describe", "rowTemplate": f"{root}/{{ID}}"},
        }  # fmt: skip


def label(name: str) -> str:
    """A label from an API name: `MailingCity` → `Mailing City`."""
    words = re.sub(r"(__c|Id)$", "", name).replace("_", " ")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", words) or name


def parse_fields(text: str) -> tuple[Field, ...]:
    """Fields from words `Name[:type][>Object|Object][!][~]`: `!` needed on creation, `~` read only."""
    pattern = re.compile(r"(\w+)(?::(\w+))?(?:>([\w|]+))?([!~]*)")
    found = [pattern.fullmatch(word) for word in text.split()]
    if None in found:
        raise ValueError("a word of the catalogue can't be read")
    matches = [m for m in found if m]
    prefixes = {m[1].removesuffix("Address"): m[1] for m in matches if m[2] == "address"}
    parts = {f"{prefix}{part}": name for prefix, name in prefixes.items() for part in ADDRESS_PARTS}
    return tuple(
        Field(
            m[1], m[2] or ("reference" if m[3] else "string"), tuple((m[3] or "").split("|")) if m[3] else (),
            "!" in m[4], "~" in m[4] or m[2] == "address", parts.get(m[1], ""),
        )
        for m in matches
    )  # fmt: skip

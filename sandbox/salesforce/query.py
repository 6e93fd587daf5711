"""Answers a parsed SOQL query from the org's records, with the vendor's checks of types and names."""

import re
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime
from typing import Any

from sandbox.salesforce.catalogue import CATALOGUE
from sandbox.salesforce.errors import VendorError, invalid_field, malformed
from sandbox.salesforce.objects import ADDRESS_PARTS, Field, ObjectType
from sandbox.salesforce.records import Records
from sandbox.salesforce.settings import Settings
from sandbox.salesforce.soql import Condition, Junction, Ordering, Pattern, Query
from sandbox.state import Document

Test = Callable[[Document], bool]
Path = tuple[Field, ...]
"""A resolved path: the field, or the reference field and then the field of the record it refers to."""

MAX_OFFSET = 2000
_NUMBERS = ("double", "currency", "percent", "int")


class Evaluator:
    """Runs queries over the records. `version` goes into the records' URLs."""

    def __init__(self, records: Records, version: str, settings: Settings) -> None:
        self._records, self._version, self._settings = records, version, settings

    def rows(self, query: Query, include_deleted: bool) -> list[Document]:
        """All records that the query selects, in order, as the answer shows them; [] for none."""
        kind = _source(query.source, self._settings.hidden_objects)
        _check_links(kind, query.where)
        test = self._test(kind, query.where)
        paths = [self._resolve(kind, path) for path in query.fields or (("Id",),)]
        order = [(self._resolve(kind, o.path), o) for o in query.order]
        if query.offset > MAX_OFFSET:
            raise VendorError(400, "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
        found = [r for r in self._records.of(kind).values() if (include_deleted or not r.get("IsDeleted")) and test(r)]
        for path, ordering in reversed(order):
            found = self._sorted(found, path, ordering)
        end = None if query.limit is None else query.offset + query.limit
        return [self.show(kind, record, paths) for record in found[query.offset : end]]

    def show(self, kind: ObjectType, record: Document, paths: list[Path]) -> Document:
        """A record with these fields; related records nested."""
        shown: Document = {"attributes": self._attributes(kind, record)}
        for path in paths:
            if len(path) == 1:
                shown[path[0].name] = self._value(kind, record, path[0])
                continue
            link, field = path
            parent_kind = CATALOGUE[link.references[0]]
            parent = self._parent(record, link)
            if parent is None:
                shown[link.relationship] = None
            else:
                nested = shown.setdefault(link.relationship, {"attributes": self._attributes(parent_kind, parent)})
                nested[field.name] = self._value(parent_kind, parent, field)
        return shown

    def _attributes(self, kind: ObjectType, record: Document) -> Document:
        url = f"/services/data/v{self._version}/sobjects/{kind.name}/{record['Id']}"
        return {"type": kind.name, "url": url}

    def _value(self, kind: ObjectType, record: Document, field: Field) -> Any:
        if field.kind == "address":
            prefix = field.name.removesuffix("Address")
            parts = {p[0].lower() + p[1:]: record.get(prefix + p) for p in ADDRESS_PARTS}
            return parts if any(parts.values()) else None
        if field.kind == "base64":
            return f"/services/data/v{self._version}/sobjects/{kind.name}/{record['Id']}/{field.name}"
        value = record.get(field.name)
        return False if value is None and field.kind == "boolean" else value

    def _parent(self, record: Document, link: Field) -> Document | None:
        return self._records.of(CATALOGUE[link.references[0]]).get(record.get(link.name) or "")

    def _resolve(self, kind: ObjectType, path: tuple[str, ...]) -> Path:
        if len(path) == 1:
            return (self._field(kind, path[0]),)
        link = kind.by_relationship.get(path[0].lower())
        if link is None or len(link.references) != 1 or link.references[0] not in CATALOGUE:
            message = f"Didn't understand relationship '{path[0]}' in field path."
            raise invalid_field(message)
        return (link, self._field(CATALOGUE[link.references[0]], path[1]))

    def _field(self, kind: ObjectType, name: str) -> Field:
        field = kind.by_name.get(name.lower())
        if field is None or f"{kind.name}.{field.name}" in self._settings.hidden_fields:
            message = f"No such column '{name}' on entity '{kind.name}'. If you are attempting to use a custom field,"
            raise invalid_field(f"{message} be sure to append the '__c' after the custom field name.")
        return field

    def _read(self, record: Document, path: Path) -> Any:
        if len(path) == 2:
            parent = self._parent(record, path[0])
            return None if parent is None else parent.get(path[1].name)
        value = record.get(path[0].name)
        return False if value is None and path[0].kind == "boolean" else value

    def _test(self, kind: ObjectType, where: Condition | Junction | None) -> Test:
        if where is None:
            return lambda _: True
        if isinstance(where, Condition):
            return self._condition(kind, where)
        parts = [self._test(kind, part) for part in where.parts]
        if where.word == "NOT":
            return lambda r: not parts[0](r)
        joined = all if where.word == "AND" else any
        return lambda r: joined(part(r) for part in parts)

    def _condition(self, kind: ObjectType, where: Condition) -> Test:
        path = self._resolve(kind, where.path)
        field = path[-1]
        if not field.filterable:
            raise invalid_field(f"field '{field.name}' can not be filtered in a query call")
        if isinstance(where.value, Pattern):
            return self._like(path, where.value)
        if where.operator in ("IN", "NOT IN"):
            values = {_comparable(field, v) for v in where.value}
            inside = where.operator == "IN"
            return lambda r: (_stored(field, self._read(r, path)) in values) is inside
        wanted = _comparable(field, where.value)
        compare = _COMPARE[where.operator]
        if where.operator not in ("=", "!=") and (wanted is None or field.kind in ("id", "reference", "boolean")):
            raise VendorError(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {field.kind} field")
        return lambda r: compare(_stored(field, self._read(r, path)), wanted)

    def _like(self, path: Path, wanted: Pattern) -> Test:
        if path[-1].kind in ("id", "reference", "boolean", "date", "datetime", *_NUMBERS):
            raise VendorError(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {path[-1].kind} field")
        parts = (".*" if p is ... else "." if p is None else re.escape(p) for p in wanted.parts)
        regex = re.compile("".join(parts), re.IGNORECASE | re.DOTALL)

        def matches(record: Document) -> bool:
            value = self._read(record, path)
            return value is not None and regex.fullmatch(value) is not None

        return matches

    def _sorted(self, rows: list[Document], path: Path, ordering: Ordering) -> list[Document]:
        if not path[-1].filterable:
            raise malformed(f"field '{path[-1].name}' can not be sorted in a query call")
        values = [(_stored(path[-1], self._read(row, path)), row) for row in rows]
        empty = [row for value, row in values if value is None]
        full = sorted((v for v in values if v[0] is not None), key=lambda v: v[0], reverse=ordering.descending)
        ordered = [row for _, row in full]
        return ordered + empty if ordering.nulls_last else empty + ordered


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a is not None and a < b,
    ">": lambda a, b: a is not None and a > b,
    "<=": lambda a, b: a is not None and a <= b,
    ">=": lambda a, b: a is not None and a >= b,
}


def _source(name: str, hidden: Collection[str]) -> ObjectType:
    for known, kind in CATALOGUE.items():
        if known.lower() == name.lower() and known not in hidden:
            return kind
    message = f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append"
    raise VendorError(400, "INVALID_TYPE", f"{message} the '__c' after the entity name.")


def _comparable(field: Field, value: Any) -> Any:
    """A literal of the query in the form that `_stored` gives. INVALID_FIELD when the type is another."""
    if value is None:
        return None
    if field.kind in ("id", "reference"):
        if not isinstance(value, str) or len(value) not in (15, 18) or not value.isalnum():
            raise VendorError(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {value}")
        return value[:15]
    fits = {
        "boolean": isinstance(value, bool),
        "datetime": isinstance(value, datetime),
        "date": isinstance(value, date) and not isinstance(value, datetime),
        **dict.fromkeys(_NUMBERS, isinstance(value, int | float) and not isinstance(value, bool)),
    }
    if not fits.get(field.kind, isinstance(value, str)):
        quotes = "should not" if field.kind in fits else "should"
        message = f"value of filter criterion for field '{field.name}' must be of type {field.kind}"
        raise invalid_field(f"{message} and {quotes} be enclosed in quotes")
    return value.lower() if isinstance(value, str) else value


def _stored(field: Field, value: Any) -> Any:
    if value is None:
        return None
    if field.kind in ("id", "reference"):
        return value[:15]
    if field.kind == "datetime":
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if field.kind == "date":
        return date.fromisoformat(value)
    return value.lower() if isinstance(value, str) else value


def _check_links(kind: ObjectType, where: Condition | Junction | None) -> None:
    """ContentDocumentLink is only answered by id of one of its two ends."""
    if kind.name != "ContentDocumentLink":
        return
    conditions = [where, *where.parts] if isinstance(where, Junction) and where.word == "AND" else [where]
    ends = {"contentdocumentid", "linkedentityid"}
    for c in conditions:
        if isinstance(c, Condition) and c.operator in ("=", "IN") and c.path[0].lower() in ends:
            return
    message = "Implementation restriction: ContentDocumentLink requires a filter by a single Id on ContentDocumentId"
    rest = "or LinkedEntityId using the equals operator or multiple Id's using the IN operator."
    raise malformed(f"{message} {rest}")

"""What a query string selects: filters, deleted, orderBy, limit. What it doesn't know is error 71, never ignored."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.pardot.errors import ApiError
from sandbox.pardot.objects import ApiObject

SHARED = ("fields", "limit", "orderBy", "deleted", "nextPageToken")
MAX_FILTERED_FIELDS = 3
_DEFAULT_LIMIT, _MAX_LIMIT = 200, 1000
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "GreaterThanOrEqualTo": operator.ge,
    "GreaterThan": operator.gt,
    "LessThanOrEqualTo": operator.le,
    "LessThan": operator.lt,
    "AfterOrEqualTo": operator.ge,
    "After": operator.gt,
    "BeforeOrEqualTo": operator.le,
    "Before": operator.lt,
    "List": lambda value, wanted: value in wanted,
    "": operator.eq,
}
_PARAMETER = re.compile(rf"(\w+?)({'|'.join(_COMPARE)})")

Record = dict[str, Any]


@dataclass(frozen=True)
class Selection:
    """A parsed query: `apply` gives the ids of the records that it selects, in order."""

    filters: tuple[Callable[[Record], bool], ...]
    order: tuple[tuple[str, bool], ...]
    limit: int

    def apply(self, records: Iterable[Record]) -> list[int]:
        """Ids of the records that pass every filter, sorted; nulls come first, as in the vendor's database."""
        chosen = [r for r in records if all(test(r) for test in self.filters)]
        for name, down in reversed(self.order):
            chosen.sort(key=lambda r: _sort_key(r.get(name)), reverse=down)
        return [r["id"] for r in chosen]


def parse(kind: ApiObject, params: Mapping[str, str]) -> Selection:
    """The selection that a query string means; ApiError 71 or 209."""
    tests, filtered = [_deleted(kind, params.get("deleted"))], set()
    for name, text in params.items():
        if name not in SHARED:
            field, test = _filter(kind, name, text)
            filtered.add(field)
            tests.append(test)
    if len(filtered) > MAX_FILTERED_FIELDS:
        raise ApiError(209)
    return Selection(tuple(tests), _order(kind, params.get("orderBy", "id")), _limit(params.get("limit")))


def _filter(kind: ApiObject, name: str, text: str) -> tuple[str, Callable[[Record], bool]]:
    match = _PARAMETER.fullmatch(name)
    field, suffix = match.groups() if match else ("", "")
    if field != "id" and field not in kind.filters:
        raise ApiError(71, name)
    moment = _is_moment(field)
    if (suffix.startswith(("After", "Before")) and not moment) or (suffix == "List" and field != "id"):
        raise ApiError(71, name)
    if suffix.startswith(("Greater", "Less")) and not _is_number(field):
        raise ApiError(71, name)
    try:
        wanted = {int(t) for t in text.split(",")} if suffix == "List" else _comparable(field, text)
    except ValueError:
        raise ApiError(71, name) from None
    compare = _COMPARE[suffix]

    def test(record: Record) -> bool:
        value = record.get(field)
        return value is not None and compare(_comparable(field, value), wanted)

    return field, test


def _comparable(field: str, value: Any) -> Any:
    """A value in the form in which this field is compared. ValueError when it has no such form."""
    if _is_moment(field):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("a time needs its offset")
        return moment
    if _is_number(field):
        return int(value)
    if isinstance(value, bool):
        return value
    if field.startswith("is"):
        return value == "true"
    if field == "salesforceId":
        return str(value)[:15] if len(str(value)) in (15, 18) else str(value)
    return str(value).lower()


def _is_moment(field: str) -> bool:
    return field.endswith(("At", "Date"))


def _is_number(field: str) -> bool:
    return field in ("id", "type") or (field.endswith("Id") and not field.startswith("salesforce"))


def _deleted(kind: ApiObject, text: str | None) -> Callable[[Record], bool]:
    if text is not None and (not kind.recyclable or text not in ("true", "false", "all")):
        raise ApiError(71, "deleted")
    if text == "all" or not kind.recyclable:
        return lambda _: True
    return lambda record: bool(record.get("isDeleted")) == (text == "true")


def _order(kind: ApiObject, text: str) -> tuple[tuple[str, bool], ...]:
    order = []
    for part in text.split(","):
        name, _, direction = part.strip().partition(" ")
        if name not in ("id", *kind.sortable) or direction.upper() not in ("", "ASC", "DESC"):
            raise ApiError(71, "orderBy")
        order.append((name, direction.upper() == "DESC"))
    return tuple(order)


def _sort_key(value: Any) -> tuple[bool, Any]:
    if value is None:
        return False, 0
    return True, datetime.fromisoformat(value).timestamp() if isinstance(value, str) else value


def _limit(text: str | None) -> int:
    limit = int(text) if text and text.isdecimal() else _DEFAULT_LIMIT if text is None else 0
    if not 0 < limit <= _MAX_LIMIT:
        raise ApiError(71, "limit")
    return limit

"""Records while they are made: numbered per object, each with the person it is about."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.people import Expected

_ZONE = ZoneInfo("Europe/Stockholm")
FIRST_ID = {
    "prospects": 70010001,
    "visitors": 80010001,
    "visits": 81010001,
    "visitor-page-views": 82010001,
    "visitor-activities": 83010001,
    "list-memberships": 84010001,
    "emails": 85010001,
    "lifecycle-histories": 86010001,
    "tagged-objects": 87010001,
    "opportunities": 88010001,
    "external-activities": 89010001,
}


@dataclass(frozen=True)
class Entry:
    """One record: where it lives, whose it is, how the truth expects it to turn up."""

    collection: str
    document: dict[str, Any]
    person: str = ""
    expected: Expected = "package"


@dataclass
class Book:
    """All records in the order in which they were made. `today` is the date they are made around."""

    today: date
    entries: list[Entry] = field(default_factory=list)
    _last: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, collection: str, person: str, expected: Expected, **values: Any) -> int:
        """Record something about a person; the new id."""
        new_id = FIRST_ID[collection] + self._last[collection]
        self._last[collection] += 1
        self.entries.append(Entry(collection, {"id": new_id, **values}, person, expected))
        return new_id

    def at(self, days_ago: int, hour: int = 10, minute: int = 0, second: int = 0) -> str:
        """A time of day in the API user's zone, RFC 3339; the offset follows summer time."""
        day = self.today - timedelta(days=days_ago)
        return datetime.combine(day, time(hour, minute, second), _ZONE).isoformat()

    def of(self, collection: str) -> dict[int, dict[str, Any]]:
        """Documents of one collection by id."""
        return {e.document["id"]: e.document for e in self.entries if e.collection == collection}

    def collections(self) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
        """Collection → (key, document), as a store loads them."""
        names = dict.fromkeys(e.collection for e in self.entries)
        return {name: ((str(key), doc) for key, doc in self.of(name).items()) for name in names}

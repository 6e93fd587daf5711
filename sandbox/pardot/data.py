"""The business unit's records: the primary data, and the cache from which reads are answered a little behind it."""

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.pardot.book import FIRST_ID
from sandbox.pardot.settings import Settings
from sandbox.state import Collection, Store

ZONE = ZoneInfo("Europe/Stockholm")
"""The API user's time zone, in which the vendor reports times."""

_LONGEST = 3600.0

Record = dict[str, Any]


class Cache:
    """Collections as they were `Settings.lag` seconds ago; without a lag, as they are."""

    def __init__(self, data: "Data") -> None:
        self._data = data

    def __getitem__(self, collection: str) -> Mapping[str, Record]:
        return self._data.behind(collection)


class Data:
    """All records by collection. Every write goes through `put` and `drop`, so that the cache knows of it."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._writes: deque[tuple[float, str, str, Record | None]] = deque()
        self.cache = Cache(self)

    def __getitem__(self, collection: str) -> Collection:
        """The primary data; not to be written to directly."""
        return self._store[collection]

    def put(self, collection: str, record: Record) -> Record:
        """Write a record under its id, with a new `updatedAt` where it has one."""
        if "updatedAt" in record:
            record = {**record, "updatedAt": self.now()}
        self._note(collection, str(record["id"]))
        self._store[collection][str(record["id"])] = record
        return record

    def drop(self, collection: str, key: str) -> None:
        """Remove a record without a trace."""
        self._note(collection, key)
        del self._store[collection][key]

    def new_id(self, collection: str) -> int:
        """An id that no record has or had."""
        last = self._store["sequence"].get(collection, {"last": 0})["last"]
        known = max((int(key) for key in self._store[collection]), default=FIRST_ID.get(collection, 1) - 1)
        new = int(max(last, known)) + 1
        self._store["sequence"][collection] = {"last": new}
        return new

    def now(self) -> str:
        """The time as the vendor writes it, to the second."""
        return datetime.fromtimestamp(int(self._settings.now()), ZONE).isoformat()

    def behind(self, collection: str) -> Mapping[str, Record]:
        """A collection as it was `Settings.lag` seconds ago."""
        horizon = self._settings.now() - self._settings.lag
        before = {key: old for at, name, key, old in reversed(self._writes) if name == collection and at > horizon}
        if not self._settings.lag or not before:
            return self._store[collection]
        current = {**self._store[collection], **{k: v for k, v in before.items() if v is not None}}
        return {k: v for k, v in current.items() if before.get(k, v) is not None}

    def _note(self, collection: str, key: str) -> None:
        now = self._settings.now()
        while self._writes and self._writes[0][0] < now - _LONGEST:
            self._writes.popleft()
        self._writes.append((now, collection, key, self._store[collection].get(key)))

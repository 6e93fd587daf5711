"""State of a sandbox system: collections of JSON documents, in memory and written through to one SQLite file."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

Document = dict[str, Any]


class Collection(MutableMapping[str, Document]):
    """Documents by id, in order of insertion. Change a document by assigning it anew: that is what is kept."""

    def __init__(self, store: "Store", name: str) -> None:
        self._store, self._name = store, name
        self._documents: dict[str, Document] = {}

    def __getitem__(self, key: str) -> Document:
        return self._documents[key]

    def __setitem__(self, key: str, value: Document) -> None:
        self._documents[key] = value
        self._store.write(self._name, key, value)

    def __delitem__(self, key: str) -> None:
        del self._documents[key]
        self._store.write(self._name, key, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._documents)

    def __len__(self) -> int:
        return len(self._documents)

    def restore(self, key: str, value: Document) -> None:
        """Put a document that the file already holds."""
        self._documents[key] = value


class Store:
    """All collections of one system, kept in `<folder>/<system>.sqlite3`. `fresh` is True when the file was new."""

    def __init__(self, folder: Path, system: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{system}.sqlite3"
        self.fresh = not path.exists()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("CREATE TABLE IF NOT EXISTS doc (c TEXT, k TEXT, v TEXT, PRIMARY KEY (c, k))")
        self._collections: dict[str, Collection] = {}
        for name, key, value in self._db.execute("SELECT c, k, v FROM doc ORDER BY rowid"):
            self[name].restore(key, json.loads(value))

    def __getitem__(self, name: str) -> Collection:
        """The collection of that name, made when first asked for."""
        return self._collections.setdefault(name, Collection(self, name))

    def write(self, collection: str, key: str, value: Document | None) -> None:
        """Write one document through to the file; None deletes it."""
        if value is None:
            self._db.execute("DELETE FROM doc WHERE c = ? AND k = ?", (collection, key))
        else:
            row = (collection, key, json.dumps(value))
            self._db.execute("INSERT INTO doc VALUES (?, ?, ?) ON CONFLICT (c, k) DO UPDATE SET v = excluded.v", row)

    def load(self, collection: str, documents: Iterable[tuple[str, Document]]) -> None:
        """Seed many documents in one transaction."""
        self._db.execute("BEGIN")
        for key, document in documents:
            self[collection][key] = document
        self._db.execute("COMMIT")

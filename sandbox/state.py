"""State of a sandbox system: collections of JSON documents, in memory and written through to one SQLite file."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import closing
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

Document = dict[str, Any]
_opened: "WeakValueDictionary[tuple[Path, str], Store]" = WeakValueDictionary()


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

    def held(self) -> list[tuple[str, Document]]:
        """All documents of this moment, for who reads them on another thread."""
        return list(self._documents.items())

    def forget(self) -> None:
        """Forget all documents, but leave them in the file."""
        self._documents.clear()


class Store:
    """All collections of one system, kept in `<folder>/<system>.sqlite3`. `fresh` is True when the file was new.

    `rewritten`: called after documents were written past their system (a snapshot came back, a file was taken in);
    who remembers anything about documents adds a function that forgets it."""

    def __init__(self, folder: Path, system: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.system = system
        _opened[folder.resolve(), system] = self
        path = folder / f"{system}.sqlite3"
        self.fresh = not path.exists()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("CREATE TABLE IF NOT EXISTS doc (c TEXT, k TEXT, v TEXT, PRIMARY KEY (c, k))")
        self.rewritten: list[Callable[[], None]] = []
        self._collections: dict[str, Collection] = {}
        self._read()

    @staticmethod
    def opened(folder: Path) -> "list[Store]":
        """The stores of that folder which this process uses, by the name of their system."""
        found = [store for (where, _), store in list(_opened.items()) if where == folder.resolve()]
        return sorted(found, key=lambda store: store.system)

    def collections(self) -> dict[str, list[tuple[str, Document]]]:
        """Everything at this moment: name → (id, document); names and ids sorted."""
        names = sorted(self._collections)
        return {name: sorted(self._collections[name].held()) for name in names}

    def save(self, path: Path) -> None:
        """A copy of everything, in a new file."""
        with closing(sqlite3.connect(path)) as copy:
            self._db.backup(copy)

    def load_saved(self, path: Path) -> None:
        """Everything as `save` left it; the collections that others hold are filled anew."""
        with closing(sqlite3.connect(path)) as copy:
            copy.backup(self._db)
        for collection in self._collections.values():
            collection.forget()
        self._read()
        self.tell_rewritten()

    def tell_rewritten(self) -> None:
        """Call everybody in `rewritten`."""
        for tell in self.rewritten:
            tell()

    def _read(self) -> None:
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

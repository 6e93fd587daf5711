"""The index for systems without look-up: which records an identifier occurs in, the identifier as a keyed hash."""

import hmac
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from sqlalchemy import Connection, Engine, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from dsr.database import transaction
from dsr.model import Identifier, IndexEntry
from dsr.tables import index_freshness, subject_index

_PLACE: Final = "subjects"
_BATCH: Final = 2000
# Columns as arrays: ten times as fast as a VALUES list of that length.
_UPSERT: Final = text("""
INSERT INTO subject_index (source, identifier, dataset, record_id, reference, at)
SELECT :source, identifier, dataset, record_id, reference::jsonb, :at
FROM unnest(
  CAST(:identifiers AS bytea[]), CAST(:datasets AS text[]), CAST(:records AS text[]), CAST(:references AS text[])
) AS entries (identifier, dataset, record_id, reference)
ON CONFLICT (source, identifier, dataset, record_id)
DO UPDATE SET reference = excluded.reference, at = excluded.at
""")


class SubjectIndex:
    """The index kept in the database behind `engine`; `key` is `subkey(master_key, "subjects")`."""

    def __init__(self, engine: Engine, key: bytes) -> None:
        self._engine = engine
        self._key = key

    def put(self, source: str, entries: Iterable[IndexEntry], at: datetime) -> int:
        """Adds entries of a source, replacing those already there; how many were given. All of them or, when an
        error ends it, none. `at` is when the source was read, which is what `freshness` will say; no entries =
        nothing was new."""
        count = 0
        remaining = iter(entries)
        with transaction(self._engine, _PLACE) as connection:
            while batch := list(islice(remaining, _BATCH)):
                self._upsert(connection, source, batch, at)
                count += len(batch)
            fresh = insert(index_freshness).values(source=source, at=at)
            newest = func.greatest(index_freshness.c.at, fresh.excluded.at)
            connection.execute(fresh.on_conflict_do_update(index_elements=["source"], set_={"at": newest}))
        return count

    def lookup(self, source: str, identifiers: Iterable[Identifier]) -> list[IndexEntry]:
        """The entries of a source for these identifiers, `identifier` filled from the question; [] when none is
        known. Sorted by identifier, dataset and record."""
        by_hash = {self._hash(i): i for i in identifiers}
        found: list[IndexEntry] = []
        with transaction(self._engine, _PLACE) as connection:
            for hashes in _batches(by_hash):
                query = select(subject_index).where(
                    subject_index.c.source == source, subject_index.c.identifier == func.any(hashes)
                )
                for row in connection.execute(query):
                    identifier = by_hash[bytes(row.identifier)]
                    found.append(IndexEntry(identifier, row.dataset, row.record_id, row.reference))
        return sorted(found, key=lambda e: (e.identifier, e.dataset, e.record_id))

    def freshness(self, source: str) -> datetime | None:
        """When the source was last read into the index, UTC; None = never."""
        with transaction(self._engine, _PLACE) as connection:
            query = select(index_freshness.c.at).where(index_freshness.c.source == source)
            at = connection.execute(query).scalar_one_or_none()
        return at.astimezone(UTC) if at else None

    def forget(self, source: str) -> int:
        """Drops all entries of a source and its freshness, so that it is read anew; how many there were."""
        with transaction(self._engine, _PLACE) as connection:
            connection.execute(delete(index_freshness).where(index_freshness.c.source == source))
            return connection.execute(delete(subject_index).where(subject_index.c.source == source)).rowcount

    def _upsert(self, connection: Connection, source: str, batch: list[IndexEntry], at: datetime) -> None:
        # One statement must not name the same row twice; the later entry wins, as it would in two statements.
        rows: dict[tuple[bytes, str, str], str] = {}
        for entry in batch:
            key = (self._hash(entry.identifier), entry.dataset, entry.record_id)
            rows[key] = json.dumps(dict(entry.reference))
        identifiers, datasets, records = (list(column) for column in zip(*rows, strict=True))
        columns = {"identifiers": identifiers, "datasets": datasets, "records": records}
        connection.execute(_UPSERT, {"source": source, "at": at, "references": list(rows.values()), **columns})

    def _hash(self, identifier: Identifier) -> bytes:
        message = f"{identifier.kind}\0{identifier.value}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, "sha256")


def _batches(hashes: Iterable[bytes]) -> Iterator[list[bytes]]:
    remaining = iter(hashes)
    while batch := list(islice(remaining, _BATCH)):
        yield batch

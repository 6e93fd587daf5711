"""What an erasure left, since a law, a legal hold or the system itself keeps it: so that it goes when that ends.

It lies in the ledger's database, since the case file is gone long before. Readable in it is how many records of which
dataset are kept on which ground until when. A record's id, and the ids that lead to it, are encrypted and bound to
their row with all that the row says: a date that was moved doesn't open. Where an id alone doesn't lead to a record,
the address or number that it answers to lies there too, encrypted, until nothing is kept in that system any more; and
while a contact is made anonymous, what must not be left in it. By whom a person was known lies there as `dsr.holds`
hashes it, so that a hold that is added years later still stops the erasure.

A record is kept for one request: one that a later erasure comes across again goes under that one's approval, and a
hold on the person of either stops it.
"""

import hmac
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any, Final

import pyarrow as pa
from sqlalchemy import Connection, Engine, Row, delete, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert

from dsr.database import transaction
from dsr.errors import PermanentError
from dsr.hidden import Hidden
from dsr.kept import HOLD, Kept, Signs, Ways
from dsr.model import Identifier
from dsr.sameness import later_times, written
from dsr.schema import SOURCE_ID
from dsr.search import found_as_json, found_from_json
from dsr.tables import retained, retained_subjects, retained_ways
from dsr.version import versions

_PLACE: Final = "retained"
_BATCH: Final = 2000
_WORD_BYTES: Final = 8
_MOMENTS: Final = ("noted_at", "asked_at", "left_at")
_LOCK: Final = 4_019_361_378  # any number that nothing else in this database locks
# Columns as arrays: one statement for any number of records.
_PUT: Final = text("""
INSERT INTO retained (record, request_id, source, dataset, ground, reason, until, digest, version, sealed, noted_at,
  asked_at, left_at)
SELECT record, :request_id, :source, dataset, ground, reason, until, digest, version, sealed, noted_at,
  asked_at, left_at
FROM unnest(
  CAST(:record AS bytea[]), CAST(:dataset AS text[]), CAST(:ground AS text[]), CAST(:reason AS text[]),
  CAST(:until AS date[]), CAST(:digest AS text[]), CAST(:version AS bytea[]), CAST(:sealed AS bytea[]),
  CAST(:noted_at AS timestamptz[]), CAST(:asked_at AS timestamptz[]), CAST(:left_at AS timestamptz[])
) AS entries (record, dataset, ground, reason, until, digest, version, sealed, noted_at, asked_at, left_at)
ON CONFLICT (record) DO UPDATE
SET request_id = EXCLUDED.request_id, ground = EXCLUDED.ground, reason = EXCLUDED.reason, until = EXCLUDED.until,
  digest = EXCLUDED.digest, version = EXCLUDED.version, sealed = EXCLUDED.sealed, noted_at = EXCLUDED.noted_at,
  asked_at = EXCLUDED.asked_at, left_at = EXCLUDED.left_at
WHERE :taking_over OR retained.request_id = EXCLUDED.request_id
""")
_HOLDERS: Final = text("""
SELECT DISTINCT request_id FROM retained
WHERE record = ANY(CAST(:record AS bytea[])) AND request_id <> :request_id
""")
_JOIN_SUBJECTS: Final = text("""
INSERT INTO retained_subjects (request_id, subject)
SELECT DISTINCT :request_id, subject FROM retained_subjects WHERE request_id = ANY(CAST(:holders AS text[]))
ON CONFLICT DO NOTHING
""")
_TIDY: Final = (
    text("""
DELETE FROM retained_ways w WHERE request_id = ANY(CAST(:requests AS text[]))
AND NOT EXISTS (SELECT FROM retained r WHERE r.request_id = w.request_id AND r.source = w.source)
"""),
    text("""
DELETE FROM retained_subjects s WHERE request_id = ANY(CAST(:requests AS text[]))
AND NOT EXISTS (SELECT FROM retained r WHERE r.request_id = s.request_id)
"""),
)


class Retained:
    """The tables in the database behind `engine`; `key` is `subkey(master_key, "retained")`."""

    def __init__(self, engine: Engine, key: bytes) -> None:
        self._engine, self._hidden = engine, Hidden(key, _PLACE)

    def note(self, request_id: str, source: str, records: Iterable[Kept], ways: Ways, subjects: Iterable[bytes]) -> int:
        """Notes what an erasure left in a source, any number of records; how many were given. A record that is kept
        for another request goes over to this one, with whom that one was about. subjects: see `Holds.subjects`."""
        count, remaining, holders = 0, iter(records), set[str]()
        with self._changing() as connection:
            named = [{"request_id": request_id, "subject": subject} for subject in sorted(set(subjects))]
            while batch := list(islice(remaining, _BATCH)):
                holders |= self._put(connection, request_id, source, batch, taking_over=True)
                count += len(batch)
            if count:
                self._put_ways(connection, request_id, source, ways)
            if count and named:
                connection.execute(insert(retained_subjects).on_conflict_do_nothing(), named)
            self._tidy(connection, holders | {request_id})
        return count

    def put(self, request_id: str, source: str, records: Iterable[Kept]) -> None:
        """Replaces what is noted of these records, as far as they are still kept for the request."""
        remaining = iter(records)
        with self._changing() as connection:
            while batch := list(islice(remaining, _BATCH)):
                self._put(connection, request_id, source, batch, taking_over=False)

    def put_ways(self, request_id: str, source: str, ways: Ways) -> None:
        """Replaces the ways."""
        with self._changing() as connection:
            self._put_ways(connection, request_id, source, ways)

    def let_go(self, request_id: str, source: str, records: Iterable[tuple[str, str]]) -> int:
        """These (dataset, record id) are kept no longer; how many were. With a request's last record all that is known
        of it goes."""
        hashes = [self._hidden.record(source, dataset, record_id) for dataset, record_id in records]
        mine = (retained.c.request_id == request_id, retained.c.record == func.any(hashes))
        with self._changing() as connection:
            count = connection.execute(delete(retained).where(*mine)).rowcount if hashes else 0
            self._tidy(connection, {request_id})
            return count

    def sources(self) -> list[str]:
        """The sources in which anything is kept, sorted."""
        with transaction(self._engine, _PLACE) as connection:
            return sorted(connection.execute(select(retained.c.source).distinct()).scalars())

    def requests(self, source: str, day: date | None = None) -> list[str]:
        """The requests with records in a source, the oldest first; with a day, those of which some may be due then."""
        first = func.min(retained.c.noted_at)
        query = select(retained.c.request_id).where(retained.c.source == source)
        if day is not None:
            ended = (retained.c.until.is_(None), retained.c.until < day, retained.c.reason.startswith(HOLD))
            query = query.where(or_(*ended))
        with transaction(self._engine, _PLACE) as connection:
            return list(
                connection.execute(query.group_by(retained.c.request_id).order_by(first, "request_id")).scalars()
            )

    def kept(self, source: str, request_id: str) -> list[Kept]:
        """What is kept in a source for a request, in no order. PermanentError("retained.tampered") when a row was
        changed or the key is another."""
        query = select(retained).where(retained.c.source == source, retained.c.request_id == request_id)
        with transaction(self._engine, _PLACE) as connection:
            rows = connection.execute(query.execution_options(yield_per=_BATCH))
            return [self._kept(row) for row in rows]

    def ways(self, source: str, request_id: str) -> Ways:
        """The ways to it; empty when there are none. PermanentError("retained.tampered") as above."""
        mine = (retained_ways.c.request_id == request_id, retained_ways.c.source == source)
        with transaction(self._engine, _PLACE) as connection:
            sealed = connection.execute(select(retained_ways.c.sealed).where(*mine)).scalar_one_or_none()
        if sealed is None:
            return Ways()
        value = json.loads(self._hidden.open(bytes(sealed), _ways_bound(request_id, source)))
        return Ways(
            frozenset(Identifier(kind, text) for kind, text in value["asks"]),
            frozenset((dataset, record_id) for dataset, record_id in value["matches"]),
            value["marks"],
            found_from_json(value["before"]) if value["before"] else None,
        )

    def subjects(self, request_id: str) -> frozenset[bytes]:
        """Whom the request is about, see `Holds.subjects`."""
        query = select(retained_subjects.c.subject).where(retained_subjects.c.request_id == request_id)
        with transaction(self._engine, _PLACE) as connection:
            return frozenset(bytes(subject) for subject in connection.execute(query).scalars())

    def signs(self, dataset: str, batch: pa.RecordBatch, at: datetime) -> dict[str, Signs]:
        """Record id → by what the record will be known again, for a batch that is read now."""
        hashed = [self._hidden.keyed("version", version) for version in versions(batch, dataset).to_pylist()]
        later, words = later_times(dataset, batch, at), written(dataset, batch, self._word)
        ids = batch.column(SOURCE_ID).to_pylist()
        return {i: Signs(h, times, said) for i, h, times, said in zip(ids, hashed, later, words, strict=True)}

    def _word(self, text: str) -> str:
        return self._hidden.keyed("word", text)[:_WORD_BYTES].hex()

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        """A transaction in which nobody else changes these tables."""
        with transaction(self._engine, _PLACE) as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            yield connection

    def _put(
        self, connection: Connection, request_id: str, source: str, batch: list[Kept], *, taking_over: bool
    ) -> set[str]:
        """The requests that records were taken over from."""
        # One statement must not name the same row twice.
        records = {self._hidden.record(source, k.dataset, k.record_id): k for k in batch}
        columns: dict[str, list[Any]] = {"record": list(records)}
        for name in ("dataset", "ground", "reason", "until", "digest", *_MOMENTS):
            columns[name] = [getattr(kept, name) for kept in records.values()]
        columns["version"] = [kept.signs.version for kept in records.values()]
        columns["sealed"] = [self._seal(request_id, source, record, kept) for record, kept in records.items()]
        told: dict[str, Any] = {"request_id": request_id, "source": source, "taking_over": taking_over}
        holders = list(connection.execute(_HOLDERS, {**told, **columns}).scalars()) if taking_over else []
        if holders:
            connection.execute(_JOIN_SUBJECTS, {"request_id": request_id, "holders": holders})
        connection.execute(_PUT, {**told, **columns})
        return set(holders)

    def _put_ways(self, connection: Connection, request_id: str, source: str, ways: Ways) -> None:
        value = {
            "asks": [[identifier.kind, identifier.value] for identifier in sorted(ways.asks)],
            "matches": sorted(ways.matches),
            "marks": ways.marks,
            "before": found_as_json(ways.before) if ways.before else None,
        }
        sealed = self._hidden.seal(json.dumps(value), _ways_bound(request_id, source))
        new = insert(retained_ways).values(request_id=request_id, source=source, sealed=sealed)
        changed = new.on_conflict_do_update(index_elements=["request_id", "source"], set_={"sealed": sealed})
        connection.execute(changed)

    def _tidy(self, connection: Connection, requests: set[str]) -> None:
        """Takes away what nothing that is kept needs any more."""
        for statement in _TIDY:
            connection.execute(statement, {"requests": sorted(requests)})

    def _seal(self, request_id: str, source: str, record: bytes, kept: Kept) -> bytes:
        value = {"id": kept.record_id, "later": dict(kept.signs.later), "words": dict(kept.signs.words)}
        return self._hidden.seal(json.dumps(value), _bound(request_id, source, record, kept))

    def _kept(self, row: Row[Any]) -> Kept:
        """A row as it was noted. Everything that it shows is bound to what it hides."""
        shown = Kept(
            row.dataset,
            row.ground,
            row.reason,
            row.until,
            row.digest,
            row.noted_at.astimezone(UTC),
            "",
            Signs(bytes(row.version)),
            row.asked_at.astimezone(UTC) if row.asked_at else None,
            row.left_at.astimezone(UTC) if row.left_at else None,
        )
        record = bytes(row.record)
        value = json.loads(self._hidden.open(bytes(row.sealed), _bound(row.request_id, row.source, record, shown)))
        if not hmac.compare_digest(record, self._hidden.record(row.source, row.dataset, value["id"])):
            raise PermanentError("retained.tampered", _PLACE)
        signs = Signs(shown.signs.version, value["later"], value["words"])
        return replace(shown, record_id=value["id"], signs=signs)


def _bound(request_id: str, source: str, record: bytes, kept: Kept) -> bytes:
    """All that a row shows, in one form."""
    moments = [getattr(kept, name) for name in _MOMENTS]
    shown = [
        request_id,
        source,
        record.hex(),
        kept.dataset,
        kept.ground,
        kept.reason,
        kept.digest,
        kept.signs.version.hex(),
    ]
    shown.append(kept.until.isoformat() if kept.until else "")
    shown += [moment.astimezone(UTC).isoformat() if moment else "" for moment in moments]
    return json.dumps(shown).encode()


def _ways_bound(request_id: str, source: str) -> bytes:
    return json.dumps([request_id, source]).encode()

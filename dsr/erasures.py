"""The erasure ledger: which records were erased, so that they can be erased again after a system was restored.

It lies in the ledger's database, outside the systems' own backups (EDPB: a restored copy must not undo an erasure).
What it takes to find a record again is its id in the system: that is kept, encrypted under a key of its own and bound
to its row. Addresses, numbers and names are not: who can read the table and has no key learns how many records of
which dataset were erased, who has the key learns ids that lead nowhere as long as nothing is restored.

An entry is noted before a system is touched, so that none is lost to a crash, and counts only once the record was
seen to be gone.
"""

import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from sqlalchemy import Engine, func, not_, select, text, update

from dsr.database import transaction
from dsr.errors import PermanentError
from dsr.hidden import Hidden
from dsr.tables import erasures

_PLACE: Final = "erasures"
_BATCH: Final = 2000
EFFECTS: Final = ("erase", "anonymise")
# Columns as arrays: one statement for any number of records.
_NOTE: Final = text("""
INSERT INTO erasures (request_id, record, source, dataset, effect, version, digest, sealed, noted_at)
SELECT :request_id, record, :source, dataset, effect, version, :digest, sealed, :at
FROM unnest(
  CAST(:records AS bytea[]), CAST(:datasets AS text[]), CAST(:effects AS text[]), CAST(:versions AS bytea[]),
  CAST(:sealed AS bytea[])
) AS entries (record, dataset, effect, version, sealed)
ON CONFLICT (request_id, record) DO UPDATE
SET effect = EXCLUDED.effect, version = EXCLUDED.version, digest = EXCLUDED.digest
WHERE erasures.erased_at IS NULL
""")


@dataclass(frozen=True)
class Erasing:
    """A record that is about to go. `version`: as the approved plan has it."""

    dataset: str
    effect: str
    record_id: str = field(repr=False)
    version: str = field(repr=False)


@dataclass(frozen=True)
class Erased:
    """A record that was seen to be gone. `version`: keyed hash of the version it had, compare with
    `Erasures.version`; `digest`: of the plan it was approved in; `erased_at`: UTC."""

    request_id: str
    source: str
    dataset: str
    effect: str
    digest: str
    erased_at: datetime
    record_id: str = field(repr=False)
    version: bytes = field(repr=False)


class Erasures:
    """The table in the database behind `engine`; `key` is `subkey(master_key, "erasures")`."""

    def __init__(self, engine: Engine, key: bytes) -> None:
        self._engine, self._hidden = engine, Hidden(key, _PLACE)

    def note(self, request_id: str, digest: str, source: str, records: Iterable[Erasing], at: datetime) -> int:
        """Notes what is about to be erased, any number of records; how many were given. One that was noted
        before and not seen to be gone since is noted as it goes now; one that was keeps what it was erased as."""
        count, remaining = 0, iter(records)
        with transaction(self._engine, _PLACE) as connection:
            while batch := list(islice(remaining, _BATCH)):
                # One statement must not name the same row twice.
                rows = {self._hidden.record(source, e.dataset, e.record_id): e for e in batch}
                columns = {
                    "records": list(rows),
                    "datasets": [e.dataset for e in rows.values()],
                    "effects": [e.effect for e in rows.values()],
                    "versions": [self.version(e.version) for e in rows.values()],
                    "sealed": [
                        self._hidden.seal(e.record_id, _bound(request_id, record)) for record, e in rows.items()
                    ],
                }
                told = {"request_id": request_id, "digest": digest, "source": source, "at": at}
                connection.execute(_NOTE, {**told, **columns})
                count += len(batch)
        return count

    def unseen(self, request_id: str, source: str) -> frozenset[str]:
        """The datasets of which a record was noted that was not yet seen to be gone."""
        mine = (erasures.c.request_id == request_id, erasures.c.source == source, erasures.c.erased_at.is_(None))
        with transaction(self._engine, _PLACE) as connection:
            return frozenset(connection.execute(select(erasures.c.dataset).where(*mine).distinct()).scalars())

    def confirm(
        self,
        request_id: str,
        source: str,
        dataset: str,
        remaining: Iterable[str],
        at: datetime,
        *,
        at_most: int | None = None,
    ) -> int:
        """States that the noted records of a dataset were seen to be gone, all but those with the ids `remaining`;
        how many that is now said of for the first time. 0, and nothing is stated, where that would be more than
        `at_most`; None = any number."""
        there = [self._hidden.record(source, dataset, record_id) for record_id in remaining]
        mine = (erasures.c.request_id == request_id, erasures.c.source == source, erasures.c.dataset == dataset)
        change = update(erasures).where(*mine, erasures.c.erased_at.is_(None))
        if there:
            change = change.where(not_(erasures.c.record == func.any(there)))
        with transaction(self._engine, _PLACE) as connection:
            count = connection.execute(change.values(erased_at=at)).rowcount
            if at_most is not None and count > at_most:
                connection.rollback()
                return 0
            return count

    def confirm_only(self, request_id: str, source: str, dataset: str, gone: Iterable[str], at: datetime) -> int:
        """As `confirm`, of exactly the noted records with the ids `gone`."""
        records, count, remaining = erasures.c.record, 0, iter(gone)
        mine = (erasures.c.request_id == request_id, erasures.c.source == source, erasures.c.erased_at.is_(None))
        with transaction(self._engine, _PLACE) as connection:
            while batch := [self._hidden.record(source, dataset, i) for i in islice(remaining, _BATCH)]:
                change = update(erasures).where(*mine, records == func.any(batch)).values(erased_at=at)
                count += connection.execute(change).rowcount
        return count

    def sources(self) -> list[str]:
        """The sources that records were erased in, sorted."""
        query = select(erasures.c.source).where(erasures.c.erased_at.is_not(None)).distinct()
        with transaction(self._engine, _PLACE) as connection:
            return sorted(connection.execute(query).scalars())

    def requests(self, source: str) -> list[str]:
        """The requests that records of this source were erased for, the oldest erasure first."""
        first = func.min(erasures.c.erased_at)
        query = select(erasures.c.request_id).where(erasures.c.source == source, erasures.c.erased_at.is_not(None))
        with transaction(self._engine, _PLACE) as connection:
            return list(
                connection.execute(query.group_by(erasures.c.request_id).order_by(first, "request_id")).scalars()
            )

    def erased(self, source: str, request_id: str) -> Iterator[Erased]:
        """What was erased in a source for a request, in no order, streamed. PermanentError("erasures.tampered") when
        a row was changed or the key is another."""
        query = select(erasures).where(
            erasures.c.source == source, erasures.c.request_id == request_id, erasures.c.erased_at.is_not(None)
        )
        with transaction(self._engine, _PLACE) as connection:
            for row in connection.execute(query.execution_options(yield_per=_BATCH)):
                record = bytes(row.record)
                record_id = self._hidden.open(bytes(row.sealed), _bound(request_id, record))
                if not hmac.compare_digest(record, self._hidden.record(source, row.dataset, record_id)):
                    raise PermanentError("erasures.tampered", _PLACE)
                moment = row.erased_at.astimezone(UTC)
                yield Erased(
                    request_id, source, row.dataset, row.effect, row.digest, moment, record_id, bytes(row.version)
                )

    def version(self, version: str) -> bytes:
        """The keyed hash that is kept of a record's version: a plain one could be guessed from likely values."""
        return self.keyed("version", version)

    def keyed(self, purpose: str, value: str) -> bytes:
        """A keyed hash of a value, for proving later what it was; another for each purpose."""
        return self._hidden.keyed(purpose, value)


def _bound(request_id: str, record: bytes) -> bytes:
    return request_id.encode() + b"\0" + record

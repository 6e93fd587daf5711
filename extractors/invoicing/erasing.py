"""`erase`: rows are deleted, children first, and rows that others stand on are anonymised; all in one transaction.

What stays although its erasure was approved stays whole: a row that changed since, one that a row that isn't erased
refers to (so that no foreign key empties or deletes anything that nobody approved), one that the database won't let go,
and everything that is part of such a row.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa

from dsr.errors import TransientError
from dsr.model import Outcome
from dsr.selection import Selection
from extractors.invoicing.database import Database
from extractors.invoicing.failures import PLACE, Refused, coded
from extractors.invoicing.mapping import Books, Table
from extractors.invoicing.references import Reference, children_first, references
from extractors.invoicing.standing import Standing, value_now
from extractors.invoicing.work import Work, work

_ATTEMPTS: Final = 8
_THROUGH: Final = "_through"

Stays = dict[str, dict[str, str]]
"""Table → key → why the row stays: a code."""


class _Learned(Exception):
    """The database won't delete these rows; the transaction is begun anew without them."""

    def __init__(self, refused: Stays) -> None:
        super().__init__()
        self.refused = refused


def erase(database: Database, books: Books, selections: Sequence[Selection]) -> list[Outcome]:
    """What became of the records with the effects "erase" and "anonymise". Errors as `failures.coded` gives them;
    nothing has changed then."""
    refused: Stays = defaultdict(dict)
    careful = False
    for _ in range(_ATTEMPTS):
        try:
            with work(database, books, selections) as its:
                _Erasing(its, refused, careful=careful).run()
            return list(its.tally.outcomes())
        except Refused:
            if careful:  # not a deletion: those are tried one by one
                raise
            careful = True
        except _Learned as learned:
            for table, keys in learned.refused.items():
                refused[table] |= keys
    raise TransientError("conflict", PLACE)


class _Erasing:
    """One attempt. `careful`: find out which rows the database won't delete, which takes savepoints."""

    def __init__(self, its: Work, refused: Stays, *, careful: bool) -> None:
        self._work, self._careful = its, careful
        self._stays: Stays = defaultdict(dict, {table: dict(keys) for table, keys in refused.items()})
        self._erase: dict[str, list[Standing]] = {}
        self._tables: dict[str, Table] = {}
        self._going: dict[str, dict[str, dict[str, Any]]] = {}
        self._new_refusals: Stays = defaultdict(dict)

    def run(self) -> None:
        """Everything but the commit."""
        for dataset in self._work.chosen("erase"):
            table = self._work.books.of_dataset(dataset)
            if table is None or not table.delete:
                self._work.rest(dataset, "erase", "manual", "delete.unmapped")
            else:
                self._tables[table.table] = table
                self._erase[table.table] = self._work.standings(table, "erase")
        if self._erase:
            self._delete()
        for dataset in self._work.chosen("anonymise"):
            self._anonymise(dataset)

    def _delete(self) -> None:
        found = references(self._work.connection, self._work.books)
        if self._work.connection.dialect.name == "postgresql":
            # A deferred refusal would come at the commit, where nobody can tell which row it was about.
            self._work.connection.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))
        order = children_first(self._work.books.tables(), found)
        for name, standings in self._erase.items():
            stays = self._stays[name]
            stays |= {key: "changed" for standing in standings for key in standing.changed}
            self._going[name] = {k: row for s in standings for k, row in s.same.items() if k not in stays}
        while self._hold_back(order, found):
            pass
        for name in order:
            if self._going.get(name):
                self._remove(self._tables[name], list(self._going[name]))
        if self._new_refusals:
            raise _Learned(self._new_refusals)
        for name, standings in self._erase.items():
            for standing in standings:
                self._tell(standing, self._stays[name])

    def _hold_back(self, order: Sequence[str], found: Sequence[Reference]) -> bool:
        """Takes out of what is going all that must stay because of what else stays; whether there was anything."""
        more = False
        for name in reversed(order):
            table, going = self._tables.get(name), self._going.get(name, {})
            if table is None:
                continue
            if table.through:
                left = self._stays.get(table.through[0], {})
                more |= self._keep(name, [k for k, row in going.items() if row[_THROUGH] in left], "part_of_what_stays")
            for reference in found:
                if reference.parent == name and going:
                    pairs = self._work.writer.referring(reference, list(going))
                    others = self._going.get("" if reference.schema else reference.table, {})
                    more |= self._keep(name, [key for key, by in pairs if by not in others], "referred_to")
        return more

    def _keep(self, table: str, keys: Iterable[str], reason: str) -> bool:
        kept = {key: reason for key in keys if self._going[table].pop(key, None) is not None}
        self._stays[table] |= kept
        return bool(kept)

    def _remove(self, table: Table, keys: Sequence[str]) -> None:
        if not self._careful:
            self._work.writer.delete(table, keys)
            return
        savepoint = self._work.connection.begin_nested()
        try:
            with coded():
                self._work.writer.delete(table, keys)
            savepoint.commit()
        except Refused as refused:
            savepoint.rollback()
            if len(keys) == 1:
                self._new_refusals[table.table][keys[0]] = refused.code
                return
            middle = len(keys) // 2
            self._remove(table, keys[:middle])
            self._remove(table, keys[middle:])

    def _tell(self, standing: Standing, stays: dict[str, str]) -> None:
        add, names = self._work.tally.add, (standing.request_id, standing.table.dataset, standing.effect)
        for key in standing.same:
            add(*names, *(("blocked", stays[key]) if key in stays else ("done", "")))
        for _ in standing.changed:
            add(*names, "changed")
        for _ in standing.gone:
            add(*names, "absent")

    def _anonymise(self, dataset: str) -> None:
        """Empties the columns that the mapping names; a row that holds nothing else in them already is done."""
        its, table = self._work, self._work.books.of_dataset(dataset)
        if table is None or not table.anonymise:
            its.rest(dataset, "anonymise", "manual", "anonymise.unmapped")
            return
        changing: dict[str, Any] = {}
        for standing in its.standings(table, "anonymise"):
            names = (standing.request_id, dataset, "anonymise")
            for key in standing.same:
                changing[key] = table.anonymise
                its.tally.add(*names, "done")
            for row in standing.rows.values():
                empty = all(value_now(its.layout, table, row, c) == v for c, v in table.anonymise.items())
                its.tally.add(*names, "done" if empty else "changed")
            for _ in standing.gone:
                its.tally.add(*names, "absent")
        if changing:
            its.writer.assign(table, changing)

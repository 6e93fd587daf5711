"""`restrict`: marks rows as not to be processed, visibly, and takes its own marks away again.

A mark is a list of purposes beside the moment since when. With each purpose that it adds, this software notes for which
request (`dsr:<request>:<purpose>`), so that lifting one request's restriction touches neither another's nor one that a
person set. A mark that names no purpose at all was set by a person for all of them, and is left as it is.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from dsr.jsontext import parse
from dsr.model import Outcome
from dsr.selection import Selection
from extractors.invoicing.copying import LINKS, MARK
from extractors.invoicing.database import Database
from extractors.invoicing.mapping import Books, Mark, Table
from extractors.invoicing.standing import Standing
from extractors.invoicing.work import Work, work

_AT, _FOR = MARK
_OURS: Final = "dsr:"

Marked = dict[str, dict[str, str]]
"""Request → key → outcome, of rows with a mark of their own."""


def restrict(
    database: Database, books: Books, selections: Sequence[Selection], purposes: Sequence[str], *, lift: bool
) -> list[Outcome]:
    """What became of the records with the effect "restrict". () = all purposes."""
    wanted = tuple(sorted(set(purposes))) or (books.all_purposes,)
    with work(database, books, selections) as its:
        marking = _Marking(its, wanted, lift=lift)
        tables = {d: books.of_dataset(d) for d in its.chosen("restrict")}
        for dataset, table in tables.items():
            if table is None:
                its.rest(dataset, "restrict", "manual", "dataset.unmapped")
            elif table.mark:
                marking.mark(table, table.mark)
        for table in tables.values():
            if table is not None and not table.mark:
                marking.follow(table)
    return list(its.tally.outcomes())


class _Marking:
    """One transaction's marks."""

    def __init__(self, its: Work, wanted: Sequence[str], *, lift: bool) -> None:
        self._work, self._wanted, self._lift = its, wanted, lift
        self._marked: dict[str, Marked] = {}

    def mark(self, table: Table, mark: Mark) -> None:
        """Rows with a mark of their own."""
        now: dict[str, list[str] | None] = {}
        before: dict[str, list[str] | None] = {}
        told: Marked = defaultdict(dict)
        for standing in self._standings(table):
            names = (standing.request_id, table.dataset, "restrict")
            for key, row in _touched(standing, lift=self._lift).items():
                purposes = now.setdefault(key, _purposes(row))
                before.setdefault(key, _purposes(row))
                as_read = key in standing.as_read
                now[key], outcome, reason = self._changed(standing.request_id, purposes, row[_AT] is not None, as_read)
                told[standing.request_id][key] = outcome
                self._work.tally.add(*names, outcome, reason)
            self._others(standing)
        self._marked[table.table] = told
        self._write(table, mark, {key: value for key, value in now.items() if value != before[key]})

    def follow(self, table: Table) -> None:
        """Rows without a mark of their own bear that of the row they hang on, in the same request."""
        books = self._work.books
        contacts = next((p.rows.table for p in books.persons if not p.sole_traders), "")
        parents = (contacts, books.customer.table, table.through[0] if table.through else "")
        for standing in self._standings(table):
            names = (standing.request_id, table.dataset, "restrict")
            for row in _touched(standing, lift=self._lift).values():
                marks = [
                    self._marked.get(parent, {}).get(standing.request_id, {}).get(row.get(link) or "", "")
                    for parent, link in zip(parents, LINKS, strict=True)
                ]
                if "done" in marks:
                    self._work.tally.add(*names, "done", "with_what_it_hangs_on")
                elif self._lift:
                    self._work.tally.add(*names, "absent", "not_ours")
                else:
                    self._work.tally.add(*names, "manual", "mark.unmapped")
            self._others(standing)

    def _standings(self, table: Table) -> list[Standing]:
        marks = (table.mark.at, table.mark.purposes) if table.mark else ()
        return self._work.standings(table, "restrict", ignored=(*self._work.books.stamped, *marks))

    def _others(self, standing: Standing) -> None:
        names = (standing.request_id, standing.table.dataset, "restrict")
        for _ in standing.changed if not self._lift else ():
            self._work.tally.add(*names, "changed")
        for _ in standing.gone:
            self._work.tally.add(*names, "absent")

    def _changed(
        self, request_id: str, purposes: list[str] | None, marked: bool, as_read: bool
    ) -> tuple[list[str] | None, str, str]:
        """The purposes afterwards, and what to say of it. `as_read`: the mark is as it was when this was approved."""
        if purposes is None and marked:
            return None, *(("absent", "not_ours") if self._lift else ("done", "marked_before"))
        held = list(purposes or ())
        changed = self._without(request_id, held) if self._lift else self._with(request_id, held)
        if changed != held:
            return changed, "done", ""
        if not self._lift and not as_read and any(f"{_OURS}{request_id}:{term}" in held for term in self._wanted):
            return purposes, "done", ""  # by an attempt that was broken off before it was told
        return purposes, *(("absent", "not_ours") if self._lift else ("done", "marked_before"))

    def _with(self, request_id: str, held: Sequence[str]) -> list[str]:
        made = list(held)
        for term in self._wanted:
            ours = [entry for entry in made if _is_ours(entry, term)]
            if term not in made:
                made.append(term)
            elif not ours:
                continue  # a person's: it is theirs to take away
            note = f"{_OURS}{request_id}:{term}"
            if note not in made:
                made.append(note)
        return made

    def _without(self, request_id: str, held: Sequence[str]) -> list[str]:
        made = list(held)
        for term in self._wanted:
            note = f"{_OURS}{request_id}:{term}"
            if note in made:
                made.remove(note)
                if not any(_is_ours(entry, term) for entry in made) and term in made:
                    made.remove(term)
        return made

    def _write(self, table: Table, mark: Mark, values: dict[str, list[str] | None]) -> None:
        """Marks that begin or go on, and marks that end with their last purpose."""
        kept = {key: {mark.purposes: value} for key, value in values.items() if value}
        ended: dict[str, dict[str, Any]] = {
            key: {mark.at: None, mark.purposes: None} for key, value in values.items() if not value
        }
        if kept:
            self._work.writer.assign(table, kept, since=mark.at)
        if ended:
            self._work.writer.assign(table, ended)


def _touched(standing: Standing, *, lift: bool) -> dict[str, dict[str, Any]]:
    """A restriction ends whatever became of the record meanwhile."""
    return standing.same | standing.changed if lift else standing.same


def _is_ours(entry: str, term: str) -> bool:
    return entry.startswith(_OURS) and entry.endswith(f":{term}")


def _purposes(row: dict[str, Any]) -> list[str] | None:
    """The purposes of a mark; None when it names none."""
    text = row[_FOR]
    if text is None:
        return None
    listed: list[str] = [str(p) for p in parse(text)] if text.startswith("[") else text.split()
    return listed

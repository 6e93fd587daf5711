"""One transaction that changes records: what all verbs need in it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa

from dsr.errors import PermanentError
from dsr.model import Found
from dsr.selection import Selection
from extractors.invoicing import layout as layouts
from extractors.invoicing.copying import Copying
from extractors.invoicing.cursors import Cursors
from extractors.invoicing.database import Database
from extractors.invoicing.failures import PLACE
from extractors.invoicing.layout import Layout
from extractors.invoicing.mapping import Books, Table
from extractors.invoicing.owners import Owners, owners
from extractors.invoicing.standing import Keyed, Standing, standings
from extractors.invoicing.writing import Arrays, Lists, Writer
from extractors.tally import Tally

_LIMITS: Final = {
    "lock_timeout": "10s",
    "statement_timeout": "600s",
    "idle_in_transaction_session_timeout": "600s",
}
"""Nobody in the company waits for us longer than that; a statement may take as long as a million rows take."""


@dataclass
class Work:
    """A transaction in which records of some requests are changed."""

    connection: sa.Connection
    books: Books
    layout: Layout
    selections: Sequence[Selection]
    reader: Keyed
    writer: Writer
    owners: Owners
    tally: Tally = field(default_factory=lambda: Tally(PLACE))

    def chosen(self, effect: str) -> list[str]:
        """Datasets with records of an effect, as the selections list them."""
        return list(dict.fromkeys(d for s in self.selections for d in s.datasets(effect)))

    def standings(self, table: Table, effect: str, *, ignored: Sequence[str] = ()) -> list[Standing]:
        """How the selected records of a dataset stand now, see `standing`."""
        return standings(self.reader, self.layout, self.owners, table, self.selections, effect, ignored)

    def rest(self, dataset: str, effect: str, outcome: str, reason: str) -> None:
        """All records of a dataset and effect ended alike."""
        for selection in self.selections:
            self.tally.rest(selection, dataset, effect, outcome, reason)


@contextmanager
def work(database: Database, books: Books, selections: Sequence[Selection]) -> Iterator[Work]:
    """Everything that is done in the block is kept together at its end, or not at all.

    PermanentError("selection.twice") when a request has two selections.
    """
    found = [selection.found for selection in selections]
    if len({s.request_id for s in selections}) != len(selections):
        raise PermanentError("selection.twice", PLACE)
    everybody = owners(books, Found(PLACE, tuple(m for f in found for m in f.matches)))
    with database.writing() as connection:
        layout: Layout | None = next((f.cache["layout"] for f in found if f.cache.get("layout")), None)
        if layout:
            layouts.check(layout, books)
        else:
            layout = layouts.reflect(connection, books)
        if connection.dialect.name == "postgresql":
            by_copy = connection.dialect.driver == "psycopg"
            reader: Keyed = (
                Copying(connection, books, layout, everybody, _LIMITS)
                if by_copy
                else Cursors(connection, books, layout, everybody)
            )
            writer: Writer = Arrays(connection, books, layout)
        else:
            reader, writer = Cursors(connection, books, layout, everybody), Lists(connection, books, layout)
        yield Work(connection, books, layout, selections, reader, writer, everybody)

"""Invoicing: any SQL database behind SQLAlchemy, read and changed by a mapping of tables and columns (`mapping.yaml`).

Swedish companies run many invoicing systems and nearly all expose a database, a replica or a warehouse. What is
read, and what it means, is data; the canonical mapping fits the schema that is named after EN 16931.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from dsr.errors import PermanentError
from dsr.model import Checked, Found, Outcome, Piece, Subject
from dsr.selection import Selection
from dsr.source import Connection, Declaration
from extractors.invoicing.declaration import DECLARATION

if TYPE_CHECKING:
    from extractors.invoicing.database import Database
    from extractors.invoicing.mapping import Books

_DRIVER: Final = "postgresql+psycopg"


class Invoicing:
    """The source `invoicing`, see `dsr.source.Acting`. Reads in one consistent, read-only transaction per verb; changes
    in one transaction per call, which is kept whole or not at all."""

    declaration: ClassVar[Declaration] = DECLARATION

    def __init__(self, database: "Database", books: "Books") -> None:
        self._database, self._books = database, books

    @classmethod
    def connect(cls, connection: Connection) -> Self:
        """A client. PermanentError("connection.<field>") when one lacks, ("mapping.unreadable") for a bad mapping."""
        from extractors.invoicing import mapping
        from extractors.invoicing.database import Database

        drivername = str(connection.extra.get("drivername") or _DRIVER)
        needed = {"schema": connection.schema}
        if drivername.startswith("postgresql"):
            needed |= {"host": connection.host, "login": connection.login}
        for name, value in needed.items():
            if not value:
                raise PermanentError(f"connection.{name}", cls.declaration.name)
        path = connection.extra.get("mapping")
        books = mapping.read(Path(str(path))) if path else mapping.read()
        return cls(Database(connection, drivername), books)

    def check(self) -> Checked:
        """Whether all that the mapping names is there, and what is beside it; see `Source.check` and `drift`."""
        from extractors.invoicing import drift

        with self._database.reading() as connection:
            return Checked(drift.undeclared(connection, self._books))

    def find(self, subjects: Sequence[Subject]) -> Found:
        """Contacts and sole traders that answer, in a number of statements that doesn't depend on how many ask."""
        from extractors.invoicing import finding, layout

        with self._database.reading() as connection:
            known = layout.reflect(connection, self._books)
            matches = tuple(finding.find(connection, self._books, known, subjects))
        return Found(self.declaration.name, matches, {"layout": known})

    def extract(self, found: Found) -> Iterator[Piece]:
        """Every dataset in turn, 32k rows at a time; files as attachments after the rows of their dataset."""
        from extractors.invoicing import layout, reading

        if not found.matches:
            return
        with self._database.reading() as connection:
            known = found.cache.get("layout")
            if known:
                layout.check(known, self._books)
            else:
                known = layout.reflect(connection, self._books)
            yield from reading.read(connection, self._books, known, found)

    def erase(self, selections: Sequence[Selection]) -> Iterator[Outcome]:
        """Deletes rows, children first, and anonymises those that others stand on, see `erasing`. Nothing is told
        before everything is kept."""
        from extractors.invoicing import erasing

        if selections:
            yield from erasing.erase(self._database, self._books, selections)

    def restrict(
        self, selections: Sequence[Selection], purposes: Sequence[str], *, lift: bool = False
    ) -> Iterator[Outcome]:
        """Marks rows, or takes its own marks away, see `restricting`."""
        from extractors.invoicing import restricting

        if selections:
            yield from restricting.restrict(self._database, self._books, selections, purposes, lift=lift)

    def rectify(
        self, selections: Sequence[Selection], corrections: Mapping[str, Mapping[str, Mapping[str, Any]]]
    ) -> Iterator[Outcome]:
        """Corrects register data and reads it back, see `rectifying`; never an invoice."""
        from extractors.invoicing import rectifying

        if selections:
            yield from rectifying.rectify(self._database, self._books, self.declaration, selections, corrections)

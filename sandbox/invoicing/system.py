"""The invoicing system: PostgreSQL with the canonical schema, a reading role, and the population's books."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.entries import Entry
from sandbox.invoicing import bulk, copies, faults, roles, rows
from sandbox.invoicing.books import Books
from sandbox.invoicing.statements import Statements
from sandbox.invoicing.tables import DATASETS
from sandbox.people import Population, Truth
from sandbox.postgres import Postgres
from sandbox.system import ConnectionFields, Options
from sandbox.wire import Wiretap

_DATABASE = "invoicing"
_SCHEMA, _TRIGGERS = (Path(__file__).with_name(name) for name in ("schema.sql", "triggers.sql"))
_LAYOUT = 2
"""Of the tables; another number fills old databases anew."""


class Invoicing:
    """A `ServerSystem`. `server`: a PostgreSQL to share; without it, one of its own in `<folder>/invoicing`."""

    name = "invoicing"

    def __init__(
        self, options: Options, population: Population, tap: Wiretap | None = None, server: Postgres | None = None
    ) -> None:
        del tap  # a database has no HTTP calls; statements are counted from its log
        self._options, self._population = options, population
        self._own = server is None
        self.server = server or Postgres(options.folder / self.name)
        self.statements = Statements(self.server.log, roles.PASSWORDS)
        options.clock.moved.append(self._move_clock)

    @cached_property
    def books(self) -> Books:
        """Rows and truth, made once."""
        return Books(self._population, date.fromisoformat(self._options.today))

    def start(self) -> None:
        """Start the server and load the books, unless the database holds books of the same options already."""
        if self._own:
            self.server.start()
        self.server.ensure_database(_DATABASE)
        sized = (self._options.people, self._options.seed, self._options.rows_for_canary, self._options.today)
        made_of = [*sized, _LAYOUT]
        with self._administer() as connection:
            if self._stamp(connection) != made_of:
                self._load(connection)
                connection.execute("INSERT INTO sandbox.stamp VALUES (%s)", (json.dumps(made_of),))
        with self._administer() as connection:
            connection.execute("ANALYZE")
        self._move_clock()
        self.statements.forget()

    def stop(self) -> None:
        """Stop the server, if it is this system's own."""
        if self._own:
            self.server.stop()

    def connections(self) -> dict[str, ConnectionFields]:
        """`dsr_invoicing`, with a role that may only read, and `dsr_invoicing_write`, with one that changes some."""
        fields = {
            "conn_type": "postgres",
            "host": "127.0.0.1",
            "port": self.server.port,
            "schema": _DATABASE,
            "extra": {"drivername": "postgresql+psycopg"},
        }
        names = {"dsr_invoicing": roles.READER, "dsr_invoicing_write": roles.WRITER}
        return {name: {**fields, "login": role, "password": roles.PASSWORDS[role]} for name, role in names.items()}

    def truth(self) -> Sequence[Truth]:
        """One record per row; of the extra rows the first thousand per table (see `counts` for their number)."""
        extra = bulk.truth(*self._canary(), self._options.rows_for_canary)
        return [*self.books.truth, *extra]

    def counts(self) -> dict[str, int]:
        """Rows of the canary per dataset that the package must hold, all extra rows counted."""
        counted = Counter(
            t.dataset for t in self.books.truth if (t.person, t.expected) == (self._population.canary.key, "package")
        )
        for table in bulk.TABLES:
            counted[DATASETS[table]] += self._options.rows_for_canary
        return dict(counted)

    def admin_routes(self) -> list[Route]:
        """GET, DELETE /invoicing/statements   ?user=dsr_writer: those of one role
        GET, DELETE /invoicing/changes      {"at","role","client","table_name","operation","row_count"} per statement
                                            that touched rows and was committed; `client`: its application_name
        POST, DELETE /invoicing/faults      {"kind","table"?,"role"?}; DELETE heals
        GET /invoicing/counts"""
        return [
            Route("/invoicing/statements", self._statements, methods=["GET", "DELETE"]),
            Route("/invoicing/changes", self._changes, methods=["GET", "DELETE"]),
            Route("/invoicing/faults", self._faults, methods=["POST", "DELETE"]),
            Route("/invoicing/counts", self._counts),
        ]

    def _statements(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.statements.forget()
            return Response(status_code=204)
        user = request.query_params.get("user")
        return JSONResponse([s for s in self.statements.listed() if user in (None, s["user"])])

    def _changes(self, request: Request) -> Response:
        with self._administer() as connection:
            if request.method == "DELETE":
                connection.execute("DELETE FROM sandbox.change")
                return Response(status_code=204)
            query = "SELECT at::text, role, client, table_name, operation, row_count FROM sandbox.change ORDER BY at"
            return JSONResponse(connection.cursor(row_factory=dict_row).execute(query).fetchall())

    async def _faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.heal()
            return Response(status_code=204)
        body: dict[str, Any] = await request.json()
        try:
            self.fault(body.get("kind", ""), body.get("table", ""), body.get("role", roles.READER))
        except ValueError:
            kinds = ", ".join(faults.KINDS)
            return JSONResponse({"error": f"kind is one of {kinds}; table is one of the schema, role a role"}, 400)
        return JSONResponse(body, 201)

    def _counts(self, request: Request) -> Response:
        del request
        return JSONResponse(self.counts())

    def fault(self, kind: str, table: str = "", role: str = roles.READER) -> None:
        """Play a failure, see `faults.play`."""
        with self._administer() as connection:
            faults.play(connection, kind, table, role)

    def heal(self) -> None:
        """Undo every failure."""
        with self._administer() as connection:
            faults.heal(connection)

    def entries(self) -> Iterator[Entry]:
        """Every row of every table; those of the canary's extra rows are the canary's."""
        known = {(t.dataset, t.source_id.partition(":")[0]): t.person for t in self.books.truth}

        def whose(table: str, number: str) -> str:
            if table in bulk.TABLES and int(number) > bulk.BASE:
                return self._population.canary.key
            return known.get((DATASETS[table], number), "")

        with self._administer() as connection:
            yield from rows.entries(connection, self.name, whose)

    def take_in(self, given: list[dict[str, Any]]) -> dict[str, list[str]]:
        """Contacts from a file, see `rows.take_in`."""
        with self._administer() as connection:
            return rows.take_in(connection, given)

    def save(self, snapshot: str) -> None:
        """A copy of the database; sessions of it are cut."""
        with self._apart() as connection:
            copies.copy(connection, _DATABASE, f"{_DATABASE}_{snapshot}")

    def load_saved(self, snapshot: str) -> None:
        """The database as it was; sessions of it are cut."""
        with self._apart() as connection:
            copies.drop(connection, _DATABASE)
            copies.copy(connection, f"{_DATABASE}_{snapshot}", _DATABASE)

    def forget_saved(self, snapshot: str) -> None:
        """Drop the copy."""
        with self._apart() as connection:
            copies.drop(connection, f"{_DATABASE}_{snapshot}")

    def _apart(self) -> psycopg.Connection:
        return psycopg.connect(self.server.url("postgres", "postgresql"), autocommit=True)

    def _move_clock(self) -> None:
        with self._apart() as connection:
            roles.move_clock(connection, self._options.clock.offset)

    def _administer(self) -> psycopg.Connection:
        return psycopg.connect(self.server.url(_DATABASE, "postgresql"))

    def _canary(self) -> tuple[Any, int, int]:
        canary = self._population.canary
        return canary, self.books.customer_ids[canary.company.customer_number], self.books.canary_contact

    def _stamp(self, connection: psycopg.Connection) -> list[Any] | None:
        """What the database was made of; None when it is new."""
        known = connection.execute("SELECT to_regclass('sandbox.stamp')").fetchone()
        if known is None or known[0] is None:
            return None
        row = connection.execute("SELECT made_of FROM sandbox.stamp").fetchone()
        return cast(list[Any], json.loads(row[0])) if row else None

    def _load(self, connection: psycopg.Connection) -> None:
        connection.execute("DROP SCHEMA IF EXISTS sandbox CASCADE")
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
        connection.execute("CREATE SCHEMA sandbox")
        connection.execute("CREATE TABLE sandbox.stamp (made_of text)")
        connection.execute(_SCHEMA.read_text(encoding="utf-8").encode())
        for table, made in self.books.rows.items():
            if not made:
                continue
            columns = list(dict.fromkeys(column for row in made for column in row))
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            copying = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
            with connection.cursor().copy(copying) as copy:
                for row in made:
                    copy.write_row([row.get(column) for column in columns])
        if self._options.rows_for_canary:
            bulk.load(connection, *self._canary(), self._options.rows_for_canary)
        connection.execute(_TRIGGERS.read_text(encoding="utf-8").encode())
        roles.admit(connection)

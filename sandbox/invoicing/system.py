"""The invoicing system: PostgreSQL with the canonical schema, a reading role, and the population's books."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg import sql
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.invoicing import bulk, faults
from sandbox.invoicing.books import Books
from sandbox.invoicing.statements import Statements
from sandbox.invoicing.tables import DATASETS
from sandbox.people import Population, Truth
from sandbox.postgres import Postgres
from sandbox.system import ConnectionFields, Options
from sandbox.wire import Wiretap

_DATABASE = "invoicing"
_READER = "dsr_reader"
_PASSWORD = "reads-only-kvarnberget"
_SCHEMA = Path(__file__).with_name("schema.sql")


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
        self.statements = Statements(self.server.log, _READER)

    @cached_property
    def books(self) -> Books:
        """Rows and truth, made once."""
        return Books(self._population, date.fromisoformat(self._options.today))

    def start(self) -> None:
        """Start the server and load the books, unless the database holds books of the same options already."""
        if self._own:
            self.server.start()
        self.server.ensure_database(_DATABASE)
        made_of = [self._options.people, self._options.seed, self._options.rows_for_canary, self._options.today]
        with self._administer() as connection:
            if self._stamp(connection) != made_of:
                self._load(connection)
                connection.execute("INSERT INTO sandbox.stamp VALUES (%s)", (json.dumps(made_of),))
        with self._administer() as connection:
            connection.execute("ANALYZE")
        self.statements.forget()

    def stop(self) -> None:
        """Stop the server, if it is this system's own."""
        if self._own:
            self.server.stop()

    def connections(self) -> dict[str, ConnectionFields]:
        """`dsr_invoicing`, with a role that may only read."""
        fields = {
            "conn_type": "postgres",
            "host": "127.0.0.1",
            "port": self.server.port,
            "login": _READER,
            "password": _PASSWORD,
            "schema": _DATABASE,
            "extra": {"drivername": "postgresql+psycopg"},
        }
        return {"dsr_invoicing": fields}

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
        """`/invoicing/statements` (GET, DELETE), `/invoicing/faults` (POST {"kind","table"?}, DELETE heals) and
        `/invoicing/counts` (GET)."""
        return [
            Route("/invoicing/statements", self._statements, methods=["GET", "DELETE"]),
            Route("/invoicing/faults", self._faults, methods=["POST", "DELETE"]),
            Route("/invoicing/counts", self._counts),
        ]

    def _statements(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.statements.forget()
            return Response(status_code=204)
        return JSONResponse(self.statements.listed())

    async def _faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.heal()
            return Response(status_code=204)
        body: dict[str, Any] = await request.json()
        try:
            self.fault(body.get("kind", ""), body.get("table", ""))
        except ValueError:
            return JSONResponse({"error": f"kind is one of {', '.join(faults.KINDS)}; table is one of the schema"}, 400)
        return JSONResponse(body, 201)

    def _counts(self, request: Request) -> Response:
        del request
        return JSONResponse(self.counts())

    def fault(self, kind: str, table: str = "") -> None:
        """Play a failure, see `faults.play`."""
        with self._administer() as connection:
            faults.play(connection, _READER, kind, table)

    def heal(self) -> None:
        """Undo every failure."""
        with self._administer() as connection:
            faults.heal(connection, _READER, _PASSWORD)

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
        for table, rows in self.books.rows.items():
            if not rows:
                continue
            columns = list(dict.fromkeys(column for row in rows for column in row))
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            copying = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
            with connection.cursor().copy(copying) as copy:
                for row in rows:
                    copy.write_row([row.get(column) for column in columns])
        if self._options.rows_for_canary:
            bulk.load(connection, *self._canary(), self._options.rows_for_canary)
        self._admit_reader(connection)

    def _admit_reader(self, connection: psycopg.Connection) -> None:
        """A role that reads, and whose statements are logged without their values."""
        who = sql.Identifier(_READER)
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (_READER,)).fetchone() is None:
            connection.execute(sql.SQL("CREATE ROLE {}").format(who))
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(who))
        connection.execute(sql.SQL("ALTER ROLE {} SET log_statement = 'all'").format(who))
        faults.heal(connection, _READER, _PASSWORD)

"""A source of made-up invoices in four linked tables, as Arrow batches: what the engine costs without a database."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import pyarrow as pa

from dsr import schema
from dsr.model import Checked, Found, Identifier, Match, Piece, Rows, Subject
from dsr.source import Connection, Dataset, Declaration

TABLES: Final = ("invoicing_invoice", "invoicing_invoice_line", "invoicing_payment", "invoicing_reminder")
EMAIL: Final = "asa.ohrnqvist@kvarnberget.example"
_BATCH: Final = 16_384


class SyntheticInvoices:
    """Holds the rows of a file that `write` made, for one person."""

    path: ClassVar[Path]
    declaration: ClassVar[Declaration] = Declaration(
        "invoicing",
        "Invoicing",
        "controller",
        "postgres",
        {},
        (
            Dataset("invoicing_contact", "Contact", "contact-identification", "provided", (), "invoicing", "anonymise",
                    profile={"email": "email", "given_name": "name", "family_name": "name"}),
            *(Dataset(name, name, "purchases", "observed", (), "invoicing", "expire") for name in TABLES),
        ),
        ("email",),
    )  # fmt: skip

    @classmethod
    def connect(cls, connection: Connection) -> Self:
        """Nothing to connect to."""
        return cls()

    def check(self) -> Checked:
        """Nothing can be wrong with it."""
        return Checked()

    def find(self, subjects: Sequence[Subject]) -> Found:
        """The one person."""
        anchor = Identifier("email", EMAIL)
        hits = [s for s in subjects if anchor in s.identifiers]
        matches = [
            Match(s.request_id, "invoicing_contact", "1", frozenset({anchor}), frozenset({anchor}), "Åsa Öhrnqvist")
            for s in hits
        ]
        return Found("invoicing", tuple(matches))

    def extract(self, found: Found) -> Iterator[Piece]:
        """The contact and all tables."""
        request_id = found.matches[0].request_id
        record = {"contact_id": 1, "given_name": "Åsa", "family_name": "Öhrnqvist", "email": EMAIL}
        yield Rows(request_id, "invoicing_contact", schema.batch("invoicing_contact", [("1", record)]))
        for name in TABLES:
            # Not mapped: pages of a mapped file would count as this process's memory.
            with pa.OSFile(str(self.path / name)) as file, pa.ipc.open_stream(file) as stream:
                for batch in stream:
                    yield Rows(request_id, name, batch)


def write(folder: Path, rows: int) -> None:
    """Makes `rows` rows per table, so that making them up is not measured."""
    for name in TABLES:
        with pa.ipc.new_stream(str(folder / name), schema.arrow_schema(name)) as stream:
            for start in range(0, rows, _BATCH):
                stream.write_batch(rows_from(name, range(start, min(start + _BATCH, rows))))


def rows_from(name: str, numbers: range) -> pa.RecordBatch:
    """The rows of these numbers of a table."""
    arrow = schema.arrow_schema(name)
    definitions = schema.load(name)["properties"]
    columns = []
    for place, field in enumerate(arrow):
        if field.name == schema.SOURCE_ID:
            columns.append(pa.array([f"{n:09d}" for n in numbers], pa.string()))
        elif field.name == schema.UNMAPPED:
            columns.append(pa.nulls(len(numbers), pa.string()))
        else:
            value = _maker(field, definitions[field.name], place)
            columns.append(pa.array([value(n) for n in numbers], field.type))
    return pa.RecordBatch.from_arrays(columns, schema=arrow)


def _maker(field: pa.Field, definition: dict[str, Any], place: int) -> Callable[[int], Any]:
    """A deterministic value per row: mostly different, some with quotes, some null, as in real books."""
    if pa.types.is_integer(field.type):
        return lambda n: n * 7 + place
    if pa.types.is_floating(field.type):
        return lambda n: n / 4
    if pa.types.is_boolean(field.type):
        return lambda n: n % 2 == 0
    if definition.get("format") == "date-time":
        return lambda n: (
            f"20{10 + n % 16}-{1 + n % 12:02d}-{1 + n % 28:02d}T08:{n % 60:02d}:{n // 60 % 60:02d}.{n:06d}+01:00"
        )
    if definition.get("format") == "date":
        return lambda n: f"20{10 + n % 16}-{1 + n % 12:02d}-{1 + n % 28:02d}"
    if definition.get("format") == "email":
        return lambda n: EMAIL
    if "amount" in field.name or "price" in field.name:
        return lambda n: f"{n % 100_000}.{n % 100:02d}"
    if place % 5 == 0:
        return lambda n: None if n % 3 else 'Ställning "högre" modell'
    return lambda n: f"Leverans {n % 5000} till Kvarnbergsvägen {n % 40}"

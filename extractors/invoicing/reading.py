"""`extract`: every dataset in turn, told apart by request, with what names somebody else withheld (Art. 15(4))."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from dsr.model import Attachment, Found, Piece, Rows, Withheld
from dsr.schema import arrow_schema
from extractors.invoicing.copying import OWNER, TRADER, Copying
from extractors.invoicing.cursors import Cursors
from extractors.invoicing.layout import Layout
from extractors.invoicing.mapping import Books, Persons, Table
from extractors.invoicing.owners import Own, owners

_THIRD_PARTY: Final = "third_party"
_CHUNK: Final = 1024 * 1024


def read(connection: sa.Connection, books: Books, layout: Layout, found: Found) -> Iterator[Piece]:
    """All pieces of a batch. One statement per dataset, and one more for files, whoever and however many ask."""
    batch = owners(books, found)
    by_copy = connection.dialect.name == "postgresql" and connection.dialect.driver == "psycopg"
    reader = (Copying if by_copy else Cursors)(connection, books, layout, batch)
    everything: list[Table | Persons] = [*books.persons, *books.rows]
    for table in everything:
        dataset = table.rows if isinstance(table, Persons) else table
        withheld: Counter[str] = Counter()
        for rows in reader.read(table):
            for request_id, own in batch.requests.items():
                part = rows.filter(_of(rows, own)) if batch.several else rows
                if part.num_rows:
                    part, hidden = without_others(dataset, own, part)
                    withheld[request_id] += hidden
                    yield Rows(request_id, dataset.dataset, part)
        if isinstance(table, Table) and table.attachment:
            for file in reader.attachments(table, table.attachment):
                yield from _files(batch.requests, table, file, withheld)
        for request_id, count in withheld.items():
            if count:
                yield Withheld(request_id, dataset.dataset, _THIRD_PARTY, count)


def _of(rows: pa.RecordBatch, own: Own) -> pa.Array:
    return pc.is_in(rows.column(OWNER), value_set=pa.array(sorted(own.tags), pa.string()))


def without_others(table: Table, own: Own, rows: pa.RecordBatch) -> tuple[pa.RecordBatch, int]:
    """The rows without the cells that are somebody else's, and how many cells that were."""
    columns = {name: rows.column(name) for name in rows.schema.names}
    hidden: dict[str, pa.Array] = {}
    for column, shown in (*((c, own.names_them) for c in table.names), *((c, own.is_theirs) for c in table.emails)):
        field = table.columns[column]
        foreign = [v for v in columns[field].unique().to_pylist() if v is not None and not shown(v)]
        if foreign:
            hidden[field] = pc.is_in(columns[field], value_set=pa.array(foreign, pa.string()))
    for column, leader in table.together.items():
        if table.columns[leader] in hidden:
            hidden[table.columns[column]] = hidden[table.columns[leader]]
    if table.owner_only and own.foreign_traders:
        traders = pc.is_in(columns[TRADER], value_set=pa.array(sorted(own.foreign_traders), pa.string()))
        hidden |= {table.columns[c]: traders for c in table.owner_only}
    count = 0
    for field, mask in hidden.items():
        count += pc.sum(pc.and_(mask, pc.is_valid(columns[field]))).as_py() or 0
        columns[field] = pc.if_else(mask, pa.scalar(None, columns[field].type), columns[field])
    schema = arrow_schema(table.dataset)
    return pa.RecordBatch.from_arrays([columns[n] for n in schema.names], schema=schema), count


def _files(requests: dict[str, Own], table: Table, file: tuple[Any, ...], withheld: Counter[str]) -> Iterator[Piece]:
    """The file for every request whose it is; withheld when it prints somebody else's name."""
    owner, key, media_type, title, content, *printed = file
    for request_id, own in requests.items():
        if owner not in own.tags or content is None:
            continue
        if not all(text is None or own.names_them(text) for text in printed):
            withheld[request_id] += 1
            continue
        extension = title.rpartition(".")[2].lower() if title and "." in title else "bin"
        yield Attachment(
            request_id, table.dataset, key, f"{table.dataset}-{key}", media_type or "application/octet-stream",
            extension if extension.isalnum() and extension.isascii() and len(extension) <= 8 else "bin",
            title or key, _chunks(bytes(content)),
        )  # fmt: skip


def _chunks(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), _CHUNK):
        yield content[start : start + _CHUNK]

"""The ledger's database, the case store, the runs' own state, or a backup of the first two, in somebody else's hands:
each is searched for everything that is known of the people, in the forms in which it could be read or guessed."""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from office import Office
from psycopg import sql
from running_sandbox import Sandbox
from sqlalchemy import make_url

from sandbox.people import Person

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.thorough]

_SHORTEST = 7
_IDS = ("salesforce_contact", "salesforce_lead", "pardot_prospect", "invoicing_contact")
"""Datasets whose record ids stand for the person in the systems. Registrations for webinars and calls are not among
them: the index leads from a keyed hash to their ids, which the vendor has drawn and which say nothing outside."""


@pytest.fixture(scope="module")
def people(way_sandbox: Sandbox, shared_office: Office) -> list[Person]:
    """Of one an erasure is over, of one a restriction waits for a person, of one an access has come in."""
    way_sandbox.forget()
    shared_office.upkeep()
    erased, restricted, asking = way_sandbox.population.crowd[-3:]
    assert shared_office.finish(shared_office.ask(erased.email, "erasure")).failed == {}
    request_id = shared_office.ask(restricted.email, "restriction", ground="accuracy_contested")
    shared_office.until(request_id, "approve")
    assert shared_office.case(request_id).names()
    shared_office.ask(asking.email, "access")
    return [erased, restricted, asking]


def known(sandbox: Sandbox, people: Iterable[Person]) -> set[str]:
    """All that points to one of them, and the ids of their records."""
    keys = {person.key for person in people}
    ids = {t.source_id for t in sandbox.truth if t.person in keys and t.dataset in _IDS}
    return {v for person in people for v in (*person.identifying(), person.given + " " + person.family)} | {
        i for i in ids if len(i) >= _SHORTEST
    }


def forms(value: str) -> Iterator[bytes]:
    """A value as it could stand there: as it is, without case, in other encodings, and as what guessing would give."""
    digits = re.sub(r"\D", "", value)
    texts = {value, value.lower(), value.upper(), value.casefold().strip()}
    if len(digits) >= _SHORTEST:
        texts |= {digits, digits.removeprefix("46"), f"0{digits.removeprefix('46')}", f"+{digits}"}
    for text in texts:
        raw = text.encode()
        yield from (raw, text.encode("utf-16-le"), text.encode("utf-16-be"), quote(text).encode(), raw.hex().encode())
        yield from (text.encode("unicode_escape"), text.encode("latin-1", "replace"))
        for shift in range(3):  # wherever the value begins within three bytes
            yield base64.b64encode(b"\0" * shift + raw)[(0, 2, 3)[shift] : -4]
        for made in (hashlib.sha256, hashlib.md5, hashlib.sha1):
            digest = made(raw).digest()
            yield from (digest, digest.hex().encode(), base64.b64encode(digest)[:-4])


def found(haystack: bytes, values: Iterable[str]) -> list[str]:
    """The values of which any form stands there."""
    lower = haystack.lower()
    return [v for v in values if any(len(f) >= _SHORTEST and (f in haystack or f.lower() in lower) for f in forms(v))]


def dumped(url: str) -> bytes:
    """Every row of every table as COPY gives it, and every binary value by itself, as a thief would look at it."""
    everything = bytearray()
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (name,) in tables:
            table = sql.Identifier(name)
            with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(table)) as copy:
                everything += b"".join(bytes(piece) for piece in copy)
            for row in connection.execute(sql.SQL("SELECT * FROM {}").format(table)):
                everything += b"".join(bytes(value) for value in row if isinstance(value, bytes | memoryview))
    return bytes(everything)


def read(folder: Path) -> bytes:
    """Every file's bytes and every name."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return b"\n".join(
        [*(path.read_bytes() for path in files), *(str(path.relative_to(folder)).encode() for path in files)]
    )


@pytest.fixture(scope="module")
def stolen(people: list[Person], shared_office: Office) -> Mapping[str, bytes]:
    """What was taken, by what it was."""
    database, store = dumped(shared_office.ledger_url), read(shared_office.folder / "cases")
    return {
        "database": database,
        "store": store,
        "backup": database + store,
        "runs": read(shared_office.folder / "runs"),
    }


@pytest.mark.parametrize("what", ["database", "store", "backup", "runs"])
def test_it_says_nothing_of_anybody(
    what: str, stolen: Mapping[str, bytes], people: list[Person], way_sandbox: Sandbox
) -> None:
    """Neither as it is nor as the hash of a guess."""
    assert len(stolen[what]) > 5_000, "there is something to search"
    assert found(stolen[what], known(way_sandbox, people)) == []


def test_the_search_would_find_it(people: list[Person], way_sandbox: Sandbox) -> None:
    """Each form, planted into noise."""
    values = known(way_sandbox, people[:1])
    assert len(values) >= 8
    noise = hashlib.shake_256(b"noise").digest(10_000)
    assert found(noise, values) == []
    for value in values:
        for form in forms(value):
            if len(form) >= _SHORTEST:
                assert value in found(noise + form + noise, [value]), form

"""A ledger's database, and the made-up datasets."""

import copy
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine

sys.path.insert(0, str(Path(__file__).parent.parent / "steps"))

from made_up_sources import SCHEMAS

from dsr import database, schema
from dsr.erasures import Erasures
from dsr.ledger import Ledger
from dsr.suppression import Suppression

if TYPE_CHECKING:
    from made_up_place import Clock, Place

_LOAD = schema.load


@pytest.fixture(autouse=True, scope="session")
def made_up_datasets() -> Iterator[None]:
    """`schema.load` also knows the made-up datasets."""
    patch = pytest.MonkeyPatch()

    def load(name: str) -> dict[str, Any]:
        return copy.deepcopy(SCHEMAS[name]) if name in SCHEMAS else _LOAD(name)

    patch.setattr(schema, "load", load)
    yield
    patch.undo()


def _connected(url: str) -> Iterator[Engine]:
    made = database.connect(url)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def engine(new_ledger: Callable[[], str]) -> Iterator[Engine]:
    """A fresh database that all tests share."""
    yield from _connected(new_ledger())


@pytest.fixture
def own_engine(new_ledger: Callable[[], str]) -> Iterator[Engine]:
    """A fresh database of the test's own, for what looks at all rows of a system."""
    yield from _connected(new_ledger())


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    """The ledger."""
    return Ledger(engine, b"l" * 32)


@pytest.fixture
def erasures(engine: Engine) -> Erasures:
    """The erasure ledger."""
    return Erasures(engine, b"e" * 32)


@pytest.fixture
def suppression(engine: Engine) -> Suppression:
    """The suppression list."""
    return Suppression(engine, b"s" * 32)


@pytest.fixture
def request_id() -> str:
    """A new one, since the ledger is shared."""
    return f"dsr-{secrets.token_hex(8)}"


@pytest.fixture
def clock() -> "Clock":
    """That of the tasks."""
    from made_up_place import Clock

    return Clock()


@pytest.fixture
def place(
    tmp_path: Path,
    ledger: Ledger,
    suppression: Suppression,
    request_id: str,
    clock: "Clock",
    monkeypatch: pytest.MonkeyPatch,
) -> "Place":
    """What the tasks work with. Imported here, since it brings Airflow."""
    from made_up_place import Place

    return Place.made(tmp_path, ledger, suppression, request_id, clock, monkeypatch)

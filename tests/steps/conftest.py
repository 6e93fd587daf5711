"""A case file in a temporary folder, and made-up datasets beside the real ones."""

import copy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_up_sources import REQUEST_ID, SCHEMAS, request

from dsr import schema
from dsr.casefile import CaseFile, CaseStore

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

_LOAD = schema.load


@pytest.fixture(autouse=True, scope="session")
def made_up_schemas() -> Iterator[None]:
    """`schema.load` also knows the made-up datasets."""
    patch = pytest.MonkeyPatch()

    def load(name: str) -> dict[str, Any]:
        return copy.deepcopy(SCHEMAS[name]) if name in SCHEMAS else _LOAD(name)

    patch.setattr(schema, "load", load)
    yield
    patch.undo()


@pytest.fixture
def case(tmp_path: Path) -> CaseFile:
    """A new case with a request in it."""
    made = CaseStore(str(tmp_path / "cases"), bytes(32)).create(REQUEST_ID)
    made.write_json("request", request())
    return made

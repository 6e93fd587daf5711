"""A case file in a temporary folder; the made-up datasets stand beside the real ones."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from package_makers import REQUEST_ID, SCHEMAS, request

from dsr import schema
from dsr.casefile import CaseFile, CaseStore


@pytest.fixture(autouse=True, scope="module")
def generated_schemas() -> Iterator[None]:
    """`schema.load` also knows the made-up datasets."""
    known = schema.load

    def load(name: str) -> dict[str, Any]:
        return copy.deepcopy(SCHEMAS[name]) if name in SCHEMAS else known(name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "load", load)
        yield


@pytest.fixture
def case(tmp_path: Path) -> CaseFile:
    """A new case with a request in it."""
    made = CaseStore(str(tmp_path / "cases"), bytes(32)).create(REQUEST_ID)
    made.write_json("request", request())
    return made

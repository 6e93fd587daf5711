"""A case file in a temporary folder and a made-up dataset with a field of every type."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "steps"))

from made_up_packages import LEDGER, LEDGER_SCHEMA
from made_up_sources import REQUEST_ID, SCHEMAS, request

from dsr import schema
from dsr.casefile import CaseFile, CaseStore


@pytest.fixture(autouse=True)
def made_up_schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    """`schema.load` also knows the made-up datasets."""
    made_up, load = {**SCHEMAS, LEDGER: LEDGER_SCHEMA}, schema.load

    def known(name: str) -> dict[str, Any]:
        return made_up[name] if name in made_up else load(name)

    monkeypatch.setattr(schema, "load", known)


@pytest.fixture
def case(tmp_path: Path) -> CaseFile:
    """A new case with a request in it."""
    made = CaseStore(str(tmp_path / "cases"), bytes(32)).create(REQUEST_ID)
    made.write_json("request", request())
    return made

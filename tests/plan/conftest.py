"""A ledger for the tests of the command line."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def ledger_url(new_ledger: Callable[[], str]) -> str:
    """The address of an empty ledger."""
    return new_ledger()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A place for case files."""
    return tmp_path

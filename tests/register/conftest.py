"""A register of one's own: the shipped example in a folder that a test may edit."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dsr.register import Problem, check
from dsr.register.confirming import copy
from dsr.source import Declaration
from extractors import SOURCES

Edit = Callable[[str, str, str], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped example."""
    copy(tmp_path / "register")
    return tmp_path / "register"


@pytest.fixture
def edit(folder: Path) -> Edit:
    """Replaces one piece of text in a file; it must stand there."""

    def replace(name: str, old: str, new: str) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace


@pytest.fixture
def declarations() -> list[Declaration]:
    """Those of the real sources."""
    return [source.declaration for source in SOURCES]


@pytest.fixture
def found(folder: Path, declarations: list[Declaration]) -> Callable[[], list[Problem]]:
    """What the check finds, apart from rows that nobody has confirmed."""
    return lambda: [problem for problem in check(folder, declarations) if problem.code != "unconfirmed"]

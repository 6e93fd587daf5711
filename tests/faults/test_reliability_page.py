"""docs/reliability.md says what the tests say, and every cell of it is one of theirs."""

import ast

import matrix
import pytest
import reliability
from playing import PARTIES
from wrongs import WRONGS


def test_the_page_is_what_the_tests_expect() -> None:
    """If not: `python tests/faults/reliability.py`."""
    assert reliability.DOCUMENT.read_text(encoding="utf-8") == reliability.document()


def test_every_cell_has_an_outcome_or_a_reason() -> None:
    absent = {(key, wrong) for wrong, reasons in matrix.NOT_THERE.items() for keys, _ in reasons for key in keys}
    assert set(matrix.EXPECTED) | absent == {(key, wrong.key) for key in PARTIES for wrong in WRONGS}
    assert not set(matrix.EXPECTED) & absent
    assert set(matrix.TITLES) == set(PARTIES)
    assert set(matrix.EXPECTED) >= matrix.SAMPLE


@pytest.mark.parametrize("test", [test for _, _, test in matrix.ELSEWHERE])
def test_every_test_that_is_named_is_there(test: str) -> None:
    path, _, name = test.partition("::")
    tree = ast.parse((reliability.ROOT / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}

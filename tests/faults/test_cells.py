"""Every call to another system × all that may go wrong with it: the step ends right or says by code whether trying
again helps; then nothing is lost, nothing doubled, and no word of a person is in the error."""

from typing import Any

import pytest
from matrix import EXPECTED, SAMPLE
from playing import attempted, left
from wrongs import BY_KEY


def _cell(key: str, wrong: str) -> Any:
    marks = () if (key, wrong) in SAMPLE else (pytest.mark.soak,)
    return pytest.param(key, wrong, id=f"{wrong}-{key}", marks=marks)


@pytest.mark.parametrize(("key", "wrong"), [_cell(*cell) for cell in EXPECTED])
def test_it(key: str, wrong: str, party: Any) -> None:
    """It goes wrong once: it ends as expected, and the next attempt is done."""
    made, go_wrong = party
    made.begin()
    files = left()
    with go_wrong(BY_KEY[wrong]) as played:
        ended = attempted(made)
        assert played(), "nothing went wrong"
    if ended == "done":
        made.assert_once()
    else:
        made.assert_nothing()
    assert attempted(made) == "done"
    made.assert_once()
    assert left() <= files
    assert ended == EXPECTED[key, wrong]

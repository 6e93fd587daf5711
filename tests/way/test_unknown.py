"""Somebody whom no system knows asks for a change: the ticket says what it says to whoever doesn't confirm."""

import pytest
from office import Office

from embedded.requester import is_question

pytestmark = [pytest.mark.slow]

NOBODY = "nobody.at.all@nowhere.example"


@pytest.mark.parametrize("right", ["erasure", "restriction"])
def test_nobody_learns_from_the_ticket_that_nothing_is_held(right: str, office: Office) -> None:
    before = office.now()
    request_id = office.ask(NOBODY, right)
    office.until(request_id, "answer_nothing")
    run = office.finish(request_id)
    assert run.failed == {}
    assert (office.now() - before).days >= 7
    (answer,) = office.answers(request_id)
    assert answer["closed"]
    assert "artikel 12.2 och 12.6" in answer["text"]
    assert not is_question(answer["text"])
    mails = [mail for mail in office.mails() if request_id in mail["raw"]]
    assert len(mails) == 1
    assert NOBODY in mails[0]["raw"]
    kinds = office.kinds(request_id)
    assert [kind for kind in kinds if kind in ("identity_asked", "answered", "closed")] == [
        "identity_asked", "answered", "closed",
    ]  # fmt: skip
    assert "refused" not in kinds, "nobody decided that"

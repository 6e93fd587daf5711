"""Whoever only reads the ticket can't tell somebody whom no system knows from somebody who doesn't confirm; the person
learns by mail, at the address that they stated, that nothing is held."""

import re
import secrets
from datetime import datetime, timedelta
from typing import Any

import pytest
from counter_hall import NOW, ON_FILE, Office
from test_ask_identity import LONG, ask, text_of

from dsr.casefile import CaseFile
from dsr.errors import PermanentError, TransientError
from dsr.report.acting import ActingLetter
from dsr.report.answers import Summary
from dsr.report.identity import IdentityLetter
from dsr.steps import answer_unknown as step
from dsr.steps.ask_identity import TOLD, tell_asked
from dsr.steps.tell import ask as say
from dsr.steps.tell import tell

NOTHING = Summary(held=False, doubtful=0, searched=("Salesforce", "Zoom"), incomplete=())
STATED = "nobody@nowhere.example"
RIGHTS = ("erasure", "restriction", "rectification")
_OWN = re.compile(r"dsr-[0-9a-f]{16}")


def unknown(office: Office, right: str, **more: Any) -> CaseFile:
    asked = {"stated": STATED, "held": {}, "language": "en", **more}
    return office.case(f"dsr-{secrets.token_hex(8)}", right=right, **asked)


def refusal(office: Office, case: CaseFile) -> str:
    request = case.read_json("request")
    letter = ActingLetter(case.case_id, request["language"], office.settings, request["right"])
    return letter.refused(["identity"])


def answer(office: Office, case: CaseFile, at: datetime = NOW, summary: Summary = NOTHING) -> timedelta | None:
    post = office.post

    def question(letter: IdentityLetter) -> None:
        tell_asked(letter, "", lambda text, _: say(case, "identity", text, mark=TOLD, answer=post.answer, at=at))

    def told(text: str) -> None:
        tell(case, summary.outcome, text, answer=post.answer, ledger=office.ledger, close=True, at=at)

    return step.answer_unknown(
        case, summary, refusal(office, case), ledger=office.ledger, send_mail=post.mail,
        telling=step.Telling(question, told), at=at, settings=office.settings,
    )  # fmt: skip


def seen(office: Office) -> list[tuple[str, bool]]:
    """What stands in the ticket, but for the request's id and the code, and whether it was closed."""
    return [(_OWN.sub("", LONG.sub("code", a.text)), a.close) for a in office.post.answers]


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("right", RIGHTS)
@pytest.mark.parametrize("doubtful", [0, 3])
def test_the_ticket_of_an_unknown_person_is_that_of_a_known_one_who_does_not_confirm(
    right: str, language: str, doubtful: int, office: Office
) -> None:
    known = office.case(f"dsr-{secrets.token_hex(8)}", right=right, language=language)
    assert ask(office, known) == "sent"
    tell(known, "refused", refusal(office, known), answer=office.post.answer, ledger=office.ledger, close=True, at=NOW)
    of_known = seen(office)
    office.post.answers.clear()
    case = unknown(office, right, language=language)
    summary = Summary(
        held=False, doubtful=doubtful, searched=("Salesforce",), incomplete=(), erased_before=not doubtful
    )
    assert answer(office, case, summary=summary) == timedelta(days=7)
    assert seen(office) == of_known[:1], "at once, and the same"
    assert answer(office, case, NOW + timedelta(days=7), summary) is None
    assert seen(office) == of_known
    assert ("code" in of_known[0][0].splitlines()) == (right == "erasure")


def test_that_nothing_is_held_is_told_to_the_stated_address_alone(office: Office) -> None:
    case = unknown(office, "erasure")
    answer(office, case)
    (mail,) = office.post.mails
    assert str(mail["To"]) == STATED
    text = text_of(mail)
    assert "hold no personal data about you" in text
    assert "Salesforce, Zoom" in text
    assert "IMY" in text
    assert "court" in text
    assert not LONG.findall(text)
    assert "hold no personal data" not in "".join(text for text, _ in seen(office))
    written, asked = office.ledger.events(case.case_id)
    assert (written.detail["by"], asked.detail) == ("mail", {"outcome": "unknown"})


def test_the_code_in_the_ticket_of_an_unknown_person_opens_nothing(office: Office) -> None:
    case = unknown(office, "erasure")
    answer(office, case)
    assert office.challenges.confirmed(case.case_id) is None
    assert not any(p.request_id == case.case_id for p in office.challenges.pending(NOW))


def test_asked_again_and_again_it_says_each_once(office: Office) -> None:
    case = unknown(office, "restriction")
    left = [answer(office, case, NOW + timedelta(days=days)) for days in (0, 0.5, 3, 6.9, 7, 8)]
    assert [bool(wait) for wait in left] == [True, True, True, True, False, False]
    assert (len(office.post.mails), len(office.post.answers)) == (1, 2)
    assert [e.kind for e in office.ledger.events(case.case_id) if e.kind != "written"] == ["identity_asked", "answered"]
    assert office.ledger.events(case.case_id)[-1].detail["outcome"] == "nothing_held"


def test_a_mail_server_that_is_down_and_an_address_that_takes_nothing(office: Office) -> None:
    case = unknown(office, "restriction")
    office.post.fails = [TransientError("smtp.421", "mail")]
    with pytest.raises(TransientError):
        answer(office, case)
    office.post.fails = []
    assert answer(office, case) is not None
    assert len(office.post.mails) == 1
    other = unknown(office, "restriction")
    answer(office, other, NOW - timedelta(days=1))
    third = unknown(office, "rectification")

    class Refusing:
        def __call__(self, _: Any) -> None:
            raise PermanentError("smtp.550", "mail")

    step.answer_unknown(
        third, NOTHING, "…", ledger=office.ledger, send_mail=Refusing(),
        telling=step.Telling(lambda _: None, lambda _: None), at=NOW, settings=office.settings,
    )  # fmt: skip
    assert office.ledger.events(third.case_id)[-1].detail == {"outcome": "unknown_undeliverable"}


def test_only_somebody_who_reads_the_address_sees_what_is_doubtful(office: Office) -> None:
    doubtful = Summary(held=False, doubtful=2, searched=("Salesforce",), incomplete=())
    answer(office, unknown(office, "erasure", stated=ON_FILE), summary=doubtful)
    assert "may share with you" in text_of(office.post.mails[-1])
    assert "may share with you" not in "".join(text for text, _ in seen(office))

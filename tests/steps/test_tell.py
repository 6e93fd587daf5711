"""A text is told once, and the ledger says so however the first attempt ended."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from made_up_sources import request

from dsr import rounds
from dsr.casefile import CaseFile, CaseStore
from dsr.channels.ticket import Answer
from dsr.errors import TransientError
from dsr.steps.tell import tell

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class Event:
    kind: str
    detail: Any


@dataclass
class Notes:
    """A ledger that breaks off as often as it is told to."""

    broken: int = 0
    noted: list[Event] = field(default_factory=list)

    def events(self, request_id: str) -> list[Event]:
        return self.noted

    def append(self, request_id: str, kind: str, detail: Any, *, at: datetime) -> None:
        if self.broken:
            self.broken -= 1
            raise TransientError("database.failed", "ledger")
        self.noted.append(Event(kind, detail))


@pytest.fixture
def case(tmp_path: Path) -> CaseFile:
    made = CaseStore(str(tmp_path), bytes(32)).create("dsr-tell")
    made.write_json("request", {**request(), "request_id": "dsr-tell"})
    return made


def test_cut_off_before_the_event(case: CaseFile) -> None:
    notes, said = Notes(broken=1), list[Answer]()
    given: dict[str, Any] = {"answer": said.append, "ledger": notes, "close": True, "at": AT}
    with pytest.raises(TransientError):
        tell(case, "lifting", "text", **given)
    assert not notes.noted
    assert tell(case, "lifting", "text", **given) is False
    assert tell(case, "lifting", "text", **given) is False
    assert [answer.text for answer in said] == ["text"]
    assert [(e.kind, e.detail) for e in notes.noted] == [("answered", {"outcome": "lifting"})]


def test_a_ticket_system_that_is_down(case: CaseFile) -> None:
    notes, said = Notes(), list[Answer]()
    given: dict[str, Any] = {"ledger": notes, "close": False, "at": AT}

    def down(answer: Answer) -> None:
        raise TransientError("http.503", "zendesk")

    with pytest.raises(TransientError, match=r"http\.503"):
        tell(case, "done", "text", answer=down, **given)
    assert not notes.noted
    assert tell(case, "done", "text", answer=said.append, **given)
    assert len(said) == len(notes.noted) == 1


def test_two_texts_are_two_answers(case: CaseFile) -> None:
    notes, said = Notes(), list[Answer]()
    given: dict[str, Any] = {"answer": said.append, "ledger": notes, "at": AT}
    assert tell(case, "meanwhile", "one", close=False, **given)
    assert tell(case, "done", "two", close=True, **given)
    assert [(a.text, a.close) for a in said] == [("one", False), ("two", True)]
    assert [e.detail["outcome"] for e in notes.noted] == ["meanwhile", "done"]
    assert len({a.answer_id for a in said}) == 2


def test_what_is_said_later_under_the_same_name_is_another_answer(case: CaseFile) -> None:
    """Receivers drop what they have had: the same text given again, but not what a new plan leads to."""
    notes, said = Notes(), list[Answer]()
    given: dict[str, Any] = {"answer": said.append, "ledger": notes, "close": True, "at": AT}
    for text in ("one", "one", "two"):
        case.remove("told/")
        tell(case, "refused", text, **given)
    first, again, later = (answer.answer_id for answer in said)
    assert first == again != later


def test_what_another_plan_has_led_to_is_another_answer(case: CaseFile) -> None:
    """Else a receiver that drops repetitions drops what was promised: that the rest is done now."""
    notes, said = Notes(), list[Answer]()
    given: dict[str, Any] = {"answer": said.append, "ledger": notes, "close": False, "at": AT}
    for digest in ("a1" * 32, "b2" * 32):
        case.write_json("plan", {"digest": digest})
        rounds.start(case, digest)
        assert tell(case, "done", f"text {digest}", **given) is True
        assert tell(case, "done", f"text {digest}", **given) is False
        assert tell(case, "meanwhile", "text", **given) is (digest == "a1" * 32)
    assert len({a.answer_id for a in said}) == len(said) == 3
    assert [e.detail["outcome"] for e in notes.noted] == ["done", "meanwhile", "done"]

"""Two months more, for every right: once, within the first month, told with its reason, and noted wherever it is cut
off (Art. 12(3) GDPR)."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import holidays
import httpx
import pytest
from front_desk import MASTER, NOW, SECRETS
from jsonschema import Draft202012Validator, FormatChecker

from dsr import schema
from dsr.__main__ import main
from dsr.casefile import CaseFile
from dsr.channels.ticket import Answer
from dsr.errors import PermanentError, TransientError
from dsr.ledger import Event
from dsr.standing import Standing, deadline
from dsr.steps.close import close
from dsr.steps.extend import extend
from dsr.steps.tell import tell
from dsr.vocabulary import RIGHTS
from dsr.web.intake import Desk
from sandbox.tickets.sender import signed, ticket_body

ASKED: dict[str, dict[str, Any]] = {
    "rectification": {"corrections": {"email": "asa.ny@kvarnberget.example"}},
    "objection": {"ground": "legitimate_interest"},
    "withdrawal": {"purposes": ["dpv:DirectMarketing"]},
}
LATEST, EXTENDED = date(2026, 4, 7), date(2026, 6, 5)
"""One month from NOW ends on Easter Sunday, three on a Friday."""


class Cut(BaseException):
    """The process ends here."""


@dataclass
class Office:
    """A ticket system and who extends. `cut`: after which call of the outside world the process dies; -1 = never."""

    desk: Desk
    said: list[Answer] = field(default_factory=list)
    down: bool = False
    cut: str = ""

    def ask(self, intake: str, right: str, language: str = "en") -> str:
        more = {"right": right, "language": language, **ASKED.get(right, {})}
        body = ticket_body("standard_webhooks", "1001", email="asa@kvarnberget.example", at=NOW, **more)
        headers, raw = signed("standard_webhooks", body, SECRETS["standard_webhooks"], NOW, f"extension-{right}")
        answer = httpx.post(f"{intake}/requests/standard_webhooks", headers=headers, content=raw, timeout=30)
        return str(answer.json()["request_id"])

    def extend(self, request_id: str, run: str = "run-1", at: datetime = NOW, reason: str = "complexity") -> date:
        return extend(
            request_id,
            reason,
            by="officer",
            run=run,
            cases=self.desk.cases,
            ledger=self.desk.ledger,
            tell=lambda case, text: self._tell(case, text, at),
            at=at,
            settings=self.desk.settings,
        )

    def _tell(self, case: CaseFile, text: str, at: datetime) -> None:
        tell(case, "extended", text, answer=self._answer, ledger=self.desk.ledger, close=False, at=at)
        if self.cut == "told":
            raise Cut

    def _answer(self, answer: Answer) -> None:
        if self.down:
            raise TransientError("http.503", "standard_webhooks")
        self.said.append(answer)

    def events(self, request_id: str) -> list[Event]:
        return self.desk.ledger.events(request_id)


@pytest.fixture
def office(desk: Desk) -> Office:
    return Office(desk)


def extensions(office: Office, request_id: str) -> list[Any]:
    return [event.detail for event in office.events(request_id) if event.kind == "extended"]


@pytest.mark.parametrize("right", RIGHTS)
def test_every_right_is_extended_once(office: Office, intake: str, right: str) -> None:
    request_id = office.ask(intake, right)
    assert office.extend(request_id, at=NOW + timedelta(days=20)) == EXTENDED
    (answer,) = office.said
    assert not answer.close
    for words in ("5 March 2026", "7 April 2026", "5 June 2026", "complex", "IMY", "court", request_id):
        assert words in answer.text
    assert extensions(office, request_id) == [{"reason": "complexity", "by": "officer", "latest": "2026-06-05"}]
    request = office.desk.cases.open(request_id).read_json("request")
    Draft202012Validator(schema.load("request"), format_checker=FormatChecker()).validate(request)
    assert request["due"] == {"target": "2026-04-05", "legal_latest": "2026-04-07", "extended_latest": "2026-06-05"}
    assert deadline(request["due"]) == EXTENDED
    standing = Standing.of(office.events(request_id))
    assert standing is not None
    assert (standing.deadline, standing.answered) == (EXTENDED, False)
    for reason in ("complexity", "number"):
        with pytest.raises(PermanentError, match=r"extension\.already"):
            office.extend(request_id, run="run-2", reason=reason)
    assert len(office.said) == 1
    assert len(extensions(office, request_id)) == 1


@pytest.mark.parametrize(("day", "taken"), [("2026-04-07T21:59", True), ("2026-04-07T22:01", False)])
def test_the_first_month_ends_with_its_last_day_where_the_controller_is(
    office: Office, intake: str, day: str, taken: bool
) -> None:
    """22:00 UTC is midnight in Stockholm; Easter moves the day as it moves that of the answer."""
    request_id, at = office.ask(intake, "access"), datetime.fromisoformat(day).replace(tzinfo=UTC)
    if taken:
        assert office.extend(request_id, at=at) == EXTENDED
        return
    with pytest.raises(PermanentError, match=r"extension\.late"):
        office.extend(request_id, at=at)
    assert office.said == []
    assert extensions(office, request_id) == []
    standing = Standing.of(office.events(request_id))
    assert standing is not None
    assert standing.deadline == LATEST


def test_what_cannot_be_extended(office: Office, intake: str) -> None:
    with pytest.raises(PermanentError, match=r"extension\.unknown"):
        office.extend("dsr-nobodyasked")
    with pytest.raises(PermanentError, match=r"reason\.unknown"):
        office.extend(office.ask(intake, "portability"), reason="holidays")
    request_id = office.ask(intake, "erasure")
    case = office.desk.cases.open(request_id)
    close(case, office.desk.ledger, NOW)
    with pytest.raises(PermanentError, match=r"extension\.answered"):
        office.extend(request_id)
    case.close()
    with pytest.raises(PermanentError, match=r"extension\.answered"):
        office.extend(request_id)
    assert office.said == []
    gone = office.ask(intake, "access")
    office.desk.cases.open(gone).close()
    with pytest.raises(PermanentError, match=r"case\.closed"):
        office.extend(gone)


def test_an_objection_that_is_examined_can_be_extended_and_an_answer_cannot(office: Office, intake: str) -> None:
    request_id, ledger = office.ask(intake, "objection"), office.desk.ledger
    ledger.append(request_id, "answered", {"outcome": "meanwhile"}, at=NOW)
    assert office.extend(request_id) == EXTENDED
    other = office.ask(intake, "restriction")
    ledger.append(other, "answered", {"outcome": "done"}, at=NOW)
    with pytest.raises(PermanentError, match=r"extension\.answered"):
        office.extend(other)


def test_nobody_is_noted_as_told_while_the_ticket_system_is_down(office: Office, intake: str) -> None:
    """And another officer's extension may come first: there is one in the end."""
    request_id = office.ask(intake, "access")
    office.down = True
    with pytest.raises(TransientError, match=r"http\.503"):
        office.extend(request_id, run="run-1")
    assert extensions(office, request_id) == []
    office.down = False
    office.extend(request_id, run="run-2", reason="number")
    with pytest.raises(PermanentError, match=r"extension\.already"):
        office.extend(request_id, run="run-1")
    assert [e["reason"] for e in extensions(office, request_id)] == ["number"]
    assert len(office.said) == 1


def test_cut_off_after_the_letter(office: Office, intake: str) -> None:
    """Told once, noted once, by whoever goes on; even when the month has ended meanwhile. Another one can't."""
    request_id = office.ask(intake, "erasure")
    office.cut = "told"
    with pytest.raises(Cut):
        office.extend(request_id)
    assert extensions(office, request_id) == []
    office.cut = ""
    with pytest.raises(PermanentError, match=r"extension\.already"):
        office.extend(request_id, run="run-2")
    for _ in range(2):
        assert office.extend(request_id, at=NOW + timedelta(days=40)) == EXTENDED
    assert len(office.said) == 1
    assert len(extensions(office, request_id)) == 1
    assert [e.detail for e in office.events(request_id) if e.kind == "answered"] == [{"outcome": "extended"}]


def test_cut_off_before_the_ledger(office: Office, intake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    request_id, ledger = office.ask(intake, "erasure"), office.desk.ledger
    append = ledger.append

    def dying(request: str, kind: str, *args: Any, **more: Any) -> Event:
        if kind == "extended":
            raise Cut
        return append(request, kind, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "append", dying)
        with pytest.raises(Cut):
            office.extend(request_id)
    office.extend(request_id)
    assert len(office.said) == 1
    assert len(extensions(office, request_id)) == 1


def test_a_holiday_that_is_made_later_moves_no_day_of_an_open_request(
    office: Office, intake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its table lies in the case; what the library says by then is for new requests."""
    request_id = office.ask(intake, "access")
    frozen = office.desk.cases.open(request_id).read_json("deadlines")
    real = holidays.country_holidays

    def decreed(*args: Any, **more: Any) -> dict[date, str]:
        return dict(real(*args, **more)) | {LATEST: "New", EXTENDED: "New"}

    monkeypatch.setattr(holidays, "country_holidays", decreed)
    assert office.ask(intake, "portability") != request_id
    new = office.desk.cases.open(office.ask(intake, "erasure")).read_json("deadlines")
    assert (new["legal_latest"], new["extended_latest"]) == ("2026-04-08", "2026-06-08")
    assert "2026-04-07" not in frozen["holidays"]
    assert office.extend(request_id) == EXTENDED
    assert office.desk.cases.open(request_id).read_json("deadlines") == frozen
    standing = Standing.of(office.events(request_id))
    assert standing is not None
    assert (standing.legal_latest, standing.deadline) == (LATEST, EXTENDED)


def test_the_list_of_requests_shows_the_day_that_counts(
    office: Office, intake: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An extended request stays open; so does an objection of which only the receipt was answered."""
    extended, plain, examined, done = (
        office.ask(intake, right) for right in ("access", "erasure", "objection", "restriction")
    )
    office.extend(extended)
    office.desk.ledger.append(examined, "answered", {"outcome": "meanwhile"}, at=NOW)
    office.desk.ledger.append(done, "answered", {"outcome": "done"}, at=NOW)
    monkeypatch.setenv("DSR_LEDGER_URL", office.desk.settings.ledger_url)
    monkeypatch.setenv("DSR_MASTER_KEY", base64.b64encode(MASTER).decode())
    for kind, days in (("identity_asked", 1), ("identity_verified", 6)):
        detail = {"outcome": "sent"} if kind == "identity_asked" else {"by": "person", "ok": True}
        office.desk.ledger.append(plain, kind, detail, at=NOW + timedelta(days=days))
    assert main(["requests", "--open"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "2026-06-05  2026-06-05" in lines[extended]
    assert "2026-04-05  2026-04-07" in lines[plain], "a suspension moves no day that is worked by"
    assert examined in lines
    assert done not in lines
    for request_id, shown in ((plain, "2026-04-12"), (examined, None)):
        assert main(["show", request_id, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["suspended_latest"] == shown
    assert main(["show", plain]) == 0
    assert "suspended: until 2026-04-12 by law" in capsys.readouterr().out

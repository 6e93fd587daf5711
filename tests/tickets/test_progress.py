"""A ticket tells how far its request has come: each stage once, the newest only, the same for known and unknown."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ticket_office import EVERY, Office

from dsr.casefile import CaseFile, CaseStore
from dsr.errors import PermanentError, TransientError
from dsr.ledger import Event
from dsr.progress import STAGES, Stage, Teller, Told, stages
from dsr.report.letters import LANGUAGES, catalogue
from dsr.report.progress import note_words
from dsr.settings import Settings

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
RECEIVED = {"channel": "zendesk", "right": "erasure", "received_at": AT.isoformat(), "target": "2026-12-18",
            "legal_latest": "2026-12-21"}  # fmt: skip
SETTINGS = Settings("", "", b"")
SEARCHED = ("source_searched", {"source": "salesforce", "status": "found", "matches": 3})
NOTHING = ("source_searched", {"source": "salesforce", "status": "nothing"})
APPROVED = {"decision": "approve", "choice": "approve", "by": "second"}
PREPARED = {"decision": "prepare", "choice": "approve", "by": "officer"}


def of(*happened: tuple[str, Mapping[str, Any]]) -> list[Event]:
    every = [("request_received", RECEIVED), ("triaged", {"questions": []}), ("run_started", {}), *happened]
    return [Event(n, "dsr-progress", kind, detail, AT, "") for n, (kind, detail) in enumerate(every, 1)]


def codes(events: Sequence[Event]) -> list[str]:
    return [stage.code for stage in stages(events)]


KNOWN = (
    SEARCHED, ("source_extracted", {"rows": 4}), ("planned", {"erase": 3}),
    ("identity_asked", {"outcome": "sent"}), ("identity_asked", {"outcome": "reminded"}),
)  # fmt: skip
UNKNOWN = (NOTHING, ("identity_asked", {"outcome": "unknown"}))


def test_the_way_of_an_erasure() -> None:
    events = of(
        *KNOWN, ("identity_verified", {"by": "person", "ok": True}), ("decision", PREPARED),
        ("extended", {"latest": "2027-02-22", "reason": "number", "by": "officer"}),
        ("answered", {"outcome": "extended"}), ("decision", APPROVED), ("enforced", {}),
        ("answered", {"outcome": "done"}), ("closed", {"outcome": "answered"}),
    )  # fmt: skip
    assert codes(events) == [
        "received", "searched", "identity_asked", "identity_confirmed", "approval", "extended", "under_way", "sent",
        "closed",
    ]  # fmt: skip


def test_nobody_can_tell_known_from_unknown_until_they_have_confirmed() -> None:
    for known, unknown in zip(
        (KNOWN, (*KNOWN, ("answered", {"outcome": "refused"}), ("closed", {"outcome": "answered"}))),
        (UNKNOWN, (*UNKNOWN, ("answered", {"outcome": "nothing_held"}), ("closed", {"outcome": "answered"}))),
        strict=True,
    ):
        assert stages(of(*known)) == stages(of(*unknown))


def test_other_ways() -> None:
    assert codes(of(SEARCHED, ("composed", {}), ("delivered", {}), ("answered", {"outcome": "link"}))) == [
        "received", "searched", "release", "sent",
    ]  # fmt: skip
    assert codes(of(("linked", {"to": "dsr-other000"}), ("answered", {"outcome": "linked"}))) == [
        "received", "joined", "sent",
    ]  # fmt: skip
    assert codes(of(("linked", {"from": "dsr-other000"}), ("failed", {"task": "plan"}))) == ["received", "failed"]
    unclear = [*of()[:1], Event(9, "dsr-progress", "triaged", {"questions": ["right"]}, AT, "")]
    assert codes(unclear) == ["received", "settling"]
    assert codes([Event(1, "legal-holds", "hold_added", {}, AT, "")]) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_stage_has_words_without_a_gap(language: str) -> None:
    words = note_words(SETTINGS)
    for code in STAGES:
        until = datetime(2026, 12, 21, tzinfo=UTC).date() if code in ("received", "extended") else None
        text = words(Stage(code, until), {"request_id": "dsr-progress", "language": language})
        assert text.startswith("dsr (dsr-progress): ")
        assert "{" not in text
        assert ("21 december 2026" in text.lower()) == (until is not None)
    assert set(catalogue(language, "progress")["note"]) == {*STAGES, "frame"}


class Room:
    """An office whose tickets are told how far their requests have come."""

    def __init__(self, office: Office, channel: str = "zendesk", **public: Any) -> None:
        self.office, self.channel = office, channel
        self.ticket = office.systems.open(channel)
        self.case = self.opened(self.ticket)
        self.teller = Teller(
            Told(office.engine), office.ledger, office.cases, office.outbox, note_words(SETTINGS), public
        )
        self.teller.tell_all(office.now)

    def opened(self, ticket: str) -> CaseFile:
        case = self.office.case()
        request = {"request_id": case.case_id, "language": "en", "channel": self.channel, "ticket": {"id": ticket}}
        case.write_json("request", request)
        return case

    def happens(self, kind: str, detail: Mapping[str, Any] | None = None, case: CaseFile | None = None) -> None:
        self.office.ledger.append((case or self.case).case_id, kind, detail or {}, at=self.office.at)

    def told(self, ticket: str = "") -> list[tuple[str, bool]]:
        """What stands in the ticket now, after another look: the beginning of each comment, and who may read it."""
        self.teller.tell_all(self.office.now)
        comments = self.office.systems.comments(self.channel, ticket or self.ticket)
        return [(c.text.partition("): ")[2][:22] or c.text, c.public) for c in comments]


GOT = ("The request is receive", False)
SOUGHT = ("All systems have been ", False)
ASKED = ("Whoever asks is being ", False)
SENT = ("The answer has been gi", False)


@pytest.mark.parametrize("channel", EVERY)
def test_each_stage_once_in_order(channel: str, office: Office) -> None:
    room = Room(office, channel)
    assert room.told() == []
    room.happens("request_received", RECEIVED)
    assert room.told() == room.told() == [GOT]
    room.happens(*SEARCHED)
    room.happens("source_extracted", {"source": "salesforce", "rows": 2})
    assert room.told() == [GOT, SOUGHT]
    room.happens(*SEARCHED)
    room.happens("identity_asked", {"outcome": "sent"})
    assert room.told() == room.told() == [GOT, SOUGHT, ASKED]


def test_what_was_passed_while_the_system_was_down_is_no_news(office: Office) -> None:
    room = Room(office)
    room.happens("request_received", RECEIVED)
    assert room.told() == [GOT]
    office.systems.break_("zendesk", status=503)
    for kind, detail in (SEARCHED, ("identity_asked", {"outcome": "sent"}), ("answered", {"outcome": "refused"})):
        room.happens(kind, detail)
        assert room.told() == [GOT]
    office.systems.mend()
    assert office.pass_(minutes=20) == []
    assert room.told() == [GOT, SENT]


def test_what_happens_between_two_looks_is_told_as_one(office: Office) -> None:
    room = Room(office)
    for kind, detail in (("request_received", RECEIVED), SEARCHED, ("identity_asked", {"outcome": "sent"})):
        room.happens(kind, detail)
    assert room.told() == [ASKED]


def test_the_person_gets_their_words_unless_it_is_over(office: Office) -> None:
    def words(stage: Stage, request: Mapping[str, Any]) -> str:
        return f"We have your request, answer by {stage.until} ({request['language']})"

    room = Room(office, received=words)
    for kind, detail in (("request_received", RECEIVED), SEARCHED):
        room.happens(kind, detail)
    assert room.told() == [("We have your request, answer by 2026-12-21 (en)", True), SOUGHT]
    ended = office.systems.open("zendesk")
    case = room.opened(ended)
    for kind, detail in (("request_received", RECEIVED), ("answered", {"outcome": "nothing_held"})):
        room.happens(kind, detail, case)
    assert room.told(ended) == [SENT]


def test_others_are_told_however_one_of_them_ends(office: Office) -> None:
    """A case file that is gone takes nobody's note; a store that is down stops, and leaves nobody out."""
    room = Room(office)
    later = office.systems.open("zendesk")
    gone, other = room.opened("999"), room.opened(later)
    for case in (gone, room.case, other):
        room.happens("request_received", RECEIVED, case)
    gone.close()

    class Down:
        """A store that fails for one case the first time."""

        def __init__(self) -> None:
            self.fails = [room.case.case_id]

        def open(self, request_id: str) -> CaseFile:
            if request_id in self.fails:
                self.fails.remove(request_id)
                raise TransientError("store.unavailable", "casefile")
            return office.cases.open(request_id)

    teller = room.teller
    room.teller = Teller(teller.told, teller.ledger, Down(), teller.outbox, teller.note, teller.public)  # type: ignore[arg-type]
    with pytest.raises(TransientError):
        room.told()
    assert office.systems.comments("zendesk", later) == []
    assert room.told() == [GOT]
    assert room.told(later) == [GOT]


def test_what_happens_during_a_look_is_seen_by_the_next(office: Office) -> None:
    room = Room(office)
    late = office.systems.open("zendesk")
    case = room.opened(late)

    class Busy:
        """A ledger to which something happens while it is read."""

        def events(self, request_id: str) -> list[Event]:
            if not office.ledger.events(case.case_id):
                room.happens("request_received", RECEIVED, case)
                room.happens(*SEARCHED)
            return office.ledger.events(request_id)

    teller = room.teller
    room.happens("request_received", RECEIVED)
    busy = Teller(teller.told, Busy(), teller.cases, teller.outbox, teller.note, {})  # type: ignore[arg-type]
    busy.tell_all(office.now)
    assert room.told() == [SOUGHT]
    assert room.told(late) == [GOT]


def test_a_case_that_can_t_be_read_now_is_told_once_it_can(office: Office, tmp_path: Path) -> None:
    """A wrong key is no case that is gone: what would be passed over would never be told."""
    room, right = Room(office), office.cases
    room.happens("request_received", RECEIVED)
    wrong = CaseStore(str(tmp_path), bytes(31) + b"x")
    with pytest.raises(PermanentError, match=r"key\.refused"):
        replace(room.teller, cases=wrong).tell_all(office.now)
    assert room.teller.cases is right
    assert room.told() == [GOT]


def test_nothing_is_read_when_nothing_has_happened(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(office)
    monkeypatch.setattr(type(office.ledger), "events", lambda *_: pytest.fail("the ledger was read"))
    assert room.teller.tell_all(office.now) == 0


def test_a_thousand_requests_that_were_there_before(office: Office) -> None:
    """What was told is by request; the look at what is new takes no longer for it."""
    told = Told(office.engine)
    room = Room(office)
    before = [(f"dsr-old{n:05}", n) for n in range(3)]
    for request_id, _ in before:
        office.ledger.append(request_id, "request_received", RECEIVED, at=office.at - timedelta(days=90))
    assert [row[0] for row in told.changed()] == [request_id for request_id, _ in before]
    assert room.told() == []
    assert told.changed() == []

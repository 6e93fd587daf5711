"""What a person is to be told whose request came without a ticket system: kept in the case file until an officer has
sent it, and only then told.

A text may hold a code. So each look is an event, and once the officer notes that it is sent it leaves the case file.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from dsr import correspondence
from dsr.casefile import CaseFile
from dsr.channels.staff import NAME, WAYS
from dsr.channels.ticket import Answer
from dsr.errors import PermanentError
from dsr.ledger import Event, Ledger
from dsr.standing import KEPT, RECEIVED, SENT, unsent

ENTERED: Final = "request_entered"
"""Kind of the event that says who entered a request, and how it had come: {"by", "way"}."""
VIEWED: Final = "answer_viewed"
"""Kind of the event of a look: {"answers": their numbers, "by"}."""
NOT_SENT: Final = "not_sent"
"""In place of a way: it needn't be sent any more, another one says it."""
_FOLDER: Final = "letterbox/"
_PLACE: Final = "letterbox"


@dataclass(frozen=True)
class Letter:
    """A text for a person. `number`: from 1, in the order in which they came. `closes`: it ends the request. `text`: ""
    once it is sent, or gone with the case file. `sent_on`, `way`, `by`: as the officer noted; None and "" = not yet."""

    number: int
    at: datetime
    closes: bool
    text: str = field(default="", repr=False)
    sent_on: date | None = None
    way: str = ""
    by: str = ""


def by_officer(events: Sequence[Event]) -> bool:
    """Whether an officer entered the request, so that there is no ticket."""
    return any(event.kind == RECEIVED and event.detail.get("channel") == NAME for event in events)


def keep(case: CaseFile, answer: Answer, ledger: Ledger) -> None:
    """Puts an answer where the officer finds it, with the event `answer_kept`; the same one again changes nothing."""
    names = case.names(_FOLDER)
    known = {case.read_json(name)["answer_id"]: _number(name) for name in names}
    number = known.get(answer.answer_id) or len(names) + 1
    if answer.answer_id not in known:
        kept = {name: getattr(answer, name) for name in ("answer_id", "text", "kind", "secrets")}
        case.write_json(f"{_FOLDER}{number:04}", kept)
    events = ledger.events(case.case_id)
    if not any(event.kind == KEPT and event.detail["answer"] == number for event in events):
        ledger.append(case.case_id, KEPT, {"answer": number, "closes": answer.close}, at=answer.at)


def letters(events: Sequence[Event], case: CaseFile | None) -> list[Letter]:
    """The letters of one request by its events, oldest first, with the texts that the case file still has; None = it is
    gone."""
    texts = {_number(n): str(case.read_json(n)["text"]) for n in case.names(_FOLDER)} if case else {}
    sent = {event.detail["answer"]: event for event in events if event.kind == SENT}
    found = []
    for event in events:
        if event.kind == KEPT:
            number, closes = event.detail["answer"], event.detail["closes"]
            letter = Letter(number, event.at, closes, texts.get(number, ""))
            if number in sent:
                noted = sent[number].detail
                letter = Letter(
                    number, event.at, closes, "", date.fromisoformat(noted["on"]), noted["way"], noted["by"]
                )
            found.append(letter)
    return found


def note_sent(
    request_id: str, number: int, case: CaseFile | None, ledger: Ledger, *, on: date, way: str, by: str, at: datetime
) -> None:
    """An officer says that a letter was sent on that day, one of `WAYS`, or `NOT_SENT`; its text leaves the case file,
    but for a copy without secrets of what was sent. Once: a second note changes nothing.
    PermanentError("letter.unknown"), ("letter.way")."""
    if way not in (*WAYS, NOT_SENT):
        raise PermanentError("letter.way", _PLACE)
    events = ledger.events(request_id)
    if not any(event.kind == KEPT and event.detail["answer"] == number for event in events):
        raise PermanentError("letter.unknown", _PLACE)
    if number in unsent(events):
        detail = {"answer": number, "on": on.isoformat(), "way": way, "by": by}
        ledger.append(request_id, SENT, detail, at=at)
    name = f"{_FOLDER}{number:04}"
    if case is not None and case.exists(name):
        kept = case.read_json(name)
        if kept["text"] and way != NOT_SENT:
            copy = correspondence.blanked(kept["text"], kept["secrets"])
            correspondence.keep(case, ledger, kept["kind"], "hand", copy, at)
        case.write_json(name, {**kept, "text": "", "secrets": []})


def _number(name: str) -> int:
    return int(name.removeprefix(_FOLDER))

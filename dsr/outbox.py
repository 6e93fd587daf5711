"""The outbox: what is to be written into a request's ticket, in order, each once. A ticket system that is down holds no
run; what could not be written waits in the case file, since it may hold a code, and is written later.

    outbox/<number>     what waits, the lowest number first; with it whether an attempt was begun
    sent/<digest>       {"text"}: what was written, by the digest of its id; the digest of its text

An attempt is put down before it is made. If nobody knows how it ended, the ticket itself is asked (`Channel.answer`).
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from dsr import correspondence
from dsr.casefile import GONE, CaseFile, CaseStore
from dsr.channels.ticket import Answer
from dsr.errors import DsrError, PermanentError, TransientError
from dsr.ledger import Ledger
from dsr.waiting import LIMITED, Waiting, WaitingRequests

Send = Callable[[Answer, int | None], None]
"""Writes into the ticket; see `Channel.answer` for the number."""

log = logging.getLogger("dsr")

GIVEN: Final = "given_by_hand"
"""Kind of the event that an answer was given to the person in another way: {"by", "kind"}."""
_QUEUE: Final = "outbox/"
_SENT: Final = "sent/"
_SHORTEST: Final = timedelta(minutes=1)
_LONGEST: Final = timedelta(minutes=15)
_HELD_FOR: Final = timedelta(hours=1)
"""How long what a person has to see to is left alone."""
_THIS_TICKET: Final = ("http.400", "http.404", "http.410", "http.422", "answer.by_hand", "callback.refused")
"""Errors that say nothing about other tickets of the system."""
_DOWN_AFTER: Final = 3


@dataclass(frozen=True)
class Outbox:
    """All outboxes. `alone`: a block in which nobody else is at that request's outbox."""

    waiting: WaitingRequests
    ledger: Ledger
    send: Send
    alone: Callable[[str], AbstractContextManager[None]]

    def post(self, case: CaseFile, answer: Answer, at: datetime) -> str:
        """Puts an answer into the outbox and writes at once all that waits there. "" when all is written, else the code
        of what is in the way: the rest is written later. Raises for our own storage only."""
        with self.alone(case.case_id):
            self._put(case, answer, at)
            return self._deliver(case, at)

    def put(self, case: CaseFile, answer: Answer, at: datetime) -> None:
        """Puts an answer into the outbox, for who writes into tickets to find."""
        with self.alone(case.case_id):
            self._put(case, answer, at)

    def deliver(self, case: CaseFile, at: datetime) -> str:
        """Writes what waits. As `post`."""
        with self.alone(case.case_id):
            return self._deliver(case, at)

    def deliver_all(self, cases: CaseStore, now: Callable[[], datetime], *, at_once: bool = False) -> list[Waiting]:
        """Writes what is due in all outboxes; those that were tried and still wait. `at_once`: what is not due too. A
        system that fails for several tickets one after the other is left alone for this time."""
        failed: Counter[str] = Counter()
        left = []
        for waiting in self.waiting.all():
            at = now()
            if (waiting.due > at and not at_once) or failed[waiting.channel] >= _DOWN_AFTER:
                continue
            called = True
            try:
                code = self.deliver(cases.open(waiting.request_id), at)
            except PermanentError as error:
                code, called = error.code, False
                self._out_of_reach(waiting, code, at)
            still = self.waiting.one(waiting.request_id)
            if code and still is not None:
                left.append(still)
            if called and code not in _THIS_TICKET:
                failed[waiting.channel] = failed[waiting.channel] + 1 if code else 0
        return left

    def given(self, case: CaseFile, by: str, at: datetime) -> int:
        """The person was given all that waits in another way, as `by` (a code) says: a copy is kept, the ledger says
        so, and the ticket doesn't get it any more; how many texts. Notes that wait are written as soon as they can."""
        with self.alone(case.case_id):
            count = 0
            for name in case.names(_QUEUE):
                answer = _answer(case.read_json(name))
                if answer.public:
                    self.ledger.append(case.case_id, GIVEN, {"by": by, "kind": answer.kind}, at=at)
                    self._keep(case, answer, "hand", at)
                    case.remove(name)
                    count += 1
            if case.names(_QUEUE):
                self.waiting.put_off(case.case_id, at, "", held=False, answer=False)
            else:
                self.waiting.leave(case.case_id)
            return count

    def given_up(self, request_id: str, by: str, at: datetime) -> None:
        """As `given`, where the case file is gone and what waited with it: somebody has answered from the ledger."""
        with self.alone(request_id):
            if self.waiting.one(request_id) is not None:
                self.ledger.append(request_id, GIVEN, {"by": by, "kind": "lost"}, at=at)
                self.waiting.leave(request_id)

    def _put(self, case: CaseFile, answer: Answer, at: datetime) -> None:
        """Unless it was before. A note takes the place of notes that wait: only the newest is news."""
        queued = {name: _answer(case.read_json(name)) for name in case.names(_QUEUE)}
        if answer.answer_id in {a.answer_id for a in queued.values()} or case.exists(_mark(answer)):
            return
        # Known to wait before it does: what nobody knows of is never written.
        self.waiting.enter(case.case_id, answer.channel, at, answer=answer.public)
        callbacks = tuple(case.read_json("request")["ticket"].get("callbacks", ()))
        kept = _as_json(replace(answer, callbacks=callbacks))
        last = max((int(name.removeprefix(_QUEUE)) for name in queued), default=0)
        case.write_json(f"{_QUEUE}{last + 1:06}", {"answer": kept, "begun": False})
        for name, other in queued.items():
            if not (answer.public or other.public):
                case.remove(name)

    def _deliver(self, case: CaseFile, at: datetime) -> str:
        waiting = self.waiting.one(case.case_id)
        if waiting is None:
            return ""
        limited = self.waiting.limited_until(waiting.channel, at)
        if limited is not None:
            if waiting.due < limited:
                code = waiting.code or LIMITED
                self.waiting.put_off(case.case_id, limited, code, held=waiting.held, answer=waiting.answer)
            return LIMITED
        for name in case.names(_QUEUE):
            entry = case.read_json(name)
            answer, before = _answer(entry), _before(case, entry)
            if case.exists(_mark(answer)):  # who noted it as written was cut off before it left the queue
                case.remove(name)
                continue
            case.write_json(name, entry | {"begun": True})
            try:
                self.send(replace(answer, at=at), before)  # signatures are about when it is sent
            except DsrError as error:
                if answer.public or isinstance(error, TransientError):
                    untold = any(left.public for left in waiting_in(case))
                    self._put_off(waiting, error, at, untold=untold)
                    return error.code
                log.warning("%s: a note could not be written: %s", case.case_id, error.code)
            else:
                self._keep(case, answer, "ticket", at)
            case.remove(name)
        self.waiting.leave(case.case_id)
        return ""

    def _out_of_reach(self, waiting: Waiting, code: str, at: datetime) -> None:
        """Notes that are gone with their case file are nobody's loss; all else a person has to see to."""
        if code in GONE and not waiting.answer:
            self.waiting.leave(waiting.request_id)
        else:
            self.waiting.put_off(waiting.request_id, at + _HELD_FOR, code, held=True, answer=waiting.answer)

    def _put_off(self, waiting: Waiting, error: DsrError, at: datetime, *, untold: bool) -> None:
        held = not isinstance(error, TransientError)
        wait = _HELD_FOR if held else min(_SHORTEST * 2 ** min(waiting.tries, 10), _LONGEST)
        asked = getattr(error, "retry_after", None)
        due = at + (wait if asked is None else asked)
        self.waiting.put_off(waiting.request_id, due, error.code, held=held, answer=untold)

    def _keep(self, case: CaseFile, answer: Answer, way: str, at: datetime) -> None:
        """Notes it as written; of what the person reads, a copy too."""
        if answer.public:
            copy = correspondence.blanked(answer.text, answer.secrets)
            correspondence.keep(case, self.ledger, answer.kind, way, copy, at)
        case.write_json(_mark(answer), {"text": _digest(answer.text)})


def waiting_in(case: CaseFile) -> list[Answer]:
    """What waits in that case, the first first."""
    return [_answer(case.read_json(name)) for name in case.names(_QUEUE)]


def _before(case: CaseFile, entry: Mapping[str, Any]) -> int | None:
    """How many times the ticket surely has this text; None when no attempt at it was begun."""
    if not entry["begun"]:
        return None
    text = _digest(entry["answer"]["text"])
    return sum(bool(case.read_json(name)["text"] == text) for name in case.names(_SENT))


def _mark(answer: Answer) -> str:
    return f"{_SENT}{_digest(answer.answer_id)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _as_json(answer: Answer) -> dict[str, Any]:
    return asdict(answer) | {"at": answer.at.isoformat()}


def _answer(entry: Mapping[str, Any]) -> Answer:
    kept = entry["answer"]
    lists = {name: tuple(kept[name]) for name in ("secrets", "callbacks")}
    return Answer(**{**kept, "at": datetime.fromisoformat(kept["at"]), **lists})


def by_hand(answer: Answer, before: int | None = None) -> None:
    """A `Send` that writes nowhere: somebody has to give it to the person."""
    del before
    raise PermanentError("answer.by_hand", answer.channel)

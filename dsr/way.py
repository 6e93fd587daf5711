"""The way of a request through the steps of its right, as its events in the ledger tell it: what is done, where it is,
whom it waits for.

Airflow knows more of this moment, such as which task runs; the ledger knows every request, those of years ago too.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from dsr.ledger import Event
from dsr.standing import KEPT, SENT, identified, is_final, right_of, unsent
from dsr.triage import DECISION, TRIAGED, linked_to

DONE: Final = "done"
HERE: Final = "here"
FAILED: Final = "failed"
SKIPPED: Final = "skipped"
AHEAD: Final = "ahead"
STATES: Final = (DONE, HERE, FAILED, SKIPPED, AHEAD)
"""Of a step. skipped: this request didn't need it, or ended before it; ahead: not reached yet."""

PERSON: Final = "person"
OFFICER: Final = "officer"
OPERATOR: Final = "operator"
SOURCE: Final = "source"
DAY: Final = "day"
WAITS: Final = (PERSON, OFFICER, OPERATOR, SOURCE, DAY)
"""Whom a request waits for: the person, to say that it is them; an officer, to decide; an operator, to mend what has
failed; a source that can't be read, or deletes later; a day that was announced. "" = nobody, it is being worked on."""

_STOPPED: Final = ("stop", "reject")
_ENDED: Final = {"stopped": "stopped", "rejected": "stopped", "swept": FAILED, "failed": FAILED}
"""Outcomes of the event `shredded` after which nobody goes on by themselves."""
_AFTER_SEARCH: Final = frozenset({
    "source_extracted", "source_failed", "decision", "composed", "released", "delivered", "transmitted",
    "transmission_failed", "planned", "prepared", "approved", "enforced", "restricted", "lift_announced", "lifted",
    "verified", "certified", "refused", "answered", "failed", "shredded", "closed",
})  # fmt: skip
"""Kinds of events that say that the search is over."""
_GOES_ON: Final = _AFTER_SEARCH | {"source_searched", "suppressed", "identity_asked", "run_started"}
"""Kinds of events that say how far its run is; one of them after a failure says that it was mended."""


@dataclass(frozen=True)
class Step:
    """One step of a way. `key`: a code, see `report.event_words`; `state`: one of STATES; `at`: when it was done,
    aware; None = it isn't."""

    key: str
    state: str
    at: datetime | None = None


@dataclass(frozen=True)
class Way:
    """steps    in order
    place    key of the step where it is; "" once it is closed
    waits    one of WAITS, or ""
    sources  by name, those that it waits for
    stopped  an officer has ended its run without an answer: answering is theirs
    failed   the task that its run failed in; "" = it didn't
    """

    steps: tuple[Step, ...]
    place: str
    waits: str
    sources: tuple[str, ...] = ()
    stopped: bool = False
    failed: str = ""


class _Mark(NamedTuple):
    """A step that may be done: by which event, and whom it waits for until then."""

    key: str
    event: Event | None
    waits: str = ""


def way(events: Sequence[Event]) -> Way:
    """From the events of one request that was received, oldest first."""
    known = _Known(events)
    marks = _marks(known)
    last = max(n for n, mark in enumerate(marks) if mark.event is not None and known.counts(mark.event))
    waiting = bool(unsent(events))
    closed = known.last("closed", everywhere=True) is not None and not waiting
    here = None if closed else next((n for n, m in enumerate(marks) if n > last and m.event is None), None)
    ended, where = known.ended()
    steps = []
    for number, mark in enumerate(marks):
        if mark.event is not None:
            state = DONE
        elif number == here:
            state = FAILED if ended else HERE
        else:
            state = SKIPPED if closed or number < last else AHEAD
        steps.append(Step(mark.key, state, mark.event.at if mark.event else None))
    if here is None:
        return Way(tuple(steps), "", "")
    if ended:
        stopped = ended == "stopped"
        return Way(tuple(steps), marks[here].key, OFFICER if stopped else OPERATOR, (), stopped, where)
    sources = (
        known.missing()
        if marks[here].key == "incomplete"
        else known.scheduled()
        if marks[here].key == "enforce"
        else ()
    )
    waits = SOURCE if sources and marks[here].key == "enforce" else OFFICER if waiting else marks[here].waits
    return Way(tuple(steps), marks[here].key, waits, sources)


class _Known:
    """The events of a request, and which of them belong to the present round: an officer may want another plan, and a
    run that failed is started over."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = events
        self.right = right_of(events)
        start = _round(events)
        self.round = events[start:]
        self._since = events[start].seq if self.round else events[-1].seq + 1

    def last(self, *kinds: str, everywhere: bool = False) -> Event | None:
        """The last event of these kinds."""
        return next((e for e in reversed(self.events if everywhere else self.round) if e.kind in kinds), None)

    def decided(self, decision: str, *, but: Collection[str] = (), everywhere: bool = False) -> Event | None:
        """The last word in this decision, unless it was one of `but`."""
        among = self.events if everywhere else self.round
        word = next((e for e in reversed(among) if e.kind == "decision" and e.detail["decision"] == decision), None)
        return None if word is None or word.detail.get("choice") in but else word

    def counts(self, event: Event) -> bool:
        """Whether the way has come as far as this event: one of an earlier round says so only of what came before all
        of them."""
        return event.seq >= self._since or event.kind == "request_received" or _about_triage(event)

    def answered(self) -> Event | None:
        """The answer proper."""
        return next((e for e in self.events if is_final(e)), None)

    def missing(self) -> tuple[str, ...]:
        """Sources that could not be searched or read, and about which nobody has decided since."""
        names: dict[str, None] = {}
        for event in self.round:
            if event.kind == "source_failed" or (
                event.kind == "source_searched" and event.detail.get("status") in ("failed", "not_connected")
            ):
                names[str(event.detail["source"])] = None
            elif event.kind == "decision" and event.detail["decision"] in ("incomplete", "review"):
                names.clear()
        return tuple(names)

    def scheduled(self) -> tuple[str, ...]:
        """Sources that carry out later what they were told, and haven't yet."""
        last: dict[str, tuple[int, bool]] = {}
        for event in self.round:
            if event.kind == "enforced":
                attempt, later = event.detail.get("attempt", 0), event.detail.get("outcome") == "scheduled"
                before = last.get(event.detail["source"], (attempt, False))
                last[event.detail["source"]] = (attempt, later or (before[1] and before[0] == attempt))
        return tuple(name for name, (_, later) in last.items() if later)

    def ended(self) -> tuple[str, str]:
        """("stopped" | "failed", task), or ("", "") while its run goes on."""
        tail = [e for e in self.round if e.kind in _GOES_ON]
        last = tail[-1] if tail else None
        failed = self.last("failed")
        where = str(failed.detail.get("task", "")) if failed else ""
        if last is not None and last.kind == "shredded":
            return _ENDED.get(str(last.detail.get("outcome")), ""), where
        if last is not None and last.kind == "failed":
            return FAILED, where
        return ("stopped", "") if last is not None and last.detail.get("choice") in _STOPPED else ("", "")


def _round(events: Sequence[Event]) -> int:
    start, searched = 0, False
    for number, event in enumerate(events):
        if event.kind == "decision" and event.detail.get("choice") == "plan_anew":
            start, searched = number + 1, False
        elif event.kind == "source_searched" and searched:
            start, searched = number, False
        elif event.kind in _AFTER_SEARCH and not _about_triage(event):
            searched = True
    return start


def _about_triage(event: Event) -> bool:
    return event.kind == "decision" and event.detail["decision"] == DECISION


def _marks(known: _Known) -> list[_Mark]:
    marks = [_Mark("receive", known.last("request_received", everywhere=True))]
    closed = known.last("closed", everywhere=True)
    close = [_Mark("close", closed)]
    if closed is not None and known.last(KEPT, everywhere=True):
        # Whoever has no ticket hasn't had their answer before an officer has sent it.
        close.append(_Mark("send", None if unsent(known.events) else known.last(SENT, everywhere=True), OFFICER))
    if linked_to(known.events):
        return [*marks, _Mark("join", closed), *close]
    triaged = known.last(TRIAGED, everywhere=True)
    settled = known.decided(DECISION, everywhere=True)
    if settled is not None or (triaged is not None and triaged.detail["questions"]):
        marks.append(_Mark("settle", settled, OFFICER))
    if settled is not None and settled.detail["choice"] != "take":
        return [*marks, _Mark("answer", known.last("answered", "referred", "refused", everywhere=True)), *close]
    marks.append(_Mark("search", known.last("source_searched")))
    if known.right in ("access", "portability"):
        marks += _disclosing(known)
    elif known.right != "unclear":
        marks += _changing(known)
    return [*marks, *close]


def _disclosing(known: _Known) -> list[_Mark]:
    read = known.last("source_extracted", "composed") or known.decided("incomplete")
    marks = [_Mark("read", read)]
    if known.missing() or known.decided("incomplete"):
        decided = known.decided("incomplete", but=("stop",)) if not known.missing() else None
        marks.append(_Mark("incomplete", decided, OFFICER))
    composed = known.last("composed")
    marks += [
        _Mark("review", known.decided("review", but=("stop",)), OFFICER),
        _Mark("compose", composed),
        _Mark("release", known.decided("release", but=("reject",)), OFFICER),
        _Mark("deliver", known.last("delivered", "refused") or known.answered()),
    ]
    if composed is not None and "transmit_to" in composed.detail:
        marks.append(_Mark("transmit", known.last("transmitted", "transmission_failed")))
    return marks


def _changing(known: _Known) -> list[_Mark]:
    marks = [_Mark("plan", known.last("planned"))]
    suppressed = _Mark("suppress", known.last("suppressed", everywhere=True))
    if known.right in ("objection", "withdrawal"):
        marks.insert(0, suppressed)
    else:
        no = ("stop", "reject", "plan_anew")
        marks += [
            _identity(known),
            _Mark("prepare", known.decided("prepare", but=no), OFFICER),
            _Mark("approve", known.decided("approve", but=no), OFFICER),
        ]
    if known.right in ("erasure", "restriction"):
        marks.append(suppressed)
    verified = known.last("verified")
    good = verified if verified is not None and verified.detail.get("ok") is True else None
    told = known.last("certified")
    marks += [
        _Mark("enforce", known.last("enforced", "restricted") if verified else None),
        _Mark("verify", good, OPERATOR if verified else ""),
        _Mark("notify", told and (_notified(known) or told)),
        _Mark("answer", known.last("answered", "refused", everywhere=True)),
    ]
    return marks + _afterwards(known)


def _notified(known: _Known) -> Event | None:
    """The last word about recipients of what was changed; that a restriction has ended is told them after it."""
    notices = (e for e in reversed(known.round) if e.kind in ("notified", "notice_failed"))
    return next((e for e in notices if e.detail.get("kind") != "lifted"), None)


def _identity(known: _Known) -> _Mark:
    asked = [e.detail.get("outcome") for e in known.events if e.kind == "identity_asked"]
    asked = [outcome for outcome in asked if outcome != "reminded"]
    verified = known.last("identity_verified", everywhere=True) if identified(known.events) else None
    waits = "" if not asked else PERSON if asked[-1] in ("sent", "unknown", "unknown_undeliverable") else OFFICER
    return _Mark("identity", verified, waits)


def _afterwards(known: _Known) -> list[_Mark]:
    """What follows the answer where data stays restricted until somebody decides."""
    if known.right == "restriction":
        decision = "lift"
    elif any(e.kind == "answered" and e.detail.get("outcome") == "meanwhile" for e in known.events):
        decision = "objection"
    else:
        return []
    word = known.decided(decision)
    marks = [_Mark(f"decide_{decision}", word, OFFICER)]
    if word is not None and word.detail["choice"] in ("lift", "refuse"):
        announced, lifted = known.last("lift_announced"), known.last("readmitted", "lifted")
        marks += [_Mark("announce", announced), _Mark("lift", lifted, DAY)]
    return marks

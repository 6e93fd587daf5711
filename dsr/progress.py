"""How far a request has come, as its ticket tells it: stages, by its events in the ledger.

The stages of a request only ever get more. A ticket is told the newest, once; what was passed meanwhile is no news.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Engine, func, select
from sqlalchemy.dialects.postgresql import insert

from dsr.casefile import GONE, CaseStore
from dsr.channels.ticket import Answer
from dsr.database import transaction
from dsr.errors import PermanentError
from dsr.ledger import Event, Ledger
from dsr.outbox import Outbox
from dsr.standing import EXTENDED, Standing, is_final
from dsr.tables import events as ledger_events
from dsr.tables import told_stages
from dsr.triage import LINKED, TRIAGED

STAGES: Final = (
    "received", "settling", "searched", "identity_asked", "identity_confirmed", "approval", "under_way", "release",
    "extended", "failed", "joined", "referred", "sent", "closed",
)  # fmt: skip
"""settling: a person has to see first what it is about; approval, release: an officer has to agree to what was
prepared; under_way: it is carried out; failed: something broke, and somebody looks into it; sent: the answer is given.
None of them says whether the person is known, as far as it doesn't follow from what was approved."""
ENDS: Final = ("joined", "referred", "sent", "closed")
_PLACE: Final = "progress"


@dataclass(frozen=True)
class Stage:
    """One of `STAGES`. `until`: the last day by law, in the controller's zone; None where the stage names none."""

    code: str
    until: date | None = None


Words = Callable[[Stage, Mapping[str, Any]], str]
"""A stage and the request of its case → what the ticket says; "" = nothing."""


def stages(events: Sequence[Event]) -> list[Stage]:
    """The stages that a request with these events, oldest first, has reached, each once, in the order in which it did;
    [] for what is no request."""
    reached: dict[str, Stage] = {}
    for event in events:
        code = _code(event)
        if code:
            reached.setdefault(code, Stage(code, _until(event, code)))
    return list(reached.values()) if "received" in reached else []


def _code(event: Event) -> str:
    kind, detail = event.kind, event.detail
    if kind == "decision":
        agreed = {("prepare", "approve"): "approval", ("approve", "approve"): "under_way"}
        return agreed.get((str(detail.get("decision")), str(detail.get("choice"))), "")
    told: dict[str, bool] = {
        "settling": kind == TRIAGED and bool(detail.get("questions")),
        "identity_asked": kind == "identity_asked" and detail.get("outcome") != "reminded",
        "identity_confirmed": kind == "identity_verified" and detail.get("ok", True) is True,
        "joined": kind == LINKED and "to" in detail,
        "sent": is_final(event),
        "closed": kind == "closed" and detail.get("outcome") != "ended",
    }
    plain = {
        "request_received": "received", "source_searched": "searched", "composed": "release", EXTENDED: "extended",
        "failed": "failed", "referred": "referred",
    }  # fmt: skip
    return next((code for code, is_it in told.items() if is_it), plain.get(kind, ""))


def _until(event: Event, code: str) -> date | None:
    latest = {"received": "legal_latest", "extended": "latest"}.get(code)
    return date.fromisoformat(event.detail[latest]) if latest else None


class Told:
    """How many stages each ticket was told, or passed over, in the database behind `engine`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def changed(self) -> list[tuple[str, int, int]]:
        """Of each request to which something has happened since it was looked at: its id, the number of its last event,
        how many stages were told. The least recent first; [] when nothing has happened anywhere."""
        e, t = ledger_events.c, told_stages.c
        with transaction(self._engine, _PLACE) as connection:
            seen = connection.execute(select(func.coalesce(func.max(t.seq), 0))).scalar_one()
            last = func.max(e.seq)
            new = select(e.request_id, last.label("seq")).where(e.seq > seen).group_by(e.request_id).subquery()
            query = (
                select(new.c.request_id, new.c.seq, func.coalesce(t.stages, 0))
                .outerjoin(told_stages, t.request_id == new.c.request_id)
                .order_by(new.c.seq)
            )
            return [(row[0], row[1], row[2]) for row in connection.execute(query)]

    def note(self, request_id: str, count: int, seq: int) -> None:
        """So many stages were told by the event of that number. To be called in the order of `changed`."""
        row = {"request_id": request_id, "stages": count, "seq": seq}
        statement = insert(told_stages).values(row)
        with transaction(self._engine, _PLACE) as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["request_id"], set_=row))


@dataclass(frozen=True)
class Teller:
    """Tells tickets how far their requests have come. `note`: for those who work on tickets; `public`: for the person,
    by stage."""

    told: Told
    ledger: Ledger
    cases: CaseStore
    outbox: Outbox
    note: Words
    public: Mapping[str, Words]

    def tell_all(self, now: Callable[[], datetime]) -> int:
        """Every ticket whose request has come further; how many were told. Errors of our own storage are passed on:
        what comes after is told the next time."""
        count = 0
        for request_id, seq, before in self.told.changed():
            events = self.ledger.events(request_id)
            reached, standing = stages(events), Standing.of(events)
            if standing is not None and len(reached) > before:
                count += self._tell(standing, reached[before:], now())
            self.told.note(request_id, max(len(reached), before), seq)
        return count

    def _tell(self, standing: Standing, new: Sequence[Stage], at: datetime) -> bool:
        until = standing.deadline
        try:
            case = self.cases.open(standing.request_id)
            request = case.read_json("request")
        except PermanentError as error:
            if error.code not in GONE:
                raise
            return False  # and with it the ticket's number
        ended = any(stage.code in ENDS for stage in new)
        worded = [stage for stage in new if stage.code in self.public]
        if worded and not ended:
            text = self.public[worded[-1].code](worded[-1], request)
            if text:
                self.outbox.post(case, _answer(request, worded[-1], text, until, at, public=True), at)
        text = self.note(new[-1], request)
        if text:
            self.outbox.post(case, _answer(request, new[-1], text, until, at, public=False), at)
        return True


def _answer(request: Mapping[str, Any], stage: Stage, text: str, until: date, at: datetime, *, public: bool) -> Answer:
    what = "progress" if public else "note"
    return Answer(
        request_id=request["request_id"],
        answer_id=f"{request['request_id']}-{what}-{stage.code}",
        channel=request["channel"],
        ticket_id=request["ticket"]["id"],
        text=text,
        close=False,
        at=at,
        kind=stage.code,
        public=public,
        stage=stage.code,
        until=until.isoformat(),
    )

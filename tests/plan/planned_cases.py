"""Cases that were searched and read, with real datasets and made-up records; a ledger in memory."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from dsr import approval, ledger, rows, schema
from dsr.assessing import Law
from dsr.casefile import CaseFile, CaseStore
from dsr.collected import Collected
from dsr.holds import HoldsInForce
from dsr.ledger import Event
from dsr.model import Found, Identifier, Match, Outcome
from dsr.plan import PlanSummary
from dsr.register import Register
from dsr.search import SearchResult, found_as_json
from dsr.selection import Approval, Selection
from dsr.source import Declaration
from dsr.steps import assess
from dsr.steps import plan as step
from dsr.unchanged import ACTING
from extractors import SOURCES

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
STOCKHOLM = ZoneInfo("Europe/Stockholm")
REQUEST_ID = "dsr-abcdefghijklmnopqrstuvwxyz"
REGISTER = Register.load()
DECLARED = {source.declaration.name: source.declaration for source in SOURCES}
DECLARATIONS = [replace(DECLARED[name], erase_after=()) for name in ("salesforce", "invoicing")]
LAW = Law(assess.plan_rows, assess.bonds_of)
ASA = Identifier("email", "asa@kvarn.example")
KEY = b"h" * 32

Records = dict[str, dict[str, dict[str, Any]]]
"""dataset → record id → fields."""


def held() -> dict[str, Records]:
    """What two systems hold of a person: source → dataset → records."""
    issued = {"issued_at": "2025-02-03", "booked_at": "2025-02-03T10:00:00Z", "fiscal_year_end": "2025-12-31"}
    return {
        "salesforce": {
            "salesforce_contact": {"003A": {"Email": "asa@kvarn.example", "LastName": "Ek", "Phone": "1"}},
            "salesforce_task": {"00T1": {"Subject": "Ring Åsa"}, "00T2": {"Subject": "Skicka offert"}},
            "salesforce_contact_history": {"017A": {"Field": "Email"}},
        },
        "invoicing": {
            "invoicing_contact": {"7": {"contact_id": 7, "email": "asa@kvarn.example", "family_name": "Ek"}},
            "invoicing_invoice": {
                "1": {"invoice_id": 1, **issued},
                "2": {"invoice_id": 2, "status": "draft"},
            },
            "invoicing_payment": {
                "11": {"payment_id": 11, "invoice_id": 1},
                "12": {"payment_id": 12, "invoice_id": 2},
            },
        },
    }


PERSONS = {"salesforce": ("salesforce_contact", "003A"), "invoicing": ("invoicing_contact", "7")}


def request(right: str = "erasure", **more: Any) -> dict[str, Any]:
    """A request as the case file keeps it."""
    return {
        "request_id": REQUEST_ID,
        "right": right,
        "received_at": "2026-11-20T08:00:00Z",
        "subject": {"email": "asa@kvarn.example"},
        **more,
    }


def new_case(folder: Path) -> CaseFile:
    """An empty case in a folder of its own."""
    return CaseStore(str(folder / secrets.token_hex(4)), bytes(32)).create(REQUEST_ID)


def read_case(
    folder: Path, data: Mapping[str, Records] | None = None, asked: Mapping[str, Any] | None = None, size: int = 1000
) -> CaseFile:
    """A case after `collect`; `size`: records per batch."""
    case = new_case(folder)
    case.write_json("request", dict(asked or request()))
    put(case, held() if data is None else data, size)
    return case


def put(case: CaseFile, data: Mapping[str, Records], size: int = 1000) -> None:
    """What `identify` and `collect` leave."""
    for declaration in DECLARATIONS:
        name = declaration.name
        its = data.get(name, {})
        case.remove(f"rows/{name}/")
        status = "found" if any(its.values()) else "none"
        case.write_json(f"search/{name}", SearchResult(name, status, AT, 1).as_json())
        case.write_json(f"found/{name}", found_as_json(found(name, its)))
        with rows.RowsWriter(case, name) as writer:
            for dataset, records in its.items():
                for batch in batches(dataset, records, size):
                    writer.add(dataset, batch)
        case.write_json(f"collected/{name}", Collected(name, status, AT, writer.counts()).as_json())


def found(source: str, its: Records) -> Found:
    """The person's own record, when the source has it."""
    dataset, record_id = PERSONS[source]
    if record_id not in its.get(dataset, {}):
        return Found(source)
    return Found(source, (Match(REQUEST_ID, dataset, record_id, frozenset({ASA}), frozenset({ASA}), "Åsa Ek"),))


def batches(dataset: str, records: Mapping[str, Mapping[str, Any]], size: int = 1000) -> Iterator[pa.RecordBatch]:
    """Records in batches."""
    listed = list(records.items())
    for start in range(0, len(listed), size):
        yield schema.batch(dataset, listed[start : start + size])


def planned(case: CaseFile, holds: HoldsInForce | None = None, **more: Any) -> PlanSummary:
    """`plan` with the law and the shipped register."""
    given = {"law": LAW, "at": AT, "zone": STOCKHOLM, **more}
    return step.plan(case, given.pop("declarations", DECLARATIONS), REGISTER, holds or HoldsInForce(), **given)


def fresh(its: Records, size: int = 1000) -> Callable[[str], Iterator[pa.RecordBatch]]:
    """A source read again."""
    return lambda dataset: batches(dataset, its.get(dataset, {}), size)


def selected(
    case: CaseFile,
    given: Approval,
    source: str,
    data: Mapping[str, Records],
    holds: HoldsInForce | None = None,
    size: int = 1000,
) -> tuple[Selection, tuple[Outcome, ...]]:
    """What may be changed in a source that now holds this."""
    its = data.get(source, {})
    declaration: Declaration = next(d for d in DECLARATIONS if d.name == source)
    return approval.selections(
        case, given, source, declaration, fresh(its, size), found(source, its), holds=holds or HoldsInForce(), at=AT
    )


def ids(selection: Selection) -> dict[tuple[str, str], list[str]]:
    """(dataset, effect) → ids, of what a verb acts on."""
    return {(d, e): selection.ids(d, e) for e in ACTING for d in selection.datasets(e)}


class PaperLedger:
    """A ledger in memory that takes what the real one takes."""

    def __init__(self) -> None:
        self._events: list[Event] = []

    def append(self, request_id: str, kind: str, detail: Mapping[str, Any] | None = None, *, at: datetime) -> Event:
        content = {"request_id": request_id, "kind": kind, "detail": dict(detail or {}), "at": at.isoformat()}
        assert ledger._admissible(content), content
        event = Event(len(self._events) + 1, request_id, kind, dict(detail or {}), at, "")
        self._events.append(event)
        return event

    def events(self, request_id: str | None = None) -> list[Event]:
        return [event for event in self._events if request_id in (None, event.request_id)]

    def verified(self, ok: bool = True, at: datetime = AT) -> None:
        self.append(REQUEST_ID, "identity_verified", {"ok": ok}, at=at)

    def prepare(
        self, case: CaseFile, by: str = "ada", choice: str = "approve", at: datetime = AT, ok: bool = True
    ) -> None:
        self.append(
            REQUEST_ID,
            "decision",
            {"decision": "prepare", "choice": choice, "by": by, **approval.prepare_detail(case, verified=ok)},
            at=at,
        )

    def approve(self, case: CaseFile, by: str = "bo", choice: str = "approve", at: datetime = AT) -> None:
        self.append(
            REQUEST_ID,
            "decision",
            {"decision": "approve", "choice": choice, "by": by, **approval.approve_detail(case)},
            at=at,
        )

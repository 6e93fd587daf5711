"""What a source gave is put down: in the case file, in the ledger, and in numbers for people. Tasks and decisions that
try again do the same."""

import logging
from typing import Any, Final

from dsr.errors import DsrError, PermanentError
from dsr_tables import register_lines, sources_table
from dsr_workplace import DECLARATIONS, Workplace, now

log = logging.getLogger("dsr")

CONNECTED: Final = {declaration.name: declaration.connection_id for declaration in DECLARATIONS}
"""Source → its Airflow connection and pool."""


def collect_into_case(place: Workplace, request_id: str, name: str, *, final: bool) -> None:
    """One source. An error that is final is put down in case file and ledger before it is passed on; the rest goes
    into the ledger from *combine*, by one connection for all."""
    from dsr.steps import collect as step

    case = place.case(request_id)
    client = place.source(name)
    if client is None:
        step.give_up(case, name, "not_connected", at=now())
        log.info("not connected")
        return
    try:
        step.collect(case, client, at=now())
    except DsrError as error:
        if final or isinstance(error, PermanentError):
            step.give_up(case, name, error.code, at=now())
            place.ledger.append(request_id, "source_failed", {"source": name, "code": error.code}, at=now())
        raise
    collected = case.read_json(f"collected/{name}")
    rows, files = sum(collected["datasets"].values()), len(collected["attachments"])
    log.info("%s: %s records, %s attachments", collected["status"], rows, files)


def combine_case(place: Workplace, request_id: str) -> dict[str, Any]:
    """Combine; put down sources that left nothing (a killed task) as failed first; hold what a person has to look at.
    Counts and codes for people."""
    from dsr import judging
    from dsr.steps import assess
    from dsr.steps import collect as collecting
    from dsr.steps import combine as step
    from dsr.steps.hold import hold

    case = place.case(request_id)
    for declaration in DECLARATIONS:
        if not case.exists(f"collected/{declaration.name}"):
            collecting.give_up(case, declaration.name, "task.lost", at=now())
    step.combine(case, DECLARATIONS, place.register, portable=assess.portable, at=now())
    hold(case)
    _note_extracted(place, request_id, case)
    missing = [name for name in step.incomplete(case) if name in CONNECTED]
    found = any(case.read_json(name)["status"] == "found" for name in case.names("search/"))
    unsettled = step.unsettled(case) if found else []  # an answer that nothing is held rests on no row
    return {
        "missing": missing,
        "found": found,
        "doubtful": judging.doubts(case).open,
        "unsettled": [row["row"] for row in unsettled],
        "table": f"{sources_table(case, DECLARATIONS)}\n\n{register_lines(unsettled)}",
    }


def _note_extracted(place: Workplace, request_id: str, case: Any) -> None:
    """One event per source that was read; not again when nothing has changed since this task ran before."""
    known = [event.detail for event in place.ledger.events(request_id) if event.kind == "source_extracted"]
    for declaration in DECLARATIONS:
        collected = case.read_json(f"collected/{declaration.name}")
        if collected["status"] == "failed":
            continue
        detail = {
            "source": declaration.name,
            "status": collected["status"],
            "at": collected["extracted_at"],
            "records": sum(collected["datasets"].values()),
            "attachments": len(collected["attachments"]),
            **collected["effort"],
        }
        if detail not in known:
            place.ledger.append(request_id, "source_extracted", detail, at=now())

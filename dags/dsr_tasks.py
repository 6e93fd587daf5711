"""Composition root: the only place where steps become Airflow tasks.

A task here reads which request it works for, calls a step, writes to the ledger what happened, and returns counts and
codes. Steps know nothing of Airflow, DAG files know nothing of steps. Steps are imported when a task runs, so that
reading the DAG file stays cheap.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from airflow.sdk import TriggerRule, get_current_context, task

from dsr.errors import DsrError, PermanentError
from dsr_coded import coded
from dsr_retries import DELIVERY_RETRIES, is_last_try
from dsr_workplace import DECLARATIONS, Workplace, now

log = logging.getLogger("dsr")

CONNECTED: Final = {declaration.name: declaration.connection_id for declaration in DECLARATIONS}
"""Source → its Airflow connection and pool."""


def this_request() -> str:
    """The id of the request this run is for. PermanentError when the run was not started for one."""
    run = get_current_context()["dag_run"]
    request_id = (run.conf or {}).get("request_id")
    if request_id != run.run_id:
        raise PermanentError("run.request", "task")
    return str(request_id)


@task(show_return_value_in_logs=False)
@coded
def open_case() -> None:
    """Checks that the case file of this request can be read.

    **`case.closed`**: its key was destroyed, the request can't be answered any more; send the ticket again.
    **`run.request`**: this run was started by hand without a request; requests come in by webhook.
    """
    request = Workplace().case(this_request()).read_json("request")
    log.info("right %s, due %s", request["right"], request["due"]["target"])


@task(show_return_value_in_logs=False)
@coded
def identify() -> None:
    """Asks every connected source which records are surely this person's, in rounds, since one system's record may
    hold an identifier that another system knows the person by.

    A source that fails is tried again with the others; at the last try it is put down as failed, and the run will
    wait at *decide_incomplete*.
    """
    from dsr.steps import identify as step

    place, request_id = Workplace(), this_request()
    case = place.case(request_id)
    statuses = step.identify(case, place.sources(), DECLARATIONS, place.index, at=now(), final=is_last_try())
    for name in statuses:
        search = case.read_json(f"search/{name}")
        found = {key: search[key] for key in ("source", "status", "matches", "doubtful", "code") if search.get(key)}
        place.ledger.append(request_id, "source_searched", found, at=now())
    log.info("searched: %s", ", ".join(f"{name} {status}" for name, status in statuses.items()))


@task(show_return_value_in_logs=False)
@coded
def collect(source: str) -> None:
    """Reads all that this source holds about the person into the encrypted case file.

    Retried with growing delays, or after the time that the source asked for. **Red for good**: the run goes on with
    the other sources and then waits at *decide_incomplete*. `http.401`: renew the credentials in the Airflow
    connection; `connection.failed`: see whether the system is up; then choose *Try again* there.
    """
    collect_into_case(Workplace(), this_request(), source, final=is_last_try())


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


@task.branch(trigger_rule=TriggerRule.ALL_DONE, show_return_value_in_logs=False)
@coded
def combine() -> str:
    """Makes one validated document of all that was collected, and looks whether anything is missing.

    Complete → *compose*. A source failed → *decide_incomplete*. Nothing that surely is the person's → *answer_nothing*:
    no data leaves, so nobody needs to approve.
    """
    place, request_id = Workplace(), this_request()
    report = combine_case(place, request_id)
    get_current_context()["ti"].xcom_push("report", report)
    if report["missing"]:
        return "decide_incomplete"
    return "compose" if report["found"] else "answer_nothing"


def combine_case(place: Workplace, request_id: str) -> dict[str, Any]:
    """Combine; put down sources that left nothing (a killed task) as failed first. Counts and codes for people."""
    from dsr.steps import collect as collecting
    from dsr.steps import combine as step

    case = place.case(request_id)
    for declaration in DECLARATIONS:
        if not case.exists(f"collected/{declaration.name}"):
            collecting.give_up(case, declaration.name, "task.lost", at=now())
    step.combine(case, DECLARATIONS, at=now())
    _note_extracted(place, request_id, case)
    rows = [_row(case, declaration.name) for declaration in DECLARATIONS]
    missing = [name for name in step.incomplete(case) if name in CONNECTED]
    found = any(case.read_json(name)["status"] == "found" for name in case.names("search/"))
    return {"missing": missing, "found": found, "table": _table(rows)}


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
        }
        if detail not in known:
            place.ledger.append(request_id, "source_extracted", detail, at=now())


# Without `multiple_outputs=False` each key would become an XCom of its own, by a call of its own.
@task(trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS, multiple_outputs=False, show_return_value_in_logs=False)
@coded
def compose() -> dict[str, Any]:
    """Writes the package: JSON and CSV per dataset, schemas, attachments, search report, manifest with SHA-256."""
    from dsr.steps import compose as step

    place, request_id = Workplace(), this_request()
    case = place.case(request_id)
    package = step.compose(case, DECLARATIONS, at=now())
    detail = {"sha256": package.sha256, "bytes": package.bytes, "files": package.files}
    place.ledger.append(request_id, "composed", detail, at=now())
    return detail | {"table": _table([_row(case, declaration.name) for declaration in DECLARATIONS])}


@task(retries=DELIVERY_RETRIES, show_return_value_in_logs=False)
@coded
def deliver() -> None:
    """Sends the link to the address on file and the code into the ticket.

    Systems that are down are tried again for days; what is out already is not sent again. **Red**: `smtp.5…`,
    `http.4…` or `connection.missing` (`dsr_mail`, `dsr_<channel>`): set the connection right and start over, as the
    run's documentation says. **`release.not_approved`**: this very package was not released.
    """
    place, request_id = Workplace(), this_request()
    package = place.case(request_id).read_json("package.json")
    decisions = [e.detail for e in place.ledger.events(request_id) if e.kind == "decision"]
    released = [d for d in decisions if d["decision"] == "release"][-1:]
    if [(d["choice"], d["sha256"]) for d in released] != [("approve", package["sha256"])]:
        raise PermanentError("release.not_approved", "deliver")
    _deliver(place, request_id)


@task(retries=DELIVERY_RETRIES, show_return_value_in_logs=False)
@coded
def answer_nothing() -> None:
    """Answers in the ticket that nothing is held, or that only records were found that may be somebody else's."""
    _deliver(Workplace(), this_request())


def _deliver(place: Workplace, request_id: str) -> None:
    from dsr.steps import deliver as step

    delivered = step.deliver(
        place.case(request_id),
        links=place.links,
        ledger=place.ledger,
        send_mail=place.send_mail,
        answer=place.answer,
        at=now(),
        settings=place.settings,
        titles={declaration.name: declaration.title for declaration in DECLARATIONS},
    )
    log.info("answered: %s", delivered.outcome)


@task(trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS, show_return_value_in_logs=False)
@coded
def close() -> None:
    """Marks the request as answered in the ledger."""
    from dsr.steps import close as step

    place, request_id = Workplace(), this_request()
    step.close(place.case(request_id), place.ledger, at=now())


@task(show_return_value_in_logs=False)
@coded
def shred() -> None:
    """Removes all working data from the case file, whatever happened before; only what was delivered stays, until
    its link ends. Runs also after a failure, a rejection and a run that was marked failed by hand."""
    from dsr.steps import close as step

    place, request_id = Workplace(), this_request()
    outcome, where = _outcome()
    case = place.case(request_id)
    step.shred(case)
    if outcome != "delivered":
        case.remove("package")
    if outcome == "failed":
        place.ledger.append(request_id, "failed", {"task": where}, at=now())
    place.ledger.append(request_id, "shredded", {"outcome": outcome}, at=now())
    log.info("shredded after: %s", outcome)


def _outcome() -> tuple[str, str]:
    """(delivered | rejected | stopped | failed, task that it ended in), from the states of this run's tasks."""
    context = get_current_context()
    instance, run_id = context["ti"], context["dag_run"].run_id
    states: Mapping[str, Any] = instance.get_task_states(dag_id=instance.dag_id, run_ids=[run_id])[run_id]
    for name in ("deliver", "answer_nothing"):
        if states.get(name) == "success":
            return "delivered", name
    if states.get("release") == "success":
        return ("rejected", "release") if states.get("deliver") == "skipped" else ("failed", "deliver")
    if states.get("decide_incomplete") == "success" and states.get("compose") == "skipped":
        return "stopped", "decide_incomplete"
    order = ("open_case", "identify", "combine", "decide_incomplete", "compose", "release", "deliver", "answer_nothing")
    return "failed", next((name for name in order if states.get(name) == "failed"), "run")


def _row(case: Any, name: str) -> dict[str, Any]:
    """One line of the table that people decide by: counts and codes."""
    search = case.read_json(f"search/{name}") if case.exists(f"search/{name}") else {}
    collected = case.read_json(f"collected/{name}")
    return {
        "system": name,
        "result": collected["status"],
        "code": collected.get("code") or search.get("code") or "",
        "records": sum(collected.get("datasets", {}).values()),
        "attachments": len(collected.get("attachments", ())),
        "withheld": sum(item["count"] for item in collected.get("withheld", ())),
        "doubtful": search.get("doubtful") or 0,
    }


def _table(rows: list[dict[str, Any]]) -> str:
    """Markdown for the page where a person decides."""
    heads = list(rows[0])
    lines = [heads, ["---"] * len(heads), *([str(row[head]) for head in heads] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

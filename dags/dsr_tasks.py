"""Composition root: the only place where steps become Airflow tasks.

A task here reads which request it works for, calls a step, writes to the ledger what happened, and returns counts and
codes. Steps know nothing of Airflow, DAG files know nothing of steps. Steps are imported when a task runs, so that
reading the DAG file stays cheap.
"""

import logging
from collections.abc import Mapping
from typing import Any

from airflow.sdk import TriggerRule, get_current_context, task

from dsr.errors import PermanentError, TransientError
from dsr_coded import coded
from dsr_collecting import collect_into_case, combine_case
from dsr_endings import ended
from dsr_numbers import proven
from dsr_released import approved_recipient, promised, released, wanted_recipient
from dsr_retries import DELIVERY_RETRIES, is_last_try
from dsr_rights import of_right
from dsr_tables import contact_line, reviewed_line, sources_table, transmission_line
from dsr_workplace import DECLARATIONS, Workplace, now

log = logging.getLogger("dsr")


def this_request(place: Workplace) -> str:
    """The id of the request this run is for. PermanentError("run.request") when the run was not started for one,
    ("run.right") when its request asks for a right that another DAG answers: nothing may be done to that one's data.
    ("run.untriaged") while a person hasn't said that the request is ours, or when it was joined to another."""
    from dsr.triage import settled

    run = get_current_context()["dag_run"]
    request_id = (run.conf or {}).get("request_id")
    if request_id != run.run_id:
        raise PermanentError("run.request", "task")
    of_right(run.dag_id, place.case(str(request_id)).read_json("request")["right"])
    if not settled(place.ledger.events(str(request_id))):
        raise PermanentError("run.untriaged", "task")
    return str(request_id)


@task(show_return_value_in_logs=False)
@coded
def open_case() -> None:
    """Checks that the case file of this request can be read.

    **`case.closed`**: its key was destroyed, the request can't be answered any more; send the ticket again.
    **`run.request`**: this run was started by hand without a request; requests come in by webhook.
    **`run.right`**: it was started by hand for a request of another right; nothing was done, nothing removed. The run
    that answers the request is in another DAG.
    **`run.untriaged`**: it was started by hand before a person has decided in `dsr_triage`; nothing was done.
    """
    from dsr.standing import deadline

    place = Workplace()
    request = place.case(this_request(place)).read_json("request")
    log.info("right %s, latest %s", request["right"], deadline(request["due"]))


@task(show_return_value_in_logs=False)
@coded
def identify() -> None:
    """Asks every connected source which records are surely this person's, in rounds, since one system's record may
    hold an identifier that another system knows the person by.

    A source that fails is tried again with the others; at the last try it is put down as failed, and the run will
    wait at *decide_incomplete*.
    """
    from dsr.effort import so_far
    from dsr.steps import identify as step

    request_id = this_request(place := Workplace())
    case, before = place.case(request_id), {d.name: so_far(d.name) for d in DECLARATIONS}
    statuses = step.identify(
        case, place.sources(), DECLARATIONS, place.index, at=now(), final=is_last_try(),
        possessed=proven(place, request_id),
    )  # fmt: skip
    for name in statuses:
        search = case.read_json(f"search/{name}")
        found = {key: search[key] for key in ("source", "status", "matches", "doubtful", "code") if search.get(key)}
        if case.exists(f"evidence/{name}") and (reasons := case.read_json(f"evidence/{name}")["reasons"]):
            found["reasons"] = reasons
        if search["status"] != "not_connected":
            found |= (so_far(name) - before[name]).as_json()
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
    place = Workplace()
    collect_into_case(place, this_request(place), source, final=is_last_try())


@task.branch(trigger_rule=TriggerRule.ALL_DONE, show_return_value_in_logs=False)
@coded
def combine() -> str:
    """Makes one validated document of all that was collected, and looks whether anything is missing.

    Complete → *review*. A source failed, or a row of the register that the answer rests on is blank or unconfirmed →
    *decide_incomplete*. Nothing that is or may be the person's → *answer_nothing*: no data leaves, so nobody needs to
    approve.

    **`register.invalid`**: `python -m dsr register check` says which file and place. **`dataset.unregistered`**: the
    register lacks the row that a dataset names.
    """
    request_id = this_request(place := Workplace())
    report = combine_case(place, request_id)
    get_current_context()["ti"].xcom_push("report", report)
    if report["missing"] or report["unsettled"]:
        return "decide_incomplete"
    return "review" if report["found"] or report["doubtful"] else "answer_nothing"


# Without `multiple_outputs=False` each key would become an XCom of its own, by a call of its own.
@task(trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS, multiple_outputs=False, show_return_value_in_logs=False)
@coded
def compose() -> dict[str, Any]:
    """Writes the package: a report to read, JSON and CSV per dataset, schemas, attachments, processing information,
    search report, manifest with SHA-256; encrypted as the request says, and signed. If the person wants it sent to
    another controller that is allowed, also the copy for that one: the data, and nothing about what is not in it.

    What it returns says what the release is asked for: both digests, the recipient, and that of its connection."""
    from dsr.steps import compose as step

    request_id = this_request(place := Workplace())
    package = step.compose(case := place.case(request_id), DECLARATIONS, at=now(), settings=place.settings)
    detail = {name: getattr(package, name) for name in ("sha256", "bytes", "files", "encryption")}
    asked = {"sha256": package.sha256}
    recipient = wanted_recipient(place, case)
    if recipient is not None and recipient.usable:
        copy = step.compose_copy(case, at=now(), settings=place.settings)
        asked |= {"transmit_to": recipient.key, "transmit_sha256": copy.sha256, "fingerprint": recipient.fingerprint}
    place.ledger.append(request_id, "composed", detail | asked, at=now())
    sent = transmission_line(recipient) if "transmit_to" in case.read_json("request") else ""
    warnings = [reviewed_line(case), contact_line(case, DECLARATIONS, now())]
    parts = [sources_table(case, DECLARATIONS), *warnings, sent]
    return detail | {"asked": asked, "table": "\n\n".join(filter(None, parts))}


@task(retries=DELIVERY_RETRIES, show_return_value_in_logs=False)
@coded
def deliver() -> None:
    """Sends the link to the address on file and the code into the ticket; one that can't be reached gets it later, by
    `dsr_tickets`.

    A mail server that is down is tried again for days; what is out already is not sent again. **Red**: `smtp.5…` or
    `connection.missing` (`dsr_mail`): set the connection right and start over, as the run's documentation says.
    **`release.not_approved`**: this very package was not released.

    If the recipient's connection isn't any more what it was when the release was asked for, the person gets their
    package all the same, the ticket says that it can't be sent directly, and *transmit* sends nothing.
    """
    request_id = this_request(place := Workplace())
    release = released(place, request_id)
    recipient = approved_recipient(place, request_id, release)
    title = recipient.client().title if recipient and recipient.usable else None
    give_answer(place, request_id, release["sha256"], title)


@task(show_return_value_in_logs=False)
@coded
def answer_nothing() -> None:
    """Answers in the ticket that nothing is held, or that only records were found that may be somebody else's. Whom we
    have erased before is told that what had to be kept then still is."""
    request_id = this_request(place := Workplace())
    give_answer(place, request_id, None, None, erased_before=erased_before(place, place.case(request_id)))


def erased_before(place: Workplace, case: Any) -> bool:
    """Whether data of whoever stated this address was erased, for this request or an earlier one."""
    from dsr.steps.suppress import stated

    return "all" in place.suppression.asks([stated(case)])


def give_answer(
    place: Workplace, request_id: str, sha256: str | None, transmit_title: str | None, *, erased_before: bool = False
) -> None:
    """Link by mail and code in the ticket of the package with that digest; with None the ticket says that nothing is
    held. What is out already is not sent again."""
    from dsr.steps import deliver as step

    case = place.case(request_id)
    language = case.read_json("request")["language"]
    delivered = step.deliver(
        case,
        links=place.links,
        ledger=place.ledger,
        send_mail=place.send_mail,
        answer=place.answer,
        at=now(),
        settings=place.settings,
        released=sha256,
        titles={declaration.name: declaration.titles[language] for declaration in DECLARATIONS},
        transmit_title=transmit_title,
        erased_before=erased_before,
    )
    log.info("answered: %s", delivered.outcome)


@task(retries=DELIVERY_RETRIES, show_return_value_in_logs=False)
@coded
def transmit() -> None:
    """Sends the released copy to another controller when the person asked for it (Art. 20(2) GDPR), keeps the receipt
    and says so in the ticket. Only connections `dsr_recipient_<key>` whose key is in DSR_RECIPIENTS are sent to; for
    another recipient the ticket says that it can't be done directly.

    Goes on where it stopped, for days. **Red**: `http.4…`, `receipt.mismatch` (the recipient has other bytes),
    `connection.…`: mend the connection's credentials or talk to the recipient, then clear this task with all
    downstream. **`recipient.changed`**: the connection isn't what was approved, and the person was told that their data
    follows. Put it back as it was and clear this task with all downstream; or, if the new one is right, clear
    *open_case* with all downstream, so that somebody releases it for that one.
    """
    from dsr.steps import transmit as step

    request_id = this_request(place := Workplace())
    case = place.case(request_id)
    if "transmit_to" not in case.read_json("request"):
        log.info("not asked for")
        return
    release = released(place, request_id)
    recipient = approved_recipient(place, request_id, release)
    answering: dict[str, Any] = {
        "ledger": place.ledger,
        "answer": place.answer,
        "at": now(),
        "settings": place.settings,
    }
    if not promised(place, request_id):
        code = "recipient.changed" if "transmit_to" in release else "recipient.unknown"
        step.decline(case, told=True, code=code, **answering)  # by `deliver`
        log.info("declined: %s", code)
        return
    if recipient is None:
        step.give_up(case, release["transmit_to"], "recipient.changed", ledger=place.ledger, at=now())
        raise PermanentError("recipient.changed", "transmit")
    try:
        sent = step.transmit(case, recipient.client(), released=release["transmit_sha256"], **answering)
    except TransientError as error:
        if is_last_try():
            step.give_up(case, recipient.key, error.code, ledger=place.ledger, at=now())
        raise
    log.info("transmitted" if sent.fresh else "was transmitted before")


@task(trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS, show_return_value_in_logs=False)
@coded
def close() -> None:
    """Marks the request as answered in the ledger."""
    from dsr.steps import close as step

    request_id = this_request(place := Workplace())
    step.close(place.case(request_id), place.ledger, at=now())


@task(show_return_value_in_logs=False)
@coded
def shred() -> None:
    """Removes all working data from the case file; only what was delivered stays, until its link ends. Runs also after
    a failure, a rejection and a run that was marked failed by hand. Where changes were begun, the data stays until the
    request was brought to its end: what is red can be mended and cleared.

    **`run.failed`**: it has done its work, and the task that it names has failed before it: see there."""
    from dsr.steps import close as step

    request_id = this_request(place := Workplace())
    outcome, where = _outcome()
    case = place.case(request_id)
    # Without its data, what failed after the first change could not be cleared any more.
    shredded = not (outcome == "failed" and step.awaited(case)) and step.shred(case)
    if outcome != "delivered":
        case.remove("package")
        case.remove("transmission/package")
    if outcome == "failed":
        place.ledger.append(request_id, "failed", {"task": where}, at=now())
    if shredded:
        place.ledger.append(request_id, "shredded", {"outcome": outcome}, at=now())
    log.info("%s after: %s", "shredded" if shredded else "kept", outcome)
    if outcome == "failed":
        # The run ends as its last task does: one that failed before must not look like an answered request.
        raise PermanentError("run.failed", where)


def _outcome() -> tuple[str, str]:
    """(delivered | refused | rejected | stopped | failed, task that it ended in), from the states of the tasks."""
    context = get_current_context()
    instance, run_id = context["ti"], context["dag_run"].run_id
    states: Mapping[str, Any] = instance.get_task_states(dag_id=instance.dag_id, run_ids=[run_id])[run_id]
    return ended(states)

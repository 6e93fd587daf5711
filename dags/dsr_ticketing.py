"""Composition root of what is done every few minutes, for tickets and for requests that wait for their run: see
`dsr_tasks`."""

import logging
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from airflow.sdk import get_current_context, task

from dsr.errors import PermanentError
from dsr_coded import coded
from dsr_workplace import Workplace, now

if TYPE_CHECKING:
    from dsr.casefile import CaseFile

log = logging.getLogger("dsr")

_LATE: Final = timedelta(days=1)


# The next run tries again; so it is with the others.
@task(retries=0, show_return_value_in_logs=False)
@coded
def start_pending() -> None:
    """Starts the runs of requests that were accepted while Airflow could not be reached, in the order of receipt.
    **Red** when it can't; see the DAG's documentation."""
    from dsr.alone import alone
    from dsr.casefile import GONE
    from dsr.steps import accept, triage
    from dsr.unstarted import Unstarted

    place, at = Workplace(), now()

    def settle(case: "CaseFile", _: object) -> str:
        return triage.triage(case, place.requesters, place.ledger, at=at, settings=place.settings)

    lock = partial(alone, place.engine, what="start")
    waiting = Unstarted(place.engine)
    started = accept.start_pending(place.ledger, waiting, place.cases, place.airflow.start, settle, lock, at=at)
    log.info("started %s", started.count)
    for request_id, code in started.failed:
        log.warning("%s: %s", request_id, code)
    if codes := [code for _, code in started.failed if code not in GONE]:
        raise PermanentError(codes[0], "start")


@task(retries=0, show_return_value_in_logs=False)
@coded
def deliver() -> None:
    """Writes into tickets what waits. **Red** when a person has to do something; see the DAG's documentation."""
    place, at = Workplace(), now()
    by_hand = get_current_context()["dag_run"].run_type == "manual"
    left = place.outbox.deliver_all(place.cases, now, at_once=by_hand)
    for waiting in left:
        log.warning("%s %s: %s", waiting.request_id, waiting.channel, waiting.code)
    if held := [waiting for waiting in left if waiting.held]:
        raise PermanentError(held[0].code, held[0].channel)
    if late := [waiting for waiting in left if waiting.answer and waiting.since < at - _LATE]:
        raise PermanentError("tickets.late", late[0].channel)


@task(retries=0, show_return_value_in_logs=False)
@coded
def tell_progress() -> None:
    """Notes in each ticket how far its request has come since it was told: only the newest, each stage once."""
    from dsr.progress import Teller, Told
    from dsr.report.progress import note_words, public_words

    place = Workplace()
    note, public = note_words(place.settings), public_words(place.settings)
    teller = Teller(Told(place.engine), place.ledger, place.cases, place.outbox, note, public)
    log.info("told %s", teller.tell_all(now))

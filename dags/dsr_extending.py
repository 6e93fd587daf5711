"""Composition root of the extension: see `dsr_tasks`."""

import logging
from typing import Final

from airflow.sdk import get_current_context, task

from dsr.errors import PermanentError
from dsr.officer import as_code
from dsr_acting import tell_person
from dsr_coded import coded
from dsr_workplace import Workplace, now

log = logging.getLogger("dsr")

_PLACE: Final = "extension"


# One at a time: whether a request was extended before is looked up first and noted last.
@task(max_active_tis_per_dag=1, show_return_value_in_logs=False)
@coded
def extend() -> str:
    """Tells the person in the ticket that the answer takes two months longer, and why; notes it in case and ledger.
    What it returns is the new last day. A ticket system that is down gets it later; until it has, *watch* of
    `dsr_deadlines` goes by the first month, within which the person has to be told.

    **Red**, and nobody was told:

    | Code | What to do |
    |---|---|
    | `extension.unknown` | no request has this id: copy it from its run, or from `python -m dsr requests --open` |
    | `extension.answered` | the person has their answer; there is nothing to extend |
    | `extension.already` | it was extended before, which the law allows once: answer by the day in `dsr requests` |
    | `extension.late` | the first month is over: answer now; the ticket is where to say why it is late |
    | `extension.nobody` | nobody signed in has started this: start it in Airflow, as yourself |
    | `case.closed` | its case file is gone, so the request has ended; see the ledger |
    """
    from dsr.steps import extend as step

    place, context = Workplace(), get_current_context()
    run = context["dag_run"]
    asked = run.conf or {}
    latest = step.extend(
        str(asked["request_id"]),
        str(asked["reason"]),
        by=_by(place, run.triggering_user_name),
        run=run.run_id,
        cases=place.cases,
        ledger=place.ledger,
        tell=lambda case, text: tell_person(place, case, "extended", text, close=False),
        at=now(),
        settings=place.settings,
    )
    log.info("due %s", latest)
    return latest.isoformat()


def _by(place: Workplace, user: str | None) -> str:
    """Who started the run, as a code; a program can't, nor can the webhook's own user."""
    if not user or user == place.settings.airflow_user:
        raise PermanentError("extension.nobody", _PLACE)
    return as_code(user)

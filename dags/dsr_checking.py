"""Composition root of the looks at the source systems: see `dsr_tasks`."""

import logging
from typing import Final

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from dsr.errors import PermanentError
from dsr_coded import coded
from dsr_workplace import Workplace, now

log = logging.getLogger("dsr")

ONLY: Final = "source"
"""Of a run's conf: the one source to look at; absent = all."""


@task(show_return_value_in_logs=False)
@coded
def check(source: str) -> None:
    """Looks at one system by a few calls that read nobody's data, and notes what came of it for the page *Sources*.

    **Red**, `drift.new`: it has tables or fields that nobody declared and that the last look didn't see; the log names
    them, and the page does until they are declared. Their values are in the answers to persons already (`unmapped`,
    further records), without a word on what they are: have them declared (the dataset's schema, the mapping), or
    excluded with a reason. The next look is green unless there is more. `http.401`, `credentials.refused`, `signin.…`:
    renew the connection. `table.missing`, `column.missing`, `object_missing.…`: the system has changed, or the user
    lost sight of it; requests fail until that is right. **Skipped**: not connected, or not asked for.
    """
    from dsr.steps.check_source import check_source

    only = (getattr(get_current_context()["dag_run"], "conf", None) or {}).get(ONLY)
    if only and only != source:
        raise AirflowSkipException("not asked for")
    place = Workplace()
    found = check_source(source, place.source(source), place.checks, now())
    if found.code:
        raise AirflowSkipException("not connected")
    log.info("%s undeclared, calls left %s of %s", len(found.undeclared), found.calls_left, found.calls_a_day)
    if found.fresh:
        log.warning("new and undeclared: %s", ", ".join(found.fresh))
        raise PermanentError("drift.new", source)

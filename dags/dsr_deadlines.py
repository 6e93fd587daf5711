"""
# Deadlines, every morning

*watch* is red while a request is not answered whose last day by law (Art. 12(3) GDPR) is near or has passed. Its log
names each with the days that are left; the ledger has an event for it. It is green again once they are answered.

| What you see | What to do |
|---|---|
| `deadline.near` | see what its run waits for (*Required Actions*, the tab *Review*); decide, or extend the time |
| `deadline.passed` | answer at once; the person may complain to the authority, and you have to be able to explain |

More time, once and only for a reason of Art. 12(3): start `dsr_extension` with the request's id, before the last day.
How many days before the last one it begins: DSR_ALARM_DAYS (3).
"""

from airflow.sdk import DAG

import dsr_keeping as tasks
from dsr_retries import DEFAULT_ARGS

with DAG(
    "dsr_deadlines",
    description="Says whose last day by law is near or has passed without an answer",
    doc_md=__doc__,
    schedule="0 5 * * *",
    catchup=False,
    max_active_runs=1,
    default_args=dict(DEFAULT_ARGS),
    tags=["dsr"],
):
    tasks.watch()

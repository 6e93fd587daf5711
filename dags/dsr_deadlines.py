"""
# Deadlines, every morning

*remind* mails the privacy team (DSR_REMIND_TO) which requests have come within 14, 7, 3 and 1 days (DSR_REMIND_DAYS) of
their day, or are overdue: ids, rights and days. Each is named once per distance.

*watch* is red while a request is not answered whose day is near or whose last day by law (Art. 12(3) GDPR) has passed.
Its log names each with the days that are left; the ledger has an event for it. It is green again once they are
answered.

| What you see | What to do |
|---|---|
| `deadline.near` | see what its run waits for (*Required Actions*, the tab *Review*); decide, or extend the time |
| `deadline.passed` | answer at once; the person may complain to the authority, and you have to be able to explain |
| *remind* is red | `smtp.5…`: the server refuses the addresses or the sign-in; correct them and clear the task |

Both count to the earliest day that can be meant: one month after receipt, not moved to a working day, never suspended.
More time, once and only for a reason of Art. 12(3): start `dsr_extension` with the request's id, before the last day.
How many days before it the alarm begins: DSR_ALARM_DAYS (3).
"""

from airflow.sdk import DAG

import dsr_keeping as tasks
import dsr_reminding as reminding
from dsr_retries import DEFAULT_ARGS

with DAG(
    "dsr_deadlines",
    description="Reminds of days by which answers are due, and says whose is near or has passed",
    doc_md=__doc__,
    schedule="0 5 * * *",
    catchup=False,
    max_active_runs=1,
    default_args=dict(DEFAULT_ARGS),
    tags=["dsr"],
):
    reminding.remind()
    tasks.watch()

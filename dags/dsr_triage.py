"""
# Before anything is read: is this request ours, and which right is it?

Most requests never come here: their right is named, it is about us, and no other is open. The others wait here until a
person has decided; until then no system is searched, and a run of a right that is started by hand does nothing. The
time for the answer counts from receipt all the same.

| What you see | What it means | What to do |
|---|---|---|
| *decide* waits | which right, whether ours, or so many: see there | an officer answers under *Required Actions* |
| *join* has run | the same request is open already | nothing; the person was told in the ticket |
| *take* has run | it is ours | the request's run goes on in the DAG of its right, under the same id |
| *take* has run, the request's run is red | it was started by hand, too early | clear its *open_case* and downstream |
| a task is up for retry | the mail server is down | nothing; it tries for days |
| *sort* is red: `triage.settled` | started by hand for a request that has nothing to settle | nothing |

A ticket that names several rights is one request about one of them: choose the first, and send a ticket for each other.
Logs, XComs and this page hold counts and codes only.
"""

from airflow.sdk import DAG

import dsr_triaging as tasks
from dsr_retries import DEFAULT_ARGS, REQUESTS_AT_ONCE

with DAG(
    tasks.DAG_ID,
    description="Settles what a request is about before anything is read (Art. 12, 28(3)(e) GDPR)",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=REQUESTS_AT_ONCE,
    default_args=dict(DEFAULT_ARGS),
    tags=["dsr"],
):
    decide = tasks.Decide(task_id="decide")
    tasks.sort() >> [decide, tasks.join()]
    decide >> [tasks.take(), tasks.refer(), tasks.refuse()]

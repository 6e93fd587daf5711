"""
# Another plan

The officer who was to approve a plan chose *Plan anew*. This waits until the request's run has ended and then starts it
over: every system is read again, and *prepare* asks about the new plan. It is started by that run and by nobody else.

| What you see | What it means | What to do |
|---|---|---|
| *start_over* is up for retry: `run.active` | the request's run hasn't ended yet | nothing |
| *start_over* is red: `planning.unwanted` | a new plan was made already, or nobody asked for one | nothing |
"""

from airflow.sdk import DAG

import dsr_planning_anew as tasks
from dsr_retries import DEFAULT_ARGS, REQUESTS_AT_ONCE

with DAG(
    tasks.DAG_ID,
    description="Starts a request's run over when another plan is wanted",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=REQUESTS_AT_ONCE,
    default_args=dict(DEFAULT_ARGS),
    tags=["dsr"],
):
    tasks.start_over()

"""The shape of `dsr_access` with empty tasks: what Airflow itself costs. Loaded by measurements only.

Same task ids, edges, trigger rules, pools and operators; a test compares the two graphs.
"""

from datetime import timedelta

from airflow.providers.standard.operators.hitl import HITLBranchOperator
from airflow.sdk import DAG, TaskGroup, TriggerRule, task

from extractors import SOURCES

with DAG("dsr_shape", schedule=None, catchup=False, max_active_runs=1_000_000, tags=["dsr"], doc_md=__doc__):

    @task
    def nothing() -> None: ...

    @task
    def collect(source: str) -> None: ...

    @task.branch
    def to_review() -> str:
        return "review"

    last = TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS
    open_case = nothing.override(task_id="open_case")().as_setup()
    identify = nothing.override(task_id="identify")()
    combine = to_review.override(task_id="combine", trigger_rule=TriggerRule.ALL_DONE)()
    decide_incomplete = HITLBranchOperator(
        task_id="decide_incomplete",
        subject="Incomplete",
        options=["Release without", "Try again", "Stop"],
        options_mapping={"Release without": "review", "Try again": "review", "Stop": "shred"},
        response_timeout=timedelta(days=20),
    )
    review = HITLBranchOperator(
        task_id="review",
        subject="Reviewed?",
        options=["All is reviewed", "Without what is not reviewed", "Stop"],
        options_mapping={"All is reviewed": "compose", "Without what is not reviewed": "compose", "Stop": "shred"},
        response_timeout=timedelta(days=20),
        trigger_rule=last,
    )
    compose = nothing.override(task_id="compose", trigger_rule=last)()
    release = HITLBranchOperator(
        task_id="release",
        subject="Release?",
        options=["Approve", "Refuse", "Reject"],
        options_mapping={"Approve": "deliver", "Refuse": "refuse", "Reject": "shred"},
        response_timeout=timedelta(days=20),
    )
    refuse = nothing.override(task_id="refuse")()
    deliver = nothing.override(task_id="deliver")()
    answer_nothing = nothing.override(task_id="answer_nothing")()
    answer_unfound = nothing.override(task_id="answer_unfound")()
    close = nothing.override(task_id="close", trigger_rule=last)()
    shred = nothing.override(task_id="shred")().as_teardown(on_failure_fail_dagrun=True)

    open_case >> [identify, shred]
    for source in SOURCES:
        with TaskGroup(source.declaration.name):
            read = collect.override(task_id="collect", pool=source.declaration.connection_id)
            identify >> read(source.declaration.name) >> combine
    combine >> [review, decide_incomplete, answer_nothing]
    decide_incomplete >> [review, shred]
    review >> [compose, answer_unfound, shred]
    compose >> release >> [deliver, refuse, shred]
    [deliver, refuse, answer_nothing, answer_unfound] >> close >> shred

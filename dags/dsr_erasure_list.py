"""
# Erase everybody on a list (Art. 5(1)(e), 17(1) GDPR), with one approval

For people who have not asked: whose storage period has ended, whose consent ran out. *Erasure lists* in the navigation,
or `python -m dsr erasure-list add`, takes the list in and starts this. All are searched for and planned as if each had
asked for erasure; one officer prepares the plan over all, another approves it; then it is carried out in chunks.

| What you see | What it means | What to do |
|---|---|---|
| *plan_chunk* runs, one after the other | the systems are searched and read; nothing is changed | wait |
| `budget.reserve` | a vendor has too few calls left today: a part is for others | nothing; it looks each hour |
| *prepare*, then *approve* waits | the plan over all people is made | two officers decide, under *Required Actions* |
| *carry_out* is up for retry | a system is down, or deletes later | nothing; it asks again for weeks |
| *carry_out* is red: `list.failed` | some need a person; all others are done | its log names them with codes |
| *follow_notices* is up for retry | recipients haven't acted on their notices yet | nothing; it asks again for weeks |
| *follow_notices* is red: `list.failed` | a recipient doesn't act | its log says which, its text what to do |
| *open_list* is red: `list.begun` | it was cleared while it is carried out | clear *carry_out* instead |
| people are set aside | they have asked themselves, or could not be read | see *prepare*; list them again later |

Nobody on the list is written to; recipients are told, and followed, as of any erasure (Art. 19). Logs, XComs and this
page hold counts and codes only. To stop it, choose *Stop*; what was carried out by then stays done.
"""

from airflow.sdk import DAG

import dsr_listing as tasks
from dsr_retries import DEFAULT_ARGS

with DAG(
    "dsr_erasure_list",
    description="Erases what is held of everybody on a list, with one approval (Art. 17(1) GDPR)",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=4,
    default_args=dict(DEFAULT_ARGS),
    tags=["dsr"],
) as dag:
    chunks = tasks.open_list()
    make_plan, end_list = tasks.make_plan(), tasks.end_list()
    prepare, approve = tasks.PrepareList(task_id="prepare"), tasks.ApproveList(task_id="approve")
    carried_out = tasks.carry_out_and_follow.expand(chunk=chunks)
    tasks.plan_chunk.expand(chunk=chunks) >> make_plan >> [prepare, end_list]
    prepare >> [approve, end_list]
    approve >> [carried_out, end_list]
    # A chunk that failed is followed all the same, and the list doesn't end.
    [dag.get_task("carry_out"), carried_out] >> end_list

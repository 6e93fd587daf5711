"""
# Upkeep, every night

| Task | What it does | When it is red |
|---|---|---|
| *index* | reads what is new in a system without look-up into the keyed-hash index | its log ends in a code |
| *end_links* | destroys case files whose download link has ended | clear it |
| *remind* | reminds those who were asked to confirm who they are, after two days and after five | see the log |
| *anchor_ledger* | walks the whole ledger, and mails its signed end to `DSR_ANCHOR_TO` | `ledger.tampered`: see there |
| *sweep* | removes working data of runs that are gone, and case files that nobody needs any more | clear it |
| *end_retention* | erases what a law, a hold or a lock kept until now when an erasure was carried out | see below |
| *needs_person* | is red when an *end_retention* is, else skipped | see there |

*end_retention* does all that it can before it is red. Its log says of each request how many records are left and why
(`refused`, `unseen`, `left`, `unclear`, `by_hand`, or a code); its documentation says what each means. It looks again
every night. `python -m dsr retained` shows what is kept on which ground until when, and what is overdue; with
`--request` it does one request at once, with `--confirm-changed` or `--confirm-gone` on the word of a person who has
looked.

The search report tells how old an index is. Start this by hand
after connecting a source: a system whose index was never read can't be searched.
"""

from airflow.sdk import DAG, TaskGroup, TriggerRule

import dsr_anchoring as anchoring
import dsr_identity as identity
import dsr_keeping as tasks
from dsr_retries import DEFAULT_ARGS
from extractors import SOURCES

with DAG(
    "dsr_upkeep",
    description="Refreshes indexes, ends links and case files, erases what was kept until now",
    doc_md=__doc__,
    schedule="17 3 * * *",
    catchup=False,
    max_active_runs=1,
    default_args=dict(DEFAULT_ARGS),
    tags=["dsr"],
):
    tasks.end_links() >> tasks.sweep()
    identity.remind()
    anchoring.anchor_ledger()
    ended = {}
    for source in SOURCES:
        name, pool = source.declaration.name, source.declaration.connection_id
        with TaskGroup(name, tooltip=source.declaration.title):
            if source.declaration.indexed:
                index = tasks.index.override(task_id="index", pool=pool)
                index(name)
            end = tasks.end_retention.override(task_id="end_retention", pool=pool, trigger_rule=TriggerRule.ALL_DONE)
            ended[name] = end(name)
    for source in SOURCES:
        for before in source.declaration.erase_after:
            ended[before] >> ended[source.declaration.name]
    list(ended.values()) >> tasks.needs_person()

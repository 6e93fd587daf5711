"""
# Upkeep, every night

| Task | What it does | When it is red |
|---|---|---|
| *start_pending* | starts requests that were accepted while Airflow could not be reached | see the service user |
| *index* | reads what is new in a system without look-up into the keyed-hash index | its log ends in a code |
| *end_links* | destroys case files whose download link has ended | clear it |
| *sweep* | removes working data of runs that are gone, and case files that nobody needs any more | clear it |

The search report tells how old an index is. Start this by hand
after connecting a source: a system whose index was never read can't be searched.
"""

from airflow.sdk import DAG, TaskGroup

import dsr_keeping as tasks
from dsr_retries import DEFAULT_ARGS
from extractors import SOURCES

with DAG(
    "dsr_upkeep",
    description="Starts what is pending, refreshes indexes, ends links and case files",
    doc_md=__doc__,
    schedule="17 3 * * *",
    catchup=False,
    max_active_runs=1,
    default_args=dict(DEFAULT_ARGS),
    tags=["dsr"],
):
    tasks.start_pending()
    tasks.end_links() >> tasks.sweep()
    for source in SOURCES:
        if source.declaration.indexed:
            with TaskGroup(source.declaration.name, tooltip=source.declaration.title):
                index = tasks.index.override(task_id="index", pool=source.declaration.connection_id)
                index(source.declaration.name)

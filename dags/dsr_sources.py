"""
# Sources, every morning, and when an officer asks for it on the page *Sources*

Each system is looked at by a few calls that read nobody's data: is it reached, does it let us in, is all there that is
declared, and does it hold what nobody has declared. The page *Sources* and `python -m dsr sources check` show it.

| What you see | What to do |
|---|---|
| `drift.new` | new tables or fields: the log names them; have them declared or excluded |
| `http.401`, `credentials.refused`, `signin.…` | renew the connection `dsr_<source>` |
| `table.missing`, `column.missing`, `object_missing.…` | put the mapping or the user's rights in line with it |
| up for retry | the system is down |
| skipped | it has no connection, or the run was for another source |

A run for one source: conf `{"source": "salesforce"}`.
"""

from airflow.sdk import DAG

import dsr_checking as tasks
from dsr_retries import DEFAULT_ARGS
from extractors import SOURCES

with DAG(
    "dsr_sources",
    description="Looks whether each source lets us in, and whether it holds what nobody has declared",
    doc_md=__doc__,
    schedule="41 5 * * *",
    catchup=False,
    max_active_runs=4,
    default_args={**DEFAULT_ARGS, "retries": 2},
    tags=["dsr"],
):
    for source in SOURCES:
        declaration = source.declaration
        check = tasks.check.override(task_id=declaration.name, pool=declaration.connection_id)
        check(declaration.name)

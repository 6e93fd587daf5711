"""How a task starts the run of another DAG: by what Airflow's own operator for it raises. That operator loads the
server's models, a second of every task's time."""

from collections.abc import Mapping
from typing import NoReturn

from airflow.sdk.exceptions import DagRunTriggerException


def start_run(dag_id: str, run_id: str, conf: Mapping[str, str], *, reset: bool = False) -> NoReturn:
    """Ends the task with a run started: `reset` clears one that is there, else that is a success too."""
    raise DagRunTriggerException(
        trigger_dag_id=dag_id,
        dag_run_id=run_id,
        conf=dict(conf),
        logical_date=None,
        reset_dag_run=reset,
        skip_when_already_exists=not reset,
        wait_for_completion=False,
        allowed_states=[],
        failed_states=[],
        poke_interval=60,
        deferrable=False,
    )

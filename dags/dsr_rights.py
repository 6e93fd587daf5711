"""Which DAG answers which right. A run of another one must not touch the request: they share one case file."""

from collections.abc import Mapping
from typing import Final

from airflow.sdk import get_parsing_context

from dsr.errors import PermanentError

_DAGS: Final = {"withdrawal": "dsr_objection"}
"""Rights that another right's DAG answers, as `dsr.airflow_client` starts them."""


def dag_of(right: str) -> str:
    """The DAG that answers requests of that right."""
    return _DAGS.get(right, f"dsr_{right}")


def read_now(rights: Mapping[str, str]) -> dict[str, str]:
    """Those of a file's rights, with their descriptions, whose DAGs are to be made: the process of a task makes its own
    alone, since it reads the file anew, and each DAG takes it some milliseconds. Whoever reads all files for one DAG
    (`airflow dags test`) names no task, and gets all."""
    dag_id, task_id = get_parsing_context()
    return {right: text for right, text in rights.items() if task_id is None or dag_id == dag_of(right)}


def of_right(dag_id: str, right: str) -> None:
    """PermanentError("run.right") when that DAG doesn't answer requests of that right."""
    if dag_id != dag_of(right):
        raise PermanentError("run.right", "task")

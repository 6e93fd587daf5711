"""Which DAG answers which right. A run of another one must not touch the request: they share one case file."""

from typing import Final

from dsr.errors import PermanentError

_DAGS: Final = {"withdrawal": "dsr_objection"}
"""Rights that another right's DAG answers, as `dsr.airflow_client` starts them."""


def dag_of(right: str) -> str:
    """The DAG that answers requests of that right."""
    return _DAGS.get(right, f"dsr_{right}")


def of_right(dag_id: str, right: str) -> None:
    """PermanentError("run.right") when that DAG doesn't answer requests of that right."""
    if dag_id != dag_of(right):
        raise PermanentError("run.right", "task")

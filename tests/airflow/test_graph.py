"""What the officer and the engineer see in Airflow: the graph, its documentation, its pools."""

from typing import Any

import pytest
from observed import Observed

from embedded.journey import DAG, SHAPE
from extractors import SOURCES

pytestmark = pytest.mark.airflow


def tasks(stack: Observed, dag_id: str) -> dict[str, dict[str, Any]]:
    """Task id → the task as Airflow's API shows it."""
    with stack.running.client("engineer") as client:
        return {task["task_id"]: task for task in client.get(f"dags/{dag_id}/tasks")["tasks"]}


def test_no_dag_failed_to_be_read(stack: Observed) -> None:
    with stack.running.client("engineer") as client:
        assert client.import_errors() == []


def test_one_named_group_per_source_with_its_own_pool(stack: Observed) -> None:
    graph = tasks(stack, DAG)
    with stack.running.client("engineer") as client:
        pools = {pool["name"]: pool["slots"] for pool in client.get("pools")["pools"]}
    for source in SOURCES:
        declaration = source.declaration
        task = graph[f"{declaration.name}.collect"]
        assert task["pool"] == declaration.connection_id
        assert task["retries"] > 0
        assert pools[declaration.connection_id] == declaration.concurrency


def test_the_shape_that_is_measured_is_the_shape_that_runs(stack: Observed) -> None:
    def shape(dag_id: str) -> dict[str, tuple[Any, ...]]:
        return {
            name: (sorted(task["downstream_task_ids"]), task["trigger_rule"], task["pool"])
            for name, task in tasks(stack, dag_id).items()
        }

    assert shape(DAG) == shape(SHAPE)


def test_the_dag_is_documented_and_so_is_every_task(stack: Observed) -> None:
    with stack.running.client("engineer") as client:
        runbook = client.get(f"dags/{DAG}/details")["doc_md"]
    assert "What to do" in runbook
    assert [name for name, task in tasks(stack, DAG).items() if not task["doc_md"]] == []

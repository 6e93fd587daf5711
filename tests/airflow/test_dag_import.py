"""DAG files can be read and serialised, cheaply, without any service."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from extractors import SOURCES

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.airflow

_READ = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
clients = {"pandas", "boto3", "simple_salesforce", "pyrage", "psycopg", "stream_zip", "fastapi"}
before = set(sys.modules)
bag = DagBag(sys.argv[1])
loaded = clients & (set(sys.modules) - before)
dags = {name: DagSerialization.to_dict(dag) for name, dag in bag.dags.items()}
def drawn(dag):
    group = DagSerialization.from_dict(dag).task_group
    try:
        return len([group.topological_sort() for group in [group, *group.get_task_group_dict().values()]])
    except ValueError as error:
        return str(error)
read = {"errors": bag.import_errors, "dags": dags, "heavy": sorted(loaded)}
read["drawn"] = {name: drawn(dag) for name, dag in dags.items()}
json.dump(read, open(sys.argv[2], "w"), default=str)
"""


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process of its own reads from the folder `dags`."""
    home = tmp_path_factory.mktemp("airflow")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "DSR_"))}
    environment |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'dags'}",
    }
    command = [sys.executable, "-c", _READ, str(ROOT / "dags"), str(home / "read.json")]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    result: dict[str, Any] = json.loads((home / "read.json").read_text())
    return result


def test_what_is_no_dag_is_not_parsed_as_one() -> None:
    """Each would be parsed anew every few seconds."""
    dags = ROOT / "dags"
    ignored = {line for line in (dags / ".airflowignore").read_text().splitlines() if not line.startswith("#")}
    assert ignored == {path.name for path in dags.glob("*.py") if "DAG(" not in path.read_text()}


def test_all_dags_are_read_and_serialised(read: dict[str, Any]) -> None:
    assert read["errors"] == {}
    assert set(read["dags"]) == {
        "dsr_access",
        "dsr_deadlines",
        "dsr_erasure",
        "dsr_erasure_list",
        "dsr_extension",
        "dsr_objection",
        "dsr_planning_anew",
        "dsr_portability",
        "dsr_rectification",
        "dsr_restriction",
        "dsr_sources",
        "dsr_tickets",
        "dsr_triage",
        "dsr_upkeep",
    }


def test_no_request_waits_for_another_ones_decision(read: dict[str, Any]) -> None:
    """A run that stands at a person's decision counts as running for Airflow, for weeks."""
    requests = {"dsr_access", "dsr_erasure", "dsr_objection", "dsr_planning_anew", "dsr_portability",
                "dsr_rectification", "dsr_restriction", "dsr_triage"}  # fmt: skip
    assert {read["dags"][name]["dag"]["max_active_runs"] >= 100_000 for name in requests} == {True}


def test_their_groups_can_be_drawn(read: dict[str, Any]) -> None:
    """Airflow shows neither graph nor grid of a DAG in which a group comes both before and after something else, though
    it runs it."""
    assert {name: what for name, what in read["drawn"].items() if isinstance(what, str)} == {}


def test_reading_them_imports_nothing_heavy(read: dict[str, Any]) -> None:
    """Every task reads its DAG file: an import of a vendor's client there costs each a second."""
    assert read["heavy"] == []


def test_what_was_kept_is_erased_in_the_vendors_order(read: dict[str, Any]) -> None:
    """One task per system in its own pool, after those that must be erased from first, whatever became of them; and
    when one of them is red the night's run is."""
    tasks = {task["__var"]["task_id"]: task["__var"] for task in read["dags"]["dsr_upkeep"]["dag"]["tasks"]}
    for source in SOURCES:
        declaration = source.declaration
        task = tasks[f"{declaration.name}.end_retention"]
        assert (task["pool"], task["trigger_rule"]) == (declaration.connection_id, "all_done")
        assert "needs_person" in task["downstream_task_ids"]
        for before in declaration.erase_after:
            assert task["task_id"] in tasks[f"{before}.end_retention"]["downstream_task_ids"]
    assert tasks["needs_person"]["trigger_rule"] == "one_failed"


def test_each_chunk_of_a_list_is_followed_by_itself(read: dict[str, Any]) -> None:
    """Airflow starts a mapped group's second task as soon as the first of the same chunk is done."""
    _, group = read["dags"]["dsr_erasure_list"]["dag"]["task_group"]["children"]["carry_out_and_follow"]
    assert group["is_mapped"]
    assert set(group["children"]) == {"carry_out", "follow_notices"}


@pytest.mark.parametrize(("dag_id", "name"), [("dsr_portability", "dsr_disclose"), ("dsr_objection", "dsr_enforce")])
def test_a_task_reads_its_own_dag_alone(dag_id: str, name: str, tmp_path: Path, read: dict[str, Any]) -> None:
    """Each task's process reads the file anew, and a file holds the DAGs of several rights."""
    file = ROOT / "dags" / f"{name}.py"
    script = (
        "import sys, json\n"
        "from airflow.dag_processing.dagbag import BundleDagBag\n"
        "from airflow.sdk.definitions._internal.dag_parsing_context import _airflow_parsing_context_manager\n"
        "with _airflow_parsing_context_manager(dag_id=sys.argv[1], task_id='identify'):\n"
        "    bag = BundleDagBag(sys.argv[2], bundle_path=sys.argv[3], bundle_name='dsr')\n"
        "assert not bag.import_errors\n"
        "print('read', json.dumps([[dag.dag_id, sorted(dag.task_ids)] for dag in bag.dags.values()]))\n"
    )
    command = [sys.executable, "-c", script, dag_id, str(file), str(file.parent)]
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": f"{ROOT}{os.pathsep}{file.parent}"}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    [line] = [line for line in done.stdout.splitlines() if line.startswith("read ")]
    [[found, tasks]] = json.loads(line[5:])
    everything = {task["__var"]["task_id"] for task in read["dags"][dag_id]["dag"]["tasks"]}
    assert (found, set(tasks)) == (dag_id, everything)

"""Airflow's REST API v2 as far as the stack, the demonstration and the tests use it."""

import ssl
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

import httpx

from embedded.process import StackError

FINAL = frozenset({"success", "failed"})


class AirflowClient:
    """Signed in as one user. Answers are JSON as the API gives it; refusals are httpx.HTTPStatusError. `trust`: whose
    certificates are, True = the usual authorities'."""

    def __init__(self, url: str, user: str, password: str, trust: ssl.SSLContext | bool = True) -> None:
        self._http = httpx.Client(base_url=url, timeout=30.0, trust_env=False, verify=trust)
        token = self._http.post("/auth/token", json={"username": user, "password": password})
        token.raise_for_status()
        self._http.headers["Authorization"] = f"Bearer {token.json()['access_token']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
        """GET below /api/v2."""
        return self._http.get(f"/api/v2/{path}", params=params).raise_for_status().json()

    def console(
        self, method: str, path: str, fields: dict[str, Any] | None = None, files: dict[str, bytes] | None = None
    ) -> httpx.Response:
        """A page of ours, below /dsr-console; redirects are not followed. `files`: field → what a chosen file holds."""
        return self._http.request(method, f"/dsr-console/{path}", data=fields, files=files)

    def has_dags(self, dag_ids: Iterable[str]) -> bool:
        """Whether all of these are read in and not stale."""
        known = {dag["dag_id"] for dag in self.get("dags", limit=100)["dags"]}
        return known.issuperset(dag_ids)

    def import_errors(self) -> list[str]:
        """What DAG files failed with; [] = all were read."""
        return [f"{e['filename']}: {e['stack_trace']}" for e in self.get("importErrors")["import_errors"]]

    def start(self, dag_id: str, run_id: str | None = None, conf: dict[str, Any] | None = None) -> str:
        """Start a run; returns its id."""
        body = {"dag_run_id": run_id, "conf": conf or {}, "logical_date": None}
        run = self._http.post(f"/api/v2/dags/{dag_id}/dagRuns", json=body).raise_for_status().json()
        return str(run["dag_run_id"])

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """A run; {} when there is none (yet)."""
        answer = self._http.get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return {}
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def tasks(self, dag_id: str, run_id: str) -> dict[str, dict[str, Any]]:
        """The task instances of a run by task id."""
        rows = self.get(f"dags/{dag_id}/dagRuns/{run_id}/taskInstances", limit=200)["task_instances"]
        return {row["task_id"]: row for row in rows}

    def tasks_in(
        self, run_ids: Iterable[str], states: Iterable[str], task_ids: Iterable[str] | None = None
    ) -> list[dict[str, Any]]:
        """The task instances of these runs, of any DAG, that are in one of the states; None = of any task."""
        wanted = {"dag_run_ids": list(run_ids), "state": list(states), "page_limit": 1000}
        wanted |= {"task_ids": list(task_ids)} if task_ids is not None else {}
        answer = self._http.post("/api/v2/dags/~/dagRuns/~/taskInstances/list", json=wanted).raise_for_status()
        found: list[dict[str, Any]] = answer.json()["task_instances"]
        return found

    def awaits_input(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Human decisions that a run waits for: [{"task_id", "options", "body", …}]; parked ones only."""
        details = self.get(f"dags/{dag_id}/dagRuns/{run_id}/hitlDetails", response_received=False)["hitl_details"]
        parked = [d for d in details if d["task_instance"]["state"] == "awaiting_input"]
        return [{**d, "task_id": d["task_instance"]["task_id"]} for d in parked]

    def answer(self, dag_id: str, run_id: str, task_id: str, option: str) -> None:
        """Answer a human decision as the signed-in user."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"
        self._http.patch(path, json={"chosen_options": [option], "params_input": {}}).raise_for_status()

    def clear(self, dag_id: str, run_id: str, task_ids: Iterable[str], *, downstream: bool = False) -> None:
        """Let these tasks of a run run again, with what follows them if asked."""
        wanted = {"dag_run_id": run_id, "task_ids": list(task_ids), "include_downstream": downstream}
        body = {**wanted, "dry_run": False, "only_failed": False, "reset_dag_runs": True}
        self._http.post(f"/api/v2/dags/{dag_id}/clearTaskInstances", json=body).raise_for_status()

    def ensure_pools(self, pools: Iterable[tuple[str, int]]) -> None:
        """Make the pools of that name and number of slots, or bring them in line."""
        entities = [
            {"name": name, "slots": slots, "description": "", "include_deferred": False} for name, slots in pools
        ]
        actions = [{"action": "create", "entities": entities, "action_on_existence": "overwrite"}]
        answer = self._http.patch("/api/v2/pools", json={"actions": actions}).raise_for_status().json()
        if errors := answer.get("create", {}).get("errors"):
            raise StackError(f"pools could not be made: {errors}")

    def wait(self, done: Callable[[], Any], what: str, seconds: float, every: float = 0.2) -> Any:
        """Poll until `done` gives something true, and return that. StackError when the time is over."""
        deadline = time.monotonic() + seconds
        while not (result := done()):
            if time.monotonic() > deadline:
                raise StackError(f"{what}: not within {seconds:.0f} s")
            time.sleep(every)
        return result

    def wait_for_end(self, dag_id: str, run_id: str, seconds: float) -> str:
        """Wait until a run has ended; its state, success or failed."""
        state = self.wait(
            lambda: (s := self.run(dag_id, run_id).get("state")) in FINAL and s, f"{dag_id} to end", seconds
        )
        return str(state)

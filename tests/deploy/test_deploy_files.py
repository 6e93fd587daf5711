"""What the image runs beside Airflow: bucket, health check, roles, preloading, pools."""

import importlib.util
import json
import runpy
import sys
import threading
import types
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from dsr import vocabulary
from dsr.pools import pools
from dsr.source import Declaration
from sandbox.seaweed import SeaweedFS

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


def load(name: str) -> Any:
    """A file of deploy/ as a module."""
    spec = importlib.util.spec_from_file_location(f"deploy_{name}", DEPLOY / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    server = SeaweedFS(tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.stop()


def client(store: SeaweedFS) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=store.endpoint,
        region_name="eu-north-1",
        aws_access_key_id=store.access_key,
        aws_secret_access_key=store.secret_key,
    )


def address(store: SeaweedFS, bucket: str, secret: str = "") -> str:
    host = store.endpoint.removeprefix("http://").replace(":", "%3A")
    sign_in = f"{store.access_key}:{secret or store.secret_key}"
    return f"s3://{sign_in}@{bucket}?scheme=http&endpoint_override={host}&region=eu-north-1"


def test_the_bucket_is_made_once(store: SeaweedFS, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSR_CASE_STORE", address(store, "made-once"))
    bucket = load("bucket")
    bucket.main()
    bucket.main()
    assert "made-once" in [found["Name"] for found in client(store).list_buckets()["Buckets"]]


def test_a_bucket_that_keeps_old_versions_is_refused(store: SeaweedFS, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSR_CASE_STORE", address(store, "versioned"))
    client(store).create_bucket(Bucket="versioned")
    client(store).put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    with pytest.raises(SystemExit, match="old versions"):
        load("bucket").main()


def test_a_store_that_does_not_know_us_is_an_error(store: SeaweedFS, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSR_CASE_STORE", address(store, "foreign", secret="wrong"))
    with pytest.raises(SystemExit, match="foreign"):
        load("bucket").main()


class Report(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        report = {"scheduler": {"status": "healthy"}, "triggerer": {"status": "unhealthy"}}
        self.send_response(503 if self.path == "/ill" else 200)
        self.end_headers()
        self.wfile.write(json.dumps(report).encode())

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def test_health_is_the_components_own() -> None:
    healthy = load("healthy").main
    with HTTPServer(("127.0.0.1", 0), Report) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        assert healthy(f"{url}/well") == 0
        assert healthy(f"{url}/well", "scheduler") == 0
        assert healthy(f"{url}/well", "triggerer") == 1
        with pytest.raises(OSError, match="503"):
            healthy(f"{url}/ill")
        server.shutdown()
    with pytest.raises(OSError, match="refused"):
        healthy(f"{url}/well")


def test_the_service_user_may_start_requests_and_nothing_else() -> None:
    access = load("access")
    assert set(access.REQUESTS) == {f"dsr_{right}" for right in vocabulary.RIGHTS if right != "withdrawal"}
    edits = {("can_edit", f"DAG:{dag_id}") for dag_id in (*access.REQUESTS, access.TRIAGE, access.SOURCES, access.LIST)}
    assert set(access.ROLES["dsr intake"]) == {("can_create", "DAG Runs"), ("can_read", "Website"), *edits}


def test_the_officer_decides_but_holds_no_secrets() -> None:
    """An officer starts runs of requests, those that extend a request's time, and looks at the sources; no upkeep."""
    access = load("access")
    granted = access.ROLES["dsr officer"]
    assert ("can_edit", "HITL Detail") in granted
    assert ("can_edit", "DAGs") not in granted
    made = {(action, what) for action, what in granted if action in ("can_delete", "can_create")}
    started = (*access.REQUESTS, access.TRIAGE, access.SOURCES, access.LIST, access.EXTENSION)
    assert made == {("can_create", f"DAG Run:{dag_id}") for dag_id in started}
    assert not {resource for _, resource in granted} & {"Connections", "Variables", "Configurations", "Users", "Roles"}


@pytest.mark.airflow
def test_who_may_start_which_run() -> None:
    """As Airflow's own manager reads the roles."""
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
    from airflow.providers.fab.auth_manager.fab_auth_manager import FabAuthManager

    access, manager = load("access"), FabAuthManager()
    started = (*access.REQUESTS, access.TRIAGE, access.SOURCES, access.LIST)
    may = {
        (role, dag_id)
        for role, granted in access.ROLES.items()
        for dag_id in (*started, access.EXTENSION, access.PLANNING, "dsr_upkeep")
        if manager.is_authorized_dag(
            method="POST",
            user=types.SimpleNamespace(perms=set(granted), roles=[]),
            access_entity=DagAccessEntity.RUN,
            details=DagDetails(id=dag_id),
        )
    }
    both = {(role, dag_id) for role in ("dsr officer", "dsr intake") for dag_id in started}
    assert may == {("dsr officer", access.EXTENSION), *both}


@pytest.mark.airflow
def test_who_may_review() -> None:
    """Whoever decides about a run sees what its review holds; the webhook's user doesn't."""
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
    from airflow.providers.fab.auth_manager.fab_auth_manager import FabAuthManager

    access, manager = load("access"), FabAuthManager()
    may = {
        role
        for role, granted in access.ROLES.items()
        for dag_id in access.REQUESTS
        if manager.is_authorized_dag(
            method="PUT",
            user=types.SimpleNamespace(perms=set(granted), roles=[]),
            access_entity=DagAccessEntity.HITL_DETAIL,
            details=DagDetails(id=dag_id),
        )
    }
    assert may == {"dsr officer"}


@pytest.mark.parametrize(
    ("process", "called"),
    [
        (["airflow", "celery", "worker"], ["preload"]),
        (["airflow", "scheduler"], ["leave_out"]),
        (["airflow", "api-server"], []),
    ],
)
def test_the_worker_preloads_and_the_scheduler_leaves_out_who_waits(
    process: list[str], called: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    for module, name in (("dsr_preload", "preload"), ("dsr_quiet", "leave_out")):
        stand_in = types.ModuleType(module)
        setattr(stand_in, name, partial(calls.append, name))
        monkeypatch.setitem(sys.modules, module, stand_in)
    monkeypatch.setattr(sys, "argv", process)
    runpy.run_path(str(DEPLOY / "airflow_local_settings.py"))
    assert calls == called


def test_a_pool_per_source_in_airflows_form() -> None:
    source = Declaration("crm", "The CRM", "processor", "http", {}, (), ("email",), concurrency=3)
    assert pools([source]) == {"dsr_crm": {"slots": 3, "description": "The CRM", "include_deferred": False}}

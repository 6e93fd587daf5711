"""The processes of docker-compose.yaml, as deploy/ sets them up: who may do what, who reaches which database, and that
`init` can be run with every start."""

from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from observed import Observed

pytestmark = [pytest.mark.production, pytest.mark.timeout(1800)]


def database(stack: Observed, variable: str, service: str = "worker") -> Any:
    """Address of a process's database, as psycopg takes it."""
    return urlsplit(stack.running.composed.environment(service)[variable])._replace(scheme="postgresql")


def test_airflow_and_the_ledger_have_a_database_each_and_cannot_reach_the_others(stack: Observed) -> None:
    ledger, airflow = (database(stack, v) for v in ("DSR_LEDGER_URL", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"))
    for own, other in ((ledger, airflow), (airflow, ledger)):
        with psycopg.connect(own.geturl()) as connection:
            assert connection.execute("SELECT NOT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (
                True,
            )
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(own._replace(path=other.path).geturl())


def test_the_webhooks_user_reads_nothing_and_the_officer_sees_no_connections(stack: Observed) -> None:
    for user, path in (
        ("intake", "dags/dsr_access/dagRuns"),
        ("intake", "dags/dsr_access/dagRuns/~/hitlDetails"),
        ("intake", "connections"),
        ("officer", "connections"),
        ("officer", "variables"),
        ("second", "connections"),
    ):
        with pytest.raises(httpx.HTTPStatusError, match="403"):
            stack.user(user).get(path)
    assert stack.user("officer").get("dags/dsr_access/dagRuns")["dag_runs"] is not None
    assert stack.user("engineer").get("connections")["total_entries"] > 0
    for page in ("lists", "requests"):
        assert stack.user("intake").console("GET", page).status_code == 403, page
        assert stack.user("officer").console("GET", page).status_code == 200, page
    assert 'type="file"' in stack.user("officer").console("GET", "lists").text


def test_nobody_reads_without_signing_in(stack: Observed) -> None:
    with httpx.Client(base_url=stack.running.airflow_url, trust_env=False, verify=stack.running.trust) as stranger:
        for path in ("/api/v2/dags", "/api/v2/connections", "/dsr-console/requests"):
            assert stranger.get(path).status_code in (401, 403, 302, 303, 307), path
        assert stranger.post("/auth/token", json={"username": "officer", "password": "wrong"}).status_code == 401


def test_init_runs_with_every_start_and_changes_nothing(stack: Observed) -> None:
    def standing() -> list[Any]:
        engineer = stack.user("engineer")
        return [engineer.get(path, limit=200) for path in ("pools", "connections")] + [
            engineer._http.get("/auth/fab/v1/roles", params={"limit": 100}).raise_for_status().json(),
            engineer._http.get("/auth/fab/v1/users", params={"limit": 100}).raise_for_status().json(),
        ]

    before = standing()
    stack.running.run("init", stack.running.composed.command("init"))
    after = standing()
    assert [_settled(found) for found in before] == [_settled(found) for found in after]


def _settled(found: Any) -> Any:
    """Without what differs from moment to moment."""
    if isinstance(found, dict):
        moments = ("login_count", "last_login", "changed_on", "_slots")
        return {name: _settled(value) for name, value in found.items() if not name.endswith(moments)}
    return sorted(map(_settled, found), key=repr) if isinstance(found, list) else found

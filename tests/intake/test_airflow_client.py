"""Starting runs over Airflow's REST API: idempotent, signed in, and never a permanent failure."""

from datetime import UTC, datetime

import httpx
import pytest
from front_desk import FakeAirflow

from dsr.airflow_client import AirflowClient
from dsr.errors import TransientError

AT = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)


def test_a_second_start_is_a_success(airflow: FakeAirflow, airflow_url: str) -> None:
    client = AirflowClient(airflow_url, "dsr", "pw")
    client.start("access", "dsr-aaaa", AT)
    client.start("access", "dsr-aaaa", AT)
    assert airflow.tokens == 1
    assert airflow.runs["dsr-aaaa"] == {
        "dag": "dsr_access",
        "dag_run_id": "dsr-aaaa",
        "logical_date": None,
        "conf": {"request_id": "dsr-aaaa", "received_at": "2026-03-05T09:30:00+00:00"},
    }


def test_a_look_at_a_source_is_started_once_a_minute(airflow: FakeAirflow, airflow_url: str) -> None:
    client = AirflowClient(airflow_url, "dsr", "pw")
    for second in (0, 20):
        client.check_source("pardot", AT.replace(second=second))
    (run,) = airflow.runs.values()
    assert run["dag"] == "dsr_sources"
    assert (run["dag_run_id"], run["conf"]) == ("check-pardot-20260305T0930", {"source": "pardot"})


def test_an_old_token_is_renewed(airflow: FakeAirflow, airflow_url: str) -> None:
    client = AirflowClient(airflow_url, "dsr", "pw")
    client.start("access", "dsr-aaaa", AT)
    airflow.tokens += 1  # the one that the client has is not valid any more
    client.start("access", "dsr-bbbb", AT)
    assert "dsr-bbbb" in airflow.runs


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
def test_failures_are_for_later(airflow: FakeAirflow, airflow_url: str, status: int) -> None:
    airflow.refuse = status
    with pytest.raises(TransientError, match=f"http.{status}"):
        AirflowClient(airflow_url, "dsr", "pw").start("access", "dsr-aaaa", AT)
    with pytest.raises(TransientError, match=r"http\.401"):
        AirflowClient(airflow_url, "dsr", "wrong").start("access", "dsr-aaaa", AT)
    with pytest.raises(TransientError, match=r"connection\.failed"):
        AirflowClient("http://127.0.0.1:1", "dsr", "pw").start("access", "dsr-aaaa", AT)


@pytest.mark.parametrize("path", ["/auth/token", "/api/v2/dags/dsr_access/dagRuns"])
@pytest.mark.parametrize(
    "body", [b"<html>Sign in</html>", b"[]", b"{}", b'{"access_token":7,"dag_run_id":"x"}', b"[" * 99_999]
)
def test_something_else_than_airflow_answers(path: str, body: bytes) -> None:
    """A proxy's page with 200 starts nothing, whatever it says: the request is started later."""
    good = {"/auth/token": {"access_token": "t"}}

    def answer(request: httpx.Request) -> httpx.Response:
        return (
            httpx.Response(200, content=body)
            if request.url.path == path
            else httpx.Response(201, json=good[request.url.path])
        )

    client = AirflowClient("https://airflow.example", "dsr", "pw", transport=httpx.MockTransport(answer))
    with pytest.raises(TransientError, match=r"answer\.invalid"):
        client.start("access", "dsr-aaaa", AT)

"""`python -m dsr sources check` and `register check --json`, through the sandbox's wire, and the DAG's task."""

import json
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from running_sandbox import Sandbox

from dsr.__main__ import main
from dsr.checks import Checks
from dsr.database import connect
from dsr.errors import PermanentError, TransientError

ROOT = Path(__file__).parent.parent.parent
SOURCES = ("salesforce", "pardot", "invoicing", "webinars", "recordings")


@pytest.fixture
def ledger_url(new_ledger: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty ledger that the environment names."""
    url = new_ledger()
    monkeypatch.setenv("DSR_LEDGER_URL", url)
    return url


def connected(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """These sources have a connection in the environment."""
    for name in names:
        fields = sandbox.endpoints["connections"][f"dsr_{name}"]
        monkeypatch.setenv(f"AIRFLOW_CONN_DSR_{name.upper()}", json.dumps(fields))


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """The JSON that was printed."""
    return json.loads(capsys.readouterr().out)


def test_it_looks_and_remembers(
    sandbox: Sandbox, ledger_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All five through their wires; new at first and known then; without connections, the last look."""
    connected(sandbox, monkeypatch, *SOURCES)
    assert main(["sources", "check", "--json"]) == 1
    first = {one["source"]: one for one in said(capsys)["sources"]}
    assert tuple(first) == SOURCES
    assert {one["code"] for one in first.values()} == {""}
    assert first["salesforce"]["fresh"] == first["salesforce"]["undeclared"] != []
    assert first["salesforce"]["calls_a_day"] > first["salesforce"]["calls_left"]
    assert main(["sources", "check", "--json"]) == 0
    again = {one["source"]: one for one in said(capsys)["sources"]}
    assert again["salesforce"]["fresh"] == []
    for name in SOURCES:
        monkeypatch.delenv(f"AIRFLOW_CONN_DSR_{name.upper()}")
    assert main(["sources", "check"]) == 0
    table = capsys.readouterr().out
    assert "Contact.Shoe_Size__c" in table
    assert "new:" not in table


def test_one_that_refuses_and_one_without_a_connection(
    sandbox: Sandbox, ledger_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are looked at all the same."""
    connected(sandbox, monkeypatch, "salesforce", "pardot", "webinars")
    fields = {**sandbox.endpoints["connections"]["dsr_webinars"], "password": ""}
    monkeypatch.setenv("AIRFLOW_CONN_DSR_WEBINARS", json.dumps(fields))
    sandbox.fault(system="salesforce", kind="status", status=403, body="{}")
    assert main(["sources", "check", "--json"]) == 1
    found = {one["source"]: one for one in said(capsys)["sources"]}
    assert found["salesforce"]["code"] == "http.403"
    assert found["webinars"]["code"] == "connection.password"
    assert (found["pardot"]["code"], found["invoicing"]) == ("", {"source": "invoicing", "at": None})


def test_the_list_is_still_there(capsys: pytest.CaptureFixture[str]) -> None:
    """Without an action."""
    assert main(["sources"]) == 0
    assert "connection dsr_salesforce" in capsys.readouterr().out


def test_the_register_for_programs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same problems as in words."""
    monkeypatch.delenv("DSR_REGISTER", raising=False)
    assert main(["register", "check", "--json"]) == 1
    problems = said(capsys)["problems"]
    assert main(["register", "check"]) == 1
    table = capsys.readouterr().out
    assert problems
    assert all(problem["words"] in table for problem in problems)
    assert {"row", "code", "words"} == set(problems[0])


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, ledger_url: str) -> Iterator[Callable[..., None]]:
    """The DAG's task as Airflow calls it, its connections those of the sandbox; `only`: of the run's conf."""
    monkeypatch.syspath_prepend(str(ROOT / "dags"))
    import dsr_checking
    import dsr_coded
    import dsr_workplace

    connections = {"dsr_salesforce", "dsr_pardot"}
    monkeypatch.setattr(dsr_coded, "die_with_supervisor", lambda: None)
    monkeypatch.setattr(
        dsr_workplace.Workplace,
        "connection",
        lambda _, conn_id: sandbox.connection(conn_id) if conn_id in connections else None,
    )
    engine = connect(ledger_url)
    monkeypatch.setattr(dsr_workplace.Workplace, "engine", engine)
    run = types.SimpleNamespace(conf=None)
    monkeypatch.setattr(dsr_checking, "get_current_context", lambda: {"dag_run": run})

    def call(source: str, only: str = "") -> None:
        run.conf = {"source": only} if only else None
        dsr_checking.check.function(source)

    yield call
    engine.dispose()


@pytest.mark.airflow
def test_the_task_is_red_with_what_to_do(task: Callable[..., None], sandbox: Sandbox, ledger_url: str) -> None:
    """New drift once; what is refused; skipped where there is no connection, or another source was asked for."""
    from airflow.sdk.exceptions import AirflowSkipException

    with pytest.raises(PermanentError, match=r"drift\.new"):
        task("salesforce")
    task("salesforce")
    with pytest.raises(AirflowSkipException):
        task("webinars")
    with pytest.raises(AirflowSkipException):
        task("salesforce", only="pardot")
    sandbox.fault(system="pardot", kind="status", status=503, body="")
    with pytest.raises(TransientError, match=r"token\.refused"):
        task("pardot", only="pardot")
    engine = connect(ledger_url)
    last = {name: check.code for name, check in Checks(engine).last().items()}
    engine.dispose()
    assert last == {"salesforce": "", "webinars": "connection.missing", "pardot": "token.refused"}
    documented = sys.modules["dsr_checking"].check.function.__doc__ or ""
    assert "drift.new" in documented


def test_airflow_imports_every_connection(sandbox: Sandbox) -> None:
    """`airflow connections import` takes no empty `extra`."""
    connections = sandbox.endpoints["connections"]
    assert {"dsr_salesforce", "dsr_sms", "dsr_mail"} <= set(connections)
    assert [name for name, fields in connections.items() if "extra" in fields and not fields["extra"]] == []

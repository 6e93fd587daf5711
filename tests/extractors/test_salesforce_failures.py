"""Salesforce as a source when things go wrong: errors, sign-in, connection, logs."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from conformance import find_all, records
from running_sandbox import Sandbox
from salesforce_server import connect, serving, settings, subject

from dsr.errors import DsrError, PermanentError, TransientError
from dsr.model import Attachment
from extractors.salesforce import Salesforce, client, failures


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Salesforce alone instead of the whole sandbox."""
    with serving(tmp_path_factory.mktemp("salesforce")) as running:
        yield running


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ({"status": 500, "body": "<html>error</html>"}, TransientError, "http.500"),
        ({"status": 503, "body": '[{"errorCode":"SERVER_UNAVAILABLE","message":"x"}]'}, TransientError,
         "server_unavailable"),
        ({"status": 400, "body": '[{"errorCode":"UNABLE_TO_LOCK_ROW","message":"x"}]'}, TransientError, "row_locked"),
        ({"status": 400, "body": '[{"errorCode":"MALFORMED_QUERY","message":"x"}]'}, PermanentError,
         "malformed_query"),
        ({"status": 403, "body": '[{"errorCode":"API_DISABLED_FOR_ORG","message":"x"}]'}, PermanentError,
         "api_disabled"),
        ({"status": 403, "body": "<html>x</html>"}, PermanentError, "http.403"),
        ({"status": 302, "headers": {"location": "https://evil.example/"}}, PermanentError, "redirect.refused"),
        ({"status": 200, "body": "<html>Wartung</html>"}, TransientError, "body.invalid"),
        ({"status": 200, "body": '{"compositeResponse":[]}'}, TransientError, "body.invalid"),
        ({"kind": "reset"}, TransientError, "body.invalid"),
        ({"kind": "truncate"}, TransientError, "body.invalid"),
    ],
)  # fmt: skip
def test_errors_say_what_to_do(sandbox: Sandbox, fault: dict[str, Any], kind: type[DsrError], code: str) -> None:
    """Again later or stop, with a code, for every way in which a query may fail."""
    source = connect(sandbox)
    found = source.find([subject(sandbox.population.canary.email)])
    sandbox.fault(system="salesforce", path="composite", **fault)
    with pytest.raises(kind) as error:
        list(source.extract(found))
    assert (error.value.code, error.value.place) == (code, "salesforce")
    assert error.value.__cause__ is None
    assert sandbox.population.canary.email not in f"{error.value} {error.value!r}"


def test_a_query_that_fails_inside_a_composite_is_an_error(sandbox: Sandbox) -> None:
    """The call itself is a 200; with a field that is gone since the describe, one answer in it is not."""
    source = connect(sandbox)
    found = source.find([subject(sandbox.population.canary.email)])
    with settings(sandbox, hidden_fields=["Order.PoNumber"]), pytest.raises(PermanentError) as error:
        list(source.extract(found))
    assert error.value.code == "invalid_field"


def test_the_daily_limit_passes(sandbox: Sandbox) -> None:
    """403, but worth another try, in a while."""
    with settings(sandbox, daily_limit=0), pytest.raises(TransientError) as error:
        connect(sandbox).find([subject("a@b.example")])
    assert error.value.code == "rate_limited"
    assert error.value.retry_after == failures.LIMIT_WAIT


def test_a_revoked_session_is_renewed_once(sandbox: Sandbox) -> None:
    """And a session that is refused for good ends after one more try, unlike in simple-salesforce."""
    source = connect(sandbox)
    found = source.find([subject(sandbox.population.canary.email)])
    sandbox.admin.post("/salesforce/revoke").raise_for_status()
    assert records(p for p in source.extract(found) if not isinstance(p, Attachment))
    sandbox.forget()
    body = '[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]'
    sandbox.fault(system="salesforce", path="composite", status=401, body=body)
    with pytest.raises(PermanentError) as error:
        list(source.extract(found))
    assert error.value.code == "invalid_session"
    assert len(sandbox.calls("salesforce")) == 2


def test_a_revoked_session_is_renewed_for_files_too(sandbox: Sandbox) -> None:
    """Also between rows and bytes; a file that is gone is an error, not an empty file."""
    source = connect(sandbox)
    pieces = source.extract(find_all(source, sandbox, "same_name"))
    files = [p for p in pieces if isinstance(p, Attachment)]
    sandbox.admin.post("/salesforce/revoke").raise_for_status()
    assert b"".join(files[0].chunks)
    sandbox.fault(system="salesforce", path="VersionData|Body", status=404, body='[{"errorCode":"NOT_FOUND"}]')
    with pytest.raises(PermanentError) as error:
        list(files[1].chunks)
    assert error.value.code == "http.404"
    sandbox.forget()
    sandbox.fault(system="salesforce", path="VersionData|Body", kind="truncate")
    with pytest.raises(TransientError):
        list(files[2].chunks)


def test_waiting_has_an_end(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call has a time limit."""
    monkeypatch.setattr(client, "_TIMEOUT", (1.0, 0.2))
    sandbox.fault(system="salesforce", kind="slow", seconds=1.5)
    with pytest.raises(TransientError) as error:
        connect(sandbox).find([subject("a@b.example")])
    assert error.value.code == "timeout"


def test_client_credentials_work_as_well(sandbox: Sandbox) -> None:
    """Without a private key."""
    app = sandbox.admin.get("/salesforce/settings").json()
    secret = {"private_key_file_path": "", "consumer_secret": app["consumer_secret"]}
    assert connect(sandbox, **secret).find([subject(sandbox.population.canary.email)]).matches
    with pytest.raises(PermanentError) as error:
        connect(sandbox, private_key_file_path="", consumer_secret="wrong").find([subject("a@b.example")])
    assert error.value.code == "signin.invalid_client"


@pytest.mark.parametrize(
    ("changes", "extra", "code"),
    [
        ({"host": "http://127.0.0.1"}, {}, "connection.host"),
        ({}, {"consumer_key": ""}, "connection.consumer_key"),
        ({}, {"private_key_file_path": "/nowhere"}, "connection.private_key_file_path"),
        ({}, {"private_key_file_path": ""}, "connection.private_key"),
        ({"login": ""}, {}, "connection.login"),
    ],
)
def test_a_bad_connection_is_told(sandbox: Sandbox, changes: Any, extra: Any, code: str) -> None:
    """Before any call."""
    connection = sandbox.connection("dsr_salesforce", **changes)
    with pytest.raises(PermanentError) as error:
        Salesforce.connect(replace(connection, extra={**connection.extra, **extra}))
    assert error.value.code == code


def test_certificates_are_verified(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the connection's authority and nothing else, whatever the environment says."""
    ca = sandbox.connection("dsr_salesforce").extra["ca"]
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca)
    with pytest.raises(TransientError) as error:
        connect(sandbox, ca="").find([subject("a@b.example")])
    assert error.value.code == "connection.failed"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert connect(sandbox).find([subject(sandbox.population.canary.email)]).matches


def test_nothing_is_logged_about_the_person(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """Not even at the lowest level, over all libraries, nor is it in the call log's paths."""
    caplog.set_level(logging.DEBUG)
    source = connect(sandbox)
    for piece in source.extract(find_all(source, sandbox, "canary")):
        if isinstance(piece, Attachment):
            list(piece.chunks)
    for value in sandbox.population.canary.identifying():
        assert value not in caplog.text
        assert value not in json.dumps(sandbox.calls("salesforce"), ensure_ascii=False)

"""The same promises as over tus, with an S3 bucket at the other end; through the wire."""

import logging
import socket
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from dispatch import PERSON, SIGNATURE, Dispatch, noise

from dsr.errors import PermanentError, TransientError
from dsr.package import COPY
from extractors.bucket import PART

SYSTEM = "receiver_bucket"
THREE_PARTS = noise(2 * PART + 99)


@pytest.fixture
def store(dispatch: Dispatch) -> Any:
    """The receiver's own client."""
    fields = dispatch.sandbox.endpoints["connections"]["dsr_recipient_bucket"]
    extra = fields["extra"]
    return boto3.client(
        "s3",
        endpoint_url=extra["endpoint_url"],
        region_name=extra["region_name"],
        aws_access_key_id=fields["login"],
        aws_secret_access_key=fields["password"],
        verify=extra["ca"],
    )


def there(store: Any, name: str) -> bytes:
    return bytes(store.get_object(Bucket="another-controller", Key=f"incoming/{name}")["Body"].read())


def puts(dispatch: Dispatch) -> list[int]:
    """Status of every part's upload."""
    calls = dispatch.sandbox.calls(SYSTEM)
    return [c["status"] for c in calls if c["method"] == "PUT" and not c["path"].endswith(".minisig")]


def test_package_and_signature(dispatch: Dispatch, store: Any) -> None:
    case = dispatch.case(THREE_PARTS, to="bucket")
    sent = dispatch.transmit(case)
    assert there(store, f"{case.case_id}.zip") == THREE_PARTS
    assert there(store, f"{case.case_id}.zip.minisig").decode() == SIGNATURE
    assert (sent.recipient, sent.fresh, sent.receipt_id[:5]) == ("bucket", True, "etag-")
    head = store.head_object(Bucket="another-controller", Key=f"incoming/{case.case_id}.zip")
    assert head["Metadata"] == {"request": case.case_id, "sha256": dispatch.released[case.case_id]}
    assert head["ContentType"] == "application/zip"
    assert "Exempelmottagarens arkiv" in dispatch.answers[0].text
    assert [kind for kind, _ in dispatch.events(case)] == ["transmitted"]


def test_a_second_call_sends_nothing(dispatch: Dispatch) -> None:
    case = dispatch.case(noise(100), to="bucket")
    dispatch.transmit(case)
    dispatch.sandbox.forget()
    assert not dispatch.transmit(case).fresh
    assert dispatch.sandbox.calls(SYSTEM) == []
    case.remove("transmission/receipt")  # even without its memory
    dispatch.transmit(case)
    assert puts(dispatch) == []


@pytest.mark.parametrize("kind", ["status", "reset"])
def test_broken_off_then_resumed(dispatch: Dispatch, store: Any, kind: str) -> None:
    """The parts that arrived are not sent again."""
    case = dispatch.case(THREE_PARTS, to="bucket")
    dispatch.sandbox.fault(system=SYSTEM, method="PUT", path="partNumber=2", kind=kind, status=503, times=1)
    with pytest.raises(TransientError):
        dispatch.transmit(case)
    assert dispatch.events(case) == dispatch.answers == []
    dispatch.transmit(case)
    assert len(puts(dispatch)) == 4  # 1, 2 in vain, 2, 3
    assert there(store, f"{case.case_id}.zip") == THREE_PARTS


def test_killed_after_completion(dispatch: Dispatch) -> None:
    case = dispatch.case(noise(100), to="bucket")
    dispatch.sandbox.fault(system=SYSTEM, method="PUT", path="minisig", status=500, times=1)
    with pytest.raises(TransientError):
        dispatch.transmit(case)
    dispatch.transmit(case)
    assert len(puts(dispatch)) == 1


def test_an_upload_that_ended_there_begins_anew(dispatch: Dispatch, store: Any) -> None:
    case = dispatch.case(THREE_PARTS, to="bucket")
    dispatch.sandbox.fault(system=SYSTEM, method="PUT", path="partNumber=2", status=503, times=1)
    with pytest.raises(TransientError):
        dispatch.transmit(case)
    upload_id = case.read_json("transmission/state")["state"]["upload_id"]
    store.abort_multipart_upload(Bucket="another-controller", Key=f"incoming/{case.case_id}.zip", UploadId=upload_id)
    dispatch.transmit(case)
    assert there(store, f"{case.case_id}.zip") == THREE_PARTS


def test_a_package_replaced_under_its_old_facts_never_gets_complete(dispatch: Dispatch, store: Any) -> None:
    case = dispatch.case(THREE_PARTS, to="bucket")
    with case.writer(COPY) as file:
        file.write(noise(len(THREE_PARTS), 2))
    with pytest.raises(PermanentError, match=r"package\.changed"):
        dispatch.transmit(case)
    with pytest.raises(store.exceptions.NoSuchKey):
        there(store, f"{case.case_id}.zip")


def test_what_another_put_there_is_not_replaced(dispatch: Dispatch, store: Any) -> None:
    case = dispatch.case(noise(100), to="bucket")
    store.put_object(Bucket="another-controller", Key=f"incoming/{case.case_id}.zip", Body=b"theirs")
    with pytest.raises(PermanentError, match=r"object\.other"):
        dispatch.transmit(case)
    assert there(store, f"{case.case_id}.zip") == b"theirs"


def test_a_package_that_lies_there_cut(dispatch: Dispatch, store: Any) -> None:
    """The receipt is for other bytes, whatever the metadata say."""
    case = dispatch.case(noise(100), to="bucket")
    metadata = {"request": case.case_id, "sha256": dispatch.released[case.case_id]}
    key = f"incoming/{case.case_id}.zip"
    store.put_object(Bucket="another-controller", Key=key, Body=noise(99), Metadata=metadata)
    with pytest.raises(PermanentError, match=r"receipt\.mismatch"):
        dispatch.transmit(case)
    assert dispatch.answers == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"password": "wrong"}, "http.403"),
        ({"bucket": "call-recordings"}, "http.403"),
        ({"ca": ""}, None),
        ({"private": False}, "address.refused"),
        ({"endpoint_url": "http://127.0.0.1:1"}, "connection.endpoint_url"),
        ({"bucket": ""}, "connection.bucket"),
    ],
)
def test_refused(dispatch: Dispatch, changes: dict, code: str | None) -> None:
    case = dispatch.case(noise(100), to="bucket")
    fields = dispatch.sandbox.endpoints["connections"]["dsr_recipient_bucket"]
    password = changes.pop("password", fields["password"])
    kind = PermanentError if code else TransientError
    with pytest.raises(kind) as raised:
        dispatch.transmit(case, dispatch.recipient("bucket", password=password, extra=fields["extra"] | changes))
    assert raised.value.code == (code or "connection.failed")


def test_a_name_that_leads_elsewhere_the_second_time(dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 resolves the name again. Whatever answers there has no certificate of that name, so it is told nothing."""
    fields = dispatch.sandbox.endpoints["connections"]["dsr_recipient_bucket"]
    port = urlsplit(fields["extra"]["endpoint_url"]).port
    original, asked = socket.getaddrinfo, []

    def rebinding(host: str, *rest: Any, **kw: Any) -> Any:
        if host != "bucket.example":
            return original(host, *rest, **kw)
        asked.append(host)
        return original("93.184.215.14" if len(asked) == 1 else "127.0.0.1", *rest, **kw)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    extra = fields["extra"] | {"endpoint_url": f"https://bucket.example:{port}", "private": False}
    case = dispatch.case(noise(100), to="bucket")
    dispatch.sandbox.forget()
    with pytest.raises(TransientError, match=r"connection\.failed"):
        dispatch.transmit(case, dispatch.recipient("bucket", extra=extra))
    assert len(asked) > 1
    assert dispatch.sandbox.calls(SYSTEM) == []


def test_logs_carry_no_upload_id(dispatch: Dispatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    case = dispatch.case(noise(PART + 1), to="bucket")
    dispatch.sandbox.fault(system=SYSTEM, method="PUT", path="partNumber=2", status=503, times=1)
    with pytest.raises(TransientError):
        dispatch.transmit(case)
    assert case.read_json("transmission/state")["state"]["upload_id"] not in caplog.text
    for call in dispatch.sandbox.calls(SYSTEM):
        assert not any(value in call["path"] for value in PERSON.values())

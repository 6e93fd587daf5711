"""The call recordings as a server: Connect's layout, versions, the wire, and nothing left behind."""

import io
import json
import os
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from sandbox.people import populate
from sandbox.recordings.calls import BUCKET
from sandbox.recordings.system import Recordings
from sandbox.seaweed import SeaweedFS
from sandbox.system import Options
from sandbox.wire import Wiretap


@pytest.fixture(scope="module")
def tap() -> Wiretap:
    return Wiretap()


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, tap: Wiretap) -> Iterator[Recordings]:
    made = Recordings(Options(tmp_path_factory.mktemp("recordings"), people=12), populate(12), tap)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def s3(system: Recordings) -> Any:
    """A client through the wire, with the connection's keys."""
    return _client(system)


def _client(system: Recordings) -> Any:
    fields = system.connections()["dsr_recordings"]
    return boto3.client(
        "s3",
        endpoint_url=fields["extra"]["endpoint_url"],
        region_name=fields["extra"]["region_name"],
        aws_access_key_id=fields["login"],
        aws_secret_access_key=fields["password"],
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def test_layout_of_connect(system: Recordings, s3: Any) -> None:
    """Sound, analysis, redacted copies and sidecar of a call; keys hold a colon."""
    call = system.calls[0]
    sidecar = json.loads(_body(s3, call.sidecar_key))
    assert sidecar["customer_number"] == call.number
    assert ":" in sidecar["audio_key"]
    with wave.open(io.BytesIO(_body(s3, sidecar["audio_key"]))) as sound:
        assert (sound.getnchannels(), sound.getframerate(), sound.getsampwidth()) == (2, 8000, 2)
    assert json.loads(_body(s3, sidecar["transcript_key"]))["Transcript"]
    for key in (sidecar["redacted_audio_key"], sidecar["redacted_transcript_key"]):
        assert _body(s3, key)


def test_contact_records_are_concatenated_and_repeated(system: Recordings, s3: Any) -> None:
    """Several people's in one object, without a separator, each of the late ones twice."""
    call = system.calls[0]
    late = _body(s3, call.late_records_key).decode()
    assert late.count(f'"ContactId": "{call.call_id}"') == 2
    assert "}{" in late
    hour = [c for c in system.calls if c.records_key == call.records_key]
    assert len({c.person.key for c in hour}) > 1
    with pytest.raises(json.JSONDecodeError):
        json.loads(late)


def test_versions_and_delete_markers(system: Recordings, s3: Any) -> None:
    """A binned call answers 404 and is there in its versions; a corrected sidecar has two."""
    binned = next(c for c in system.calls if c.binned)
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket=BUCKET, Key=binned.audio_key)
    listed = s3.list_object_versions(Bucket=BUCKET, Prefix=binned.audio_key)
    assert len(listed["DeleteMarkers"]) == 1
    (kept,) = listed["Versions"]
    assert s3.get_object(Bucket=BUCKET, Key=binned.audio_key, VersionId=kept["VersionId"])["Body"].read()
    corrected = next(c for c in system.calls if c.misnamed)
    versions = s3.list_object_versions(Bucket=BUCKET, Prefix=corrected.sidecar_key)["Versions"]
    numbers = [
        json.loads(s3.get_object(Bucket=BUCKET, Key=v["Key"], VersionId=v["VersionId"])["Body"].read())[
            "customer_number"
        ]
        for v in versions
    ]
    assert numbers == [corrected.number, corrected.misnamed], "newest first"


def test_calls_are_logged_and_signatures_checked(system: Recordings, s3: Any, tap: Wiretap) -> None:
    """The Host header that was signed reaches the server; a presigned URL that was tampered with is refused."""
    tap.calls.clear()
    key = system.calls[0].audio_key
    _body(s3, key)
    _wait_for(lambda: tap.calls)
    assert [(c.system, c.method, c.status) for c in tap.calls] == [("recordings", "GET", 200)]
    assert tap.calls[0].path == f"/{BUCKET}/{key}"
    url = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": key}, ExpiresIn=60)
    assert httpx.get(url).status_code == 200
    assert httpx.get(url.replace("CallRecordings", "Other")).status_code == 403


def test_large_objects_pass_the_wire(system: Recordings, s3: Any) -> None:
    """Up past the wire and down through it, byte by byte."""
    body = os.urandom(9 * 1024 * 1024)
    system.client().put_object(Bucket=BUCKET, Key="test/large å+%.bin", Body=body)
    assert _body(s3, "test/large å+%.bin") == body
    system.client().delete_object(Bucket=BUCKET, Key="test/large å+%.bin")


@pytest.mark.thorough
def test_state_survives_a_restart_and_a_kill(system: Recordings) -> None:
    """Stopped and started: the same objects, no second filling. Killed: the orphan is ended first."""
    before = _versions(system)
    system.stop()
    system.stop()
    system.start()
    assert _versions(system) == before
    orphan = int((system.server.folder / "pid").read_text())
    second = SeaweedFS(system.server.folder)
    second.start()
    with pytest.raises(ProcessLookupError):
        os.kill(_reaped(system, orphan), 0)
    second.stop()
    system.stop()
    system.start()
    assert _versions(system) == before


@pytest.mark.thorough
def test_stop_leaves_no_process(tmp_path: Path) -> None:
    """Nor a socket file in /tmp."""
    server = SeaweedFS(tmp_path / "sw")
    server.start()
    pid = int((server.folder / "pid").read_text())
    ports = json.loads((server.folder / "state.json").read_text())["ports"].values()
    server.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not [p for p in Path("/tmp").glob("seaweedfs-*.sock") if any(str(port) in p.name for port in ports)]


def _wait_for(condition: Callable[[], object]) -> None:
    """A call is logged once its answer is sent, which the client may notice first."""
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)


def _reaped(system: Recordings, pid: int) -> int:
    """The process of a killed child, waited for."""
    process = system.server._process
    assert process is not None
    process.wait(10)
    return pid


def _versions(system: Recordings) -> list[tuple[str, str]]:
    pages = system.client().get_paginator("list_object_versions").paginate(Bucket=BUCKET)
    return [(v["Key"], v["VersionId"]) for page in pages for v in page.get("Versions", ())]


def _body(s3: Any, key: str) -> bytes:
    return bytes(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())

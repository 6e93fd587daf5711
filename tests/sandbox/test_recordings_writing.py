"""Deleting, restricting and locking in the store of the calls, with the keys that the connection gives."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from served import served
from starlette.applications import Starlette

from sandbox.people import populate
from sandbox.recordings.calls import BUCKET
from sandbox.recordings.system import Recordings
from sandbox.system import Options


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recordings]:
    made = Recordings(Options(tmp_path_factory.mktemp("calls"), people=10), populate(10))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def admin(system: Recordings) -> Iterator[httpx.Client]:
    with served(Starlette(routes=system.admin_routes())) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.fixture
def writer(system: Recordings) -> Any:
    fields = system.connections()["dsr_recordings_write"]
    return _client(fields["extra"]["endpoint_url"], fields["login"], fields["password"])


def _client(url: str, key: str, secret: str) -> Any:
    config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    return boto3.client("s3", endpoint_url=url, region_name="eu-north-1", aws_access_key_id=key,
                        aws_secret_access_key=secret, config=config)  # fmt: skip


def _versions(s3: Any, key: str) -> list[dict[str, str]]:
    listed = s3.list_object_versions(Bucket=BUCKET, Prefix=key)
    return [{"Key": v["Key"], "VersionId": v["VersionId"]}
            for v in (*listed.get("Versions", ()), *listed.get("DeleteMarkers", ()))]  # fmt: skip


def _refused(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


def test_deleting_every_version_and_marker(system: Recordings, writer: Any) -> None:
    """A plain delete adds a marker; by version all of it goes, and the binned call with it."""
    binned = next(c for c in system.calls if c.binned)
    keys = (binned.sidecar_key, binned.transcript_key, binned.audio_key, *binned.redacted_keys)
    wanted = [v for key in keys for v in _versions(writer, key)]
    assert len(wanted) == 11
    answer = writer.delete_objects(Bucket=BUCKET, Delete={"Objects": wanted})
    assert "Errors" not in answer
    assert not any(_versions(writer, key) for key in keys)
    restored = next(c for c in system.calls if c.restored)
    assert len(_versions(writer, restored.transcript_key)) == 3


@pytest.mark.parametrize("kind", ["HOLD", "GOVERNANCE", "COMPLIANCE"])
def test_locked_objects_stay(system: Recordings, writer: Any, kind: str) -> None:
    """Named in `Errors`, readable all the same; the writer can neither bypass nor lift a lock."""
    call = next(c for c in system.calls if c.locked == kind)
    key = call.transcript_key if kind == "HOLD" else call.audio_key
    newest = _versions(writer, key)[0]
    (error,) = writer.delete_objects(Bucket=BUCKET, Delete={"Objects": [newest]})["Errors"]
    assert error["VersionId"] == newest["VersionId"]
    assert _refused(writer.delete_object, Bucket=BUCKET, **newest, BypassGovernanceRetention=True) == "AccessDenied"
    if kind == "HOLD":
        assert writer.get_object_legal_hold(Bucket=BUCKET, **newest)["LegalHold"]["Status"] == "ON"
        off = {"LegalHold": {"Status": "OFF"}}
        assert _refused(writer.put_object_legal_hold, Bucket=BUCKET, **newest, **off) == "AccessDenied"
    else:
        kept = writer.get_object_retention(Bucket=BUCKET, **newest)["Retention"]
        assert (kept["Mode"], kept["RetainUntilDate"].astimezone(UTC)) == (kind, call.locked_until)
    assert writer.get_object(Bucket=BUCKET, **newest)["Body"].read()


def test_locks_from_the_admin_port(system: Recordings, writer: Any, admin: httpx.Client) -> None:
    """The owner sets and lifts what may be lifted; COMPLIANCE may only grow."""
    key = system.calls[-1].audio_key
    newest = _versions(writer, key)[0]
    assert admin.post("/recordings/locks", json={"key": key, "legal_hold": True}).status_code == 204
    assert _refused(writer.delete_object, Bucket=BUCKET, **newest) == "AccessDenied"
    assert admin.post("/recordings/locks", json={"key": key, "legal_hold": False}).status_code == 204
    until = {"key": key, "mode": "COMPLIANCE", "until": (datetime.now(UTC) + timedelta(days=9)).isoformat()}
    assert admin.post("/recordings/locks", json=until).status_code == 204
    sooner = {**until, "until": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
    assert admin.post("/recordings/locks", json=sooner).json() == {"code": "AccessDenied"}


def test_a_tag_keeps_other_jobs_from_one_version(system: Recordings, writer: Any, admin: httpx.Client) -> None:
    """The policy is the owner's; the tag is the writer's, and the tags that were there stay beside it."""
    keys = admin.get("/recordings/analyst").json()
    url = system.connections()["dsr_recordings"]["extra"]["endpoint_url"]
    analyst = _client(url, keys["access_key"], keys["secret_key"])
    key = system.calls[0].audio_key
    newest = {"Bucket": BUCKET, **_versions(writer, key)[0]}
    assert analyst.get_object(**newest)["Body"].read()
    tags = writer.get_object_tagging(**newest)["TagSet"]
    assert {"Key": "queue", "Value": "Order"} in tags
    restricted = [*tags, {"Key": "dsr-restricted", "Value": "all"}]
    writer.put_object_tagging(**newest, Tagging={"TagSet": restricted})
    assert _refused(analyst.get_object, **newest) == "AccessDenied"
    assert writer.get_object(**newest)["Body"].read()
    entry = next(e for e in system.entries() if e.id.endswith(newest["VersionId"]))
    assert entry.content["tags"]["dsr-restricted"] == "all"
    writer.put_object_tagging(**newest, Tagging={"TagSet": tags})
    assert analyst.get_object(**newest)["Body"].read()


def test_the_writer_may_no_more_than_it_needs(writer: Any) -> None:
    assert _refused(writer.put_bucket_policy, Bucket=BUCKET, Policy="{}") == "AccessDenied"
    assert _refused(writer.delete_bucket, Bucket=BUCKET) == "AccessDenied"
    assert _refused(writer.put_object, Bucket="elsewhere", Key="a", Body=b"") == "AccessDenied"
    suspended = {"Status": "Suspended"}
    refused = _refused(writer.put_bucket_versioning, Bucket=BUCKET, VersioningConfiguration=suspended)
    assert refused == "InvalidBucketState", "Object Lock refuses it to everybody"


def test_an_unfinished_upload_can_be_aborted(system: Recordings, writer: Any) -> None:
    (upload,) = writer.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    call = next(c for c in system.calls if c.broken_off)
    assert upload["Key"] == call.audio_key
    assert [(e.kind, e.person) for e in system.entries() if "uploadId" in e.id] == [("upload", "canary")]
    writer.abort_multipart_upload(Bucket=BUCKET, Key=upload["Key"], UploadId=upload["UploadId"])
    assert "Uploads" not in writer.list_multipart_uploads(Bucket=BUCKET)


def test_an_export_is_rewritten_for_all_who_are_in_it(system: Recordings, writer: Any) -> None:
    """Its entry names everybody; once rewritten, the old version still holds the person until it is deleted."""
    call = system.calls[0]
    entry = next(e for e in system.entries() if f"/{call.late_records_key}?" in e.id)
    assert len(entry.person.split(",")) > 1
    old = _versions(writer, call.late_records_key)[0]
    writer.put_object(Bucket=BUCKET, Key=call.late_records_key, Body=b"{}")
    assert call.call_id.encode() in writer.get_object(Bucket=BUCKET, **old)["Body"].read()
    writer.delete_object(Bucket=BUCKET, **old)
    assert len(_versions(writer, call.late_records_key)) == 1

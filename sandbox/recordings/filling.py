"""Fills the bucket: what Amazon Connect, Contact Lens, Firehose and our own pipeline would have put there."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sandbox.recordings.audio import call as stereo
from sandbox.recordings.audio import mono_call
from sandbox.recordings.calls import BUCKET, Call, concatenated
from sandbox.seaweed import ANALYST

RESTRICTED_TAG = "dsr-restricted"
"""Objects whose tag of this name is `all` can't be read by other jobs: the bucket's policy says so."""
_TAGS = "queue=Order&source=connect"
_SUPERSEDED = "Detta utläste maskinen fel."
_PART = 5 * 1024 * 1024
"""The least size of a part that is not the last."""


def fill(client: Any, calls: Sequence[Call]) -> None:
    """Make the bucket (versioned, Object Lock) with its policy and put every object of these calls."""
    client.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    client.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(_policy()))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda thing: _put(client, *thing), _contact_records(calls)))
        list(pool.map(lambda call: _store(client, call), calls))


def _policy() -> dict[str, Any]:
    denied = {
        "Sid": "Restricted",
        "Effect": "Deny",
        "Principal": {"AWS": [ANALYST]},
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
        "Condition": {"StringEquals": {f"s3:ExistingObjectTag/{RESTRICTED_TAG}": "all"}},
    }
    return {"Version": "2012-10-17", "Statement": [denied]}


def _contact_records(calls: Sequence[Call]) -> Iterator[tuple[str, bytes]]:
    """Per hour one object of first records and one of updates, the updates delivered twice."""
    early, late = defaultdict(list), defaultdict(list)
    for call in calls:
        early[call.records_key].append(call.early_record())
        late[call.late_records_key].append(call.record())
    for key, records in early.items():
        yield key, concatenated(records)
    for key, records in late.items():
        yield key, concatenated([*records, *records])


def _store(client: Any, call: Call) -> None:
    """All objects of a call: superseded versions first, then delete markers, locks last."""
    if call.misnamed:
        _put(client, call.sidecar_key, _json(call.sidecar(call.misnamed)))
    _put(client, call.sidecar_key, _json(call.sidecar()))
    _put(client, call.transcript_key, _json(call.analysis(_SUPERSEDED)))
    if call.restored:
        client.delete_object(Bucket=BUCKET, Key=call.transcript_key)
    _put(client, call.transcript_key, _json(call.analysis()))
    audio = mono_call() if call.mono else stereo()
    _put(client, call.audio_key, audio, Tagging=_TAGS)
    redacted_audio, redacted_transcript = call.redacted_keys
    _put(client, redacted_audio, audio, Tagging=_TAGS)
    _put(client, redacted_transcript, _json(call.analysis("[PII]")))
    if call.binned:
        for key in (call.sidecar_key, call.transcript_key, call.audio_key, *call.redacted_keys):
            client.delete_object(Bucket=BUCKET, Key=key)
    if call.broken_off:
        upload = client.create_multipart_upload(Bucket=BUCKET, Key=call.audio_key)["UploadId"]
        part = {"Bucket": BUCKET, "Key": call.audio_key, "UploadId": upload, "PartNumber": 1}
        client.upload_part(**part, Body=audio.ljust(_PART, b"\0"))
    _lock(client, call)


def _lock(client: Any, call: Call) -> None:
    if call.locked == "HOLD":
        client.put_object_legal_hold(Bucket=BUCKET, Key=call.transcript_key, LegalHold={"Status": "ON"})
    elif call.locked:
        retention = {"Mode": call.locked, "RetainUntilDate": call.locked_until}
        client.put_object_retention(Bucket=BUCKET, Key=call.audio_key, Retention=retention)


def _put(client: Any, key: str, body: bytes, **more: str) -> None:
    client.put_object(Bucket=BUCKET, Key=key, Body=body, **more)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()

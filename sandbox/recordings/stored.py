"""Everything that an S3 server holds, version by version.

What an object contains is told by its ETag (the MD5 of what was put in one piece) and size: versions never change, and
so a policy that forbids reading does not hide them. Ids are `bucket/key?versionId=…`.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from typing import Any

from botocore.exceptions import ClientError

from sandbox.entries import Entry

_AT_ONCE = 8
_ABSENT = ("NoSuchObjectLegalHold", "ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration",
           "NoSuchBucketPolicy", "NoSuchTagSet")  # fmt: skip
People = Callable[[str], str]


def entries(client: Any, system: str, people: People) -> Iterator[Entry]:
    """Of one bucket after the other: itself, its objects and delete markers by key, its unfinished uploads."""
    for bucket in sorted(b["Name"] for b in client.list_buckets()["Buckets"]):
        policy = _unless_absent(client.get_bucket_policy, "Policy", Bucket=bucket)
        versioning = client.get_bucket_versioning(Bucket=bucket).get("Status", "")
        yield Entry(system, "bucket", bucket, {"policy": policy, "versioning": versioning})
        yield from _Bucket(client, system, bucket, people).entries()


class _Bucket:
    """What one bucket holds."""

    def __init__(self, client: Any, system: str, bucket: str, people: People) -> None:
        self._client, self._system, self._bucket, self._people = client, system, bucket, people

    def entries(self) -> Iterator[Entry]:
        """Page by page; several versions are asked for at once."""
        pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for page in pages:
                versions = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
                versions.sort(key=lambda version: (version["Key"], version["VersionId"]))
                yield from list(pool.map(self._entry, versions))
        uploads = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket)
        for key, upload in sorted((u["Key"], u["UploadId"]) for page in uploads for u in page.get("Uploads", ())):
            yield Entry(self._system, "upload", f"{self._bucket}/{key}?uploadId={upload}", {}, self._people(key))

    def _entry(self, version: dict[str, Any]) -> Entry:
        key, version_id = version["Key"], version["VersionId"]
        name, newest = f"{self._bucket}/{key}?versionId={version_id}", {"newest": version["IsLatest"]}
        if "ETag" not in version:
            return Entry(self._system, "delete_marker", name, newest, self._people(key), deleted=True)
        which = {"Bucket": self._bucket, "Key": key, "VersionId": version_id}
        told = self._client.head_object(**which)
        tags = self._client.get_object_tagging(**which)["TagSet"] if told.get("TagCount") else []
        until = told.get("ObjectLockRetainUntilDate")
        content = {
            **newest,
            "etag": version["ETag"].strip('"'),
            "size": version["Size"],
            "tags": {tag["Key"]: tag["Value"] for tag in tags},
            "mode": told.get("ObjectLockMode", ""),
            "retained_until": until.astimezone(UTC).isoformat() if until else "",
            "legal_hold": told.get("ObjectLockLegalHoldStatus", ""),
        }
        return Entry(self._system, "object", name, content, self._people(key))


def _unless_absent(call: Callable[..., dict[str, Any]], name: str, **which: str) -> Any:
    """That part of the answer; None where there is no such thing."""
    try:
        return call(**which)[name]
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return None
        raise

"""Objects version by version: listing, locks, deletion for good, tags. A plain delete in S3 only adds a marker."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from dsr.errors import TransientError
from extractors.recordings.store import PLACE, Store, coded

PER_CALL: Final = 1000
"""Versions that one DeleteObjects takes."""
LEGAL_HOLD: Final = "s3.legal_hold"
_MODES: Final = {"COMPLIANCE": "s3.compliance", "GOVERNANCE": "s3.governance"}
_GONE: Final = ("NoSuchKey", "NoSuchVersion", "404")
_BUSY: Final = ("InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout")


@dataclass(frozen=True)
class Version:
    """One version of an object, or a delete marker, which holds nothing and takes neither lock nor tag."""

    key: str
    version_id: str
    newest: bool
    marker: bool

    @property
    def which(self) -> dict[str, str]:
        """As boto3 takes it."""
        return {"Key": self.key, "VersionId": self.version_id}


@dataclass(frozen=True)
class Lock:
    """Why a version can't be deleted. `until`: the day it ends, UTC; None = a legal hold, which has no end."""

    reason: str
    until: date | None = None


class Versions:
    """Those of one bucket. Governance retention is never bypassed, no lock is ever lifted. Safe for threads."""

    def __init__(self, store: Store, now: datetime) -> None:
        """`now`: aware; a retention that ended before is none."""
        self.store, self._now = store, now
        self._client, self._bucket = store.client, store.bucket

    def under(self, prefix: str) -> list[Version]:
        """All versions and markers of the keys that begin so."""
        found = []
        with coded():
            for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix):
                for name, marker in (("Versions", False), ("DeleteMarkers", True)):
                    for entry in page.get(name, ()):
                        found.append(Version(entry["Key"], entry["VersionId"], bool(entry.get("IsLatest")), marker))
        return found

    def lock(self, version: Version) -> Lock | None:
        """What keeps the version from being deleted; None when nothing does or it is gone."""
        if version.marker:
            return None
        with coded():
            try:
                head = self._client.head_object(Bucket=self._bucket, **version.which)
            except ClientError as error:
                if _code(error) in _GONE:
                    return None
                raise
        if head.get("ObjectLockLegalHoldStatus") == "ON":
            return Lock(LEGAL_HOLD)
        mode, until = str(head.get("ObjectLockMode") or ""), head.get("ObjectLockRetainUntilDate")
        if mode and until is not None and until > self._now:
            return Lock(_MODES.get(mode, "s3.retention"), until.astimezone(self._now.tzinfo).date())
        return None

    def delete(self, versions: Sequence[Version]) -> set[Version]:
        """Deletes them for good, a call for each thousand; those that the store refused. Gone already is fine.
        TransientError("objects.remain") when the store was too busy for some."""
        refused, busy = set(), False
        by_name = {(v.key, v.version_id): v for v in versions}
        for start in range(0, len(versions), PER_CALL):
            some = [v.which for v in versions[start : start + PER_CALL]]
            with coded():
                answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": some, "Quiet": True})
            for error in answer.get("Errors", ()):
                if error.get("Code") in _BUSY:
                    busy = True
                elif error.get("Code") not in _GONE:
                    refused.add(by_name[error["Key"], error["VersionId"]])
        if busy:
            raise TransientError("objects.remain", PLACE)
        return refused

    def abort_uploads(self, ours: Callable[[str], bool]) -> set[str]:
        """Gives up the unfinished uploads of the keys that are `ours`, whose parts the store keeps; their keys."""
        aborted = set()
        with coded():
            pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket)
            uploads = [(u["Key"], u["UploadId"]) for page in pages for u in page.get("Uploads", ()) if ours(u["Key"])]
        for key, upload in uploads:
            with coded():
                try:
                    self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload)
                except ClientError as error:
                    if _code(error) != "NoSuchUpload":
                        raise
            aborted.add(key)
        return aborted

    def tags(self, version: Version) -> dict[str, str] | None:
        """The version's tags; None when it is gone."""
        with coded():
            try:
                answer = self._client.get_object_tagging(Bucket=self._bucket, **version.which)
            except ClientError as error:
                if _code(error) in _GONE:
                    return None
                raise
        return {tag["Key"]: tag["Value"] for tag in answer.get("TagSet", ())}

    def tag(self, version: Version, tags: Mapping[str, str]) -> None:
        """Makes these its tags."""
        tag_set = [{"Key": key, "Value": value} for key, value in tags.items()]
        with coded():
            self._client.put_object_tagging(Bucket=self._bucket, **version.which, Tagging={"TagSet": tag_set})

    def get(self, version: Version) -> dict[str, Any] | None:
        """boto3's answer with the whole `Body` as bytes; None when the version is gone."""
        with coded():
            try:
                answer: dict[str, Any] = self._client.get_object(Bucket=self._bucket, **version.which)
            except ClientError as error:
                if _code(error) in _GONE:
                    return None
                raise
            return {**answer, "Body": answer["Body"].read()}

    def replace(self, key: str, body: bytes, etag: str, **headers: Any) -> bool:
        """Puts a new version, if the newest still is the one of that ETag; whether it was."""
        with coded():
            try:
                self._client.put_object(Bucket=self._bucket, Key=key, Body=body, IfMatch=etag, **headers)
            except ClientError as error:
                if _code(error) in ("PreconditionFailed", "ConditionalRequestConflict", "412"):
                    return False
                raise
        return True


def heaviest(locks: Iterable[Lock]) -> Lock | None:
    """The lock that lasts longest: a legal hold before all, then the latest day."""

    def rank(lock: Lock) -> tuple[bool, date]:
        return lock.until is None, lock.until or date.min

    return max(locks, key=rank, default=None)


def keys_of(versions: Iterable[Version]) -> Iterator[str]:
    """Their keys, each once, in order."""
    return iter(dict.fromkeys(version.key for version in versions))


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))

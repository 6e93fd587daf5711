"""The S3 store: reading objects, binned ones too, with coded errors."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from urllib3.exceptions import HTTPError

from dsr import effort
from dsr.errors import PermanentError, TransientError
from dsr.s3bucket import make_client
from dsr.source import Connection
from extractors.http import MAX_BODY, raise_for_status

PLACE: Final = "recordings"
_CHUNK: Final = 256 * 1024
_MISSING: Final = ("NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed")
_CODES: Final[Mapping[str, str]] = {
    "NoSuchBucket": "bucket.missing",
    "AccessDenied": "credentials.refused",
    "InvalidAccessKeyId": "credentials.refused",
    "SignatureDoesNotMatch": "credentials.refused",
    "ExpiredToken": "credentials.refused",
    "InvalidToken": "credentials.refused",
}
_SKEWED: Final = "RequestTimeTooSkewed"
"""403, yet what helps is a clock set right, here or there, and not other credentials."""
_CONFIG: Final = Config(
    s3={"addressing_style": "path"},
    retries={"total_max_attempts": 1},
    connect_timeout=10,
    read_timeout=60,
    response_checksum_validation="when_required",
    request_checksum_calculation="when_required",
)


@dataclass(frozen=True)
class Stored:
    """An object in the store, its newest version that is no delete marker. `written_at` is aware."""

    key: str
    version: str
    written_at: datetime


class Store:
    """One bucket. `client` is boto3's; what it raises goes through `coded`."""

    def __init__(self, client: Any, bucket: str) -> None:
        self.client, self.bucket = client, bucket

    @classmethod
    def connect(cls, connection: Connection) -> Self:
        """A client; makes no call. Retries are the task's business, not boto3's."""
        extra = connection.extra
        try:
            client = make_client(
                endpoint_url=extra.get("endpoint_url") or None,
                region_name=extra.get("region_name") or "eu-north-1",
                aws_access_key_id=connection.login,
                aws_secret_access_key=connection.password,
                verify=extra.get("ca") or True,
                config=_CONFIG,
            )
        except (BotoCoreError, ValueError):
            raise PermanentError("connection.endpoint_url", PLACE) from None
        client.meta.events.register("before-send.s3", _count)
        return cls(client, str(extra["bucket"]))

    def reach(self) -> None:
        """One call: whether the bucket is there and may be listed."""
        with coded():
            self.client.list_object_versions(Bucket=self.bucket, MaxKeys=1)

    def listed(self, prefix: str) -> Iterator[Stored]:
        """Every object under a prefix, binned ones too, in the order of their keys."""
        last = ""
        with coded():
            for page in self.client.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=prefix):
                for version in page.get("Versions", ()):
                    if version["Key"] != last:  # S3 lists the newest version of a key first
                        last = version["Key"]
                        yield Stored(last, version["VersionId"], version["LastModified"])

    def read(self, key: str, version: str = "") -> bytes | None:
        """The bytes of an object; None when no version of it exists. Of a binned object the version before.
        PermanentError("object.too_large") for more than `MAX_BODY`."""
        chunks = self.stream(key, version)
        if chunks is None:
            return None
        read = bytearray()
        for chunk in chunks:
            read += chunk
            if len(read) > MAX_BODY:
                raise PermanentError("object.too_large", PLACE)
        return bytes(read)

    def read_object(self, key: str, what: str, version: str = "") -> dict[str, Any] | None:
        """The JSON object of that key; None when no version of it exists. PermanentError("<what>.unreadable") when
        it is something else: better than a call that nobody finds."""
        body = self.read(key, version)
        if body is None:
            return None
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise PermanentError(f"{what}.unreadable", PLACE)
        return value

    def stream(self, key: str, version: str = "") -> Iterator[bytes] | None:
        """As `read`, in pieces."""
        body = self._body(key, version)
        if body is None and not version:
            kept = next((stored for stored in self.listed(key) if stored.key == key), None)
            body = self._body(key, kept.version) if kept else None
        return None if body is None else _chunks(body)

    def _body(self, key: str, version: str) -> Any:
        which = {"VersionId": version} if version else {}
        with coded():
            try:
                return self.client.get_object(Bucket=self.bucket, Key=key, **which)["Body"]
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in _MISSING:
                    return None
                raise


def _chunks(body: Any) -> Iterator[bytes]:
    with coded():
        yield from body.iter_chunks(_CHUNK)


@contextmanager
def coded() -> Iterator[None]:
    """Turn boto3's errors into coded ones without their text, which holds keys."""
    try:
        yield
    except ClientError as error:
        if str(error.response.get("Error", {}).get("Code", "")) == _SKEWED:
            raise TransientError("clock.skewed", PLACE) from None
        meta = error.response.get("ResponseMetadata", {})
        status = int(meta.get("HTTPStatusCode", 0))
        code = _CODES.get(str(error.response.get("Error", {}).get("Code", "")))
        try:
            raise_for_status(PLACE, status, meta.get("HTTPHeaders", {}), b"", code)
        except (PermanentError, TransientError) as meant:
            raise meant from None
        raise TransientError("answer.invalid", PLACE) from None
    except ParamValidationError:
        raise PermanentError("request.invalid", PLACE) from None
    except (BotoCoreError, HTTPError, OSError):
        raise TransientError("connection.failed", PLACE) from None


def _count(**_: object) -> None:
    """botocore sends a request."""
    effort.call(PLACE)

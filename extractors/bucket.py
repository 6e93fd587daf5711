"""A recipient's S3 bucket: a package goes there by multipart upload, its signature beside it.

    <prefix>/<request id>.<extension>            metadata: request, sha256
    <prefix>/<request id>.<extension>.minisig

Rights that the key needs, on `<prefix>/*` of that bucket and no more: s3:PutObject (creates, fills and completes the
upload), s3:GetObject (HEAD: whether it is there already, and whole), s3:ListMultipartUploadParts (to go on),
s3:AbortMultipartUpload. Without s3:ListBucket, S3 answers 403 instead of 404 for what is absent: give that too, with
the prefix as its condition. Every part carries its SHA-256, which the server checks (docs.aws.amazon.com/AmazonS3,
"Checking object integrity"); unfinished uploads are for a lifecycle rule of the bucket's owner.
"""

import logging
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import md5, sha256
from typing import Any, Final, Self
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from urllib3.exceptions import HTTPError

from dsr.errors import PermanentError, TransientError
from dsr.s3bucket import make_client
from dsr.source import Connection
from dsr.transmission import Receipt, Upload
from extractors.http import raise_for_status
from extractors.outbound import checked_addresses

for _name in ("boto3", "botocore", "urllib3"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # below that they print URLs, with upload ids in them

PART: Final = 8 * 1024 * 1024
_MOST_PARTS: Final = 9_000
"""S3 takes 10,000 parts of 5 MiB and more, the last one less."""
_ABSENT: Final = ("404", "NoSuchKey", "NotFound")
_ENDED: Final = ("NoSuchUpload",)
_CODES: Final[Mapping[str, str]] = {"NoSuchBucket": "bucket.missing", "EntityTooLarge": "package.too_large"}
_AGAIN: Final = ("BadDigest", "RequestTimeout")
"""Answered with 400, yet the same bytes may well arrive whole the next time."""
_CONFIG: Final = Config(
    s3={"addressing_style": "path"},
    retries={"total_max_attempts": 1},
    connect_timeout=10,
    read_timeout=120,
    proxies={},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


class BucketRecipient:
    """See `dsr.transmission.Recipient`."""

    def __init__(self, key: str, title: str, client: Any, bucket: str, prefix: str, private: bool) -> None:
        self.key, self.title = key, title
        self._client, self._bucket, self._private = client, bucket, private
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._place = f"recipient.{key}"

    @classmethod
    def connect(cls, key: str, title: str, connection: Connection) -> Self:
        """Makes no call. `login` and `password`: access key id and secret, or none for the machine's own role. Extra:
        `bucket`, `prefix`, `region_name`, `endpoint_url` (https; absent = AWS), `ca`, `private`.
        PermanentError("connection.<field>") for what lacks or can't be used."""
        extra, place = connection.extra, f"recipient.{key}"
        endpoint = str(extra.get("endpoint_url") or "")
        if not extra.get("bucket"):
            raise PermanentError("connection.bucket", place)
        if endpoint and urlsplit(endpoint).scheme != "https":
            raise PermanentError("connection.endpoint_url", place)
        try:
            client = make_client(
                endpoint_url=endpoint or None,
                region_name=extra.get("region_name") or "eu-north-1",
                aws_access_key_id=connection.login or None,
                aws_secret_access_key=connection.password or None,
                verify=extra.get("ca") or True,
                config=_CONFIG,
            )
        except (BotoCoreError, ValueError):
            raise PermanentError("connection.endpoint_url", place) from None
        return cls(key, title, client, str(extra["bucket"]), str(extra.get("prefix", "")), extra.get("private") is True)

    def send(self, upload: Upload) -> Receipt:
        """As `Recipient.send`. The receipt is ours, from what the store says about the finished object: S3 gives
        none. PermanentError("object.other") when something else lies under that name: it is not replaced."""
        with _coded(self._place):
            self._check_address()
            name = f"{self._prefix}{upload.request_id}.{upload.extension}"
            kept = self._head(name)
            if kept is not None and kept["Metadata"].get("request") != upload.request_id:
                raise PermanentError("object.other", self._place)
            if kept is None or kept["Metadata"].get("sha256") != upload.sha256:
                self._sent(upload, name)
                kept = self._head(name) or {}
            self._sign(upload, f"{name}.minisig")
            return self._receipt(upload, kept)

    def _check_address(self) -> None:
        """The name is resolved here and once more by boto3, which takes no address to connect to. A name server that
        answers otherwise the second time gains a TLS handshake with another machine and no more: https is demanded, the
        certificate must be that of the name, and nothing is sent before it was checked. Clouds' metadata services,
        which speak no TLS, can't be reached so."""
        parts = urlsplit(self._client.meta.endpoint_url)
        checked_addresses(parts.hostname or "", parts.port or 443, self._place, self._private)

    def _head(self, name: str) -> dict[str, Any] | None:
        """What the store says about an object; None when there is none."""
        try:
            return {"Metadata": {}, **self._client.head_object(Bucket=self._bucket, Key=name)}
        except ClientError as error:
            if _code(error) in _ABSENT:
                return None
            raise

    def _sent(self, upload: Upload, name: str) -> None:
        try:
            upload_id, there = self._resumed(upload, name) or (self._begun(upload, name), {})
            where = {"Bucket": self._bucket, "Key": name, "UploadId": upload_id}
            size, parts = max(PART, -(-upload.size // _MOST_PARTS)), []
            # From the start: the parts that are there already must be those of this very package too.
            for number, chunk in enumerate(upload.chunks(0, size), 1):
                checksum = b64encode(sha256(chunk).digest()).decode()
                part = {"PartNumber": number, "ChecksumSHA256": checksum}
                tag = _tag(there.get(number, {}), chunk, checksum)
                tag = tag or _told(self._client.upload_part(**where, **part, Body=chunk), "ETag")
                parts.append({**part, "ETag": tag})
            done = self._client.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
        except ClientError as error:
            if _code(error) not in _ENDED:
                raise
            upload.remember({})  # it ended on their side; the next call begins anew
            raise TransientError("upload.gone", self._place) from None
        if done.get("ChecksumSHA256", _composite(parts)) != _composite(parts):
            raise PermanentError("receipt.mismatch", self._place)

    def _begun(self, upload: Upload, name: str) -> str:
        answer = self._client.create_multipart_upload(
            Bucket=self._bucket,
            Key=name,
            ContentType=upload.media_type,
            ChecksumAlgorithm="SHA256",
            Metadata={"request": upload.request_id, "sha256": upload.sha256},
        )
        upload_id = str(_told(answer, "UploadId"))
        upload.remember({"upload_id": upload_id})
        return upload_id

    def _resumed(self, upload: Upload, name: str) -> tuple[str, dict[int, Mapping[str, Any]]] | None:
        """Upload id and parts of what an earlier call began; None when nothing did, or it has ended there."""
        upload_id = str(upload.state.get("upload_id", ""))
        if not upload_id:
            return None
        pages = self._client.get_paginator("list_parts").paginate(Bucket=self._bucket, Key=name, UploadId=upload_id)
        try:
            return upload_id, {_told(part, "PartNumber"): part for page in pages for part in page.get("Parts", ())}
        except ClientError as error:
            if _code(error) in (*_ENDED, *_ABSENT):
                return None
            raise

    def _sign(self, upload: Upload, name: str) -> None:
        """The signature beside the package; it is short, and writing it again changes nothing."""
        if upload.signature:
            body = upload.signature.encode()
            checksum = b64encode(sha256(body).digest()).decode()
            self._client.put_object(
                Bucket=self._bucket, Key=name, Body=body, ContentType="text/plain", ChecksumSHA256=checksum
            )

    def _receipt(self, upload: Upload, kept: Mapping[str, Any]) -> Receipt:
        """What the store has: its length, the package it says it was made of, the id of the object's content."""
        tag, received = str(_told(kept, "ETag")), _told(kept, "LastModified")
        value = {
            "receipt_id": f"etag-{tag.strip(chr(34))}",
            "sha256": kept["Metadata"].get("sha256", ""),
            "bytes": _told(kept, "ContentLength"),
            "received_at": received.isoformat(),
            "recipient": self._bucket,
        }
        return Receipt.from_json(value, self._place)


def _tag(there: Mapping[str, Any], chunk: bytes, checksum: str) -> str:
    """The ETag of a part that is there already and has these bytes; "" when it hasn't. Stores that keep no SHA-256 of
    a part give its MD5 as ETag."""
    if there.get("Size") != len(chunk):
        return ""
    tag = str(_told(there, "ETag"))
    same = there.get("ChecksumSHA256") == checksum or tag.strip('"') == md5(chunk, usedforsecurity=False).hexdigest()
    return tag if same else ""


def _told(answer: Mapping[str, Any], name: str) -> Any:
    """A part of the store's answer; one that broke off may lack it."""
    if name not in answer:
        raise EOFError(name)
    return answer[name]


def _composite(parts: Sequence[Mapping[str, Any]]) -> str:
    """What a store that keeps checksums answers for the whole: the SHA-256 over those of the parts."""
    digests = b"".join(b64decode(part["ChecksumSHA256"]) for part in parts)
    return f"{b64encode(sha256(digests).digest()).decode()}-{len(parts)}"


@contextmanager
def _coded(place: str) -> Iterator[None]:
    """Turns boto3's errors into coded ones without their text, which holds keys and upload ids."""
    try:
        yield
    except ClientError as error:
        meta = error.response.get("ResponseMetadata", {})
        status = int(meta.get("HTTPStatusCode", 0))
        if _code(error) == "RequestTimeTooSkewed":
            raise TransientError("clock.skewed", place) from None
        if _code(error) in _AGAIN:
            raise TransientError("body.refused", place) from None
        try:
            raise_for_status(place, status, meta.get("HTTPHeaders", {}), b"", _CODES.get(_code(error)))
        except (PermanentError, TransientError) as meant:
            raise meant from None
        raise TransientError("answer.invalid", place) from None
    except ParamValidationError:
        raise PermanentError("request.invalid", place) from None
    except (BotoCoreError, HTTPError, OSError, EOFError):
        raise TransientError("connection.failed", place) from None


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))

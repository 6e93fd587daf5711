"""Whether an answer of S3 came whole.

botocore (1.44) takes an answer of 200 whose body never came for one that says nothing, so that a list of a thousand
objects is one of none; and what a proxy says in the store's place, with status 200, for an object that is written.
"""

from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import IncompleteReadError

_HEADERS: Final = ("header", "headers", "statusCode")
_TAG: Final = "ETag"
"""S3 names it with every object that it gives, takes or puts together."""

_ROOTS: Final[Mapping[str, bytes]] = {
    "ListObjectVersions": b"<ListVersionsResult",
    "ListObjectsV2": b"<ListBucketResult",
    "ListMultipartUploads": b"<ListMultipartUploadsResult",
    "ListParts": b"<ListPartsResult",
    "CreateMultipartUpload": b"<InitiateMultipartUploadResult",
    "DeleteObjects": b"<DeleteResult",
    "GetObjectTagging": b"<Tagging",
}
"""Operation → how its answer begins (docs.aws.amazon.com/AmazonS3/latest/API): botocore takes any XML, also a page."""


def demand_whole(client: Any) -> None:
    """From now on this client of boto3 raises IncompleteReadError, one of BotoCoreError, for an answer of success that
    is shorter than it says, has nothing or something else where S3 says something, or names no object that it has
    taken. The bytes of an object that is read are not looked at: boto3 counts them itself."""
    client.meta.events.register("after-call.s3", _whole)


def _whole(http_response: Any, parsed: dict[str, Any], model: Any, **_: Any) -> None:
    if http_response.status_code >= 300:
        return
    members = model.output_shape.members if model.output_shape else {}
    if _TAG in members and not parsed.get(_TAG):
        raise IncompleteReadError(actual_bytes=0, expected_bytes=len(_TAG))
    if model.has_streaming_output or model.http["method"] == "HEAD":
        return
    got, told = len(http_response.content), http_response.headers.get("content-length")
    says_something = any(member.serialization.get("location") not in _HEADERS for member in members.values())
    foreign = _ROOTS.get(model.name, b"") not in http_response.content
    if (told and int(told) != got) or (says_something and not got) or foreign:
        raise IncompleteReadError(actual_bytes=got, expected_bytes=int(told or 1))

"""An answer of S3 that never came is no answer that says nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import IncompleteReadError
from served import served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dsr.s3bucket import make_client
from sandbox.wire import Fault, Wire, Wiretap

_METHODS = ("GET", "HEAD", "PUT", "POST")
_ANSWERS = b"""<Result><!-- <ListVersionsResult <ListBucketResult <ListMultipartUploadsResult
<InitiateMultipartUploadResult <DeleteResult <Tagging --></Result>"""
_OBJECT = {"Bucket": "b", "Key": "k"}
CALLS: dict[str, dict[str, Any]] = {
    "list_object_versions": {"Bucket": "b"},
    "list_objects_v2": {"Bucket": "b"},
    "list_multipart_uploads": {"Bucket": "b"},
    "delete_objects": {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}]}},
    "get_object_tagging": _OBJECT,
    "get_object": _OBJECT,
    "head_object": _OBJECT,
    "put_object": {**_OBJECT, "Body": b"content"},
    "create_multipart_upload": _OBJECT,
    "upload_part": {**_OBJECT, "UploadId": "u", "PartNumber": 1, "Body": b"content"},
    "complete_multipart_upload": {**_OBJECT, "UploadId": "u"},
}


@pytest.fixture(scope="module")
def store() -> Iterator[tuple[str, Wiretap]]:
    """Where a store is that takes everything, and its wire."""
    tap = Wiretap()

    async def take(request: Request) -> Response:
        await request.body()
        return Response(_ANSWERS, headers={"etag": '"e"'})

    with served(Wire(Starlette(routes=[Route("/{_:path}", take, methods=_METHODS)]), "s3", tap)) as url:
        yield url, tap


@pytest.fixture
def tapped(store: tuple[str, Wiretap]) -> tuple[Any, Wiretap]:
    """A client of it, which has no connection yet: the last test's may be closing; and its wire."""
    url, tap = store
    client = make_client(
        endpoint_url=url,
        region_name="eu-north-1",
        aws_access_key_id="id",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )
    return client, tap


@pytest.mark.parametrize(
    "fault",
    [{"kind": "lost"}, {"status": 200, "body": ""}, {"status": 200, "body": "<html><body>Sign in</body></html>"}],
    ids=["cut", "nothing", "a page"],
)
@pytest.mark.parametrize("call", CALLS)
def test_it_is_refused(call: str, fault: dict[str, Any], tapped: tuple[Any, Wiretap]) -> None:
    """boto3 by itself would take all of these for done, or for a list of nothing."""
    client, tap = tapped
    tap.faults.append(Fault(system="s3", times=1, **fault))
    with pytest.raises(IncompleteReadError):
        getattr(client, call)(**CALLS[call])


@pytest.mark.parametrize("call", sorted(set(CALLS) - {"complete_multipart_upload"}))
def test_what_comes_whole_is_taken(call: str, tapped: tuple[Any, Wiretap]) -> None:
    """An empty list, too, where the store says so."""
    client, _ = tapped
    assert getattr(client, call)(**CALLS[call])["ResponseMetadata"]["HTTPStatusCode"] == 200

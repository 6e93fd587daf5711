"""An S3 server for all tests of a process, and buckets on it."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
import pytest

from sandbox.seaweed import SeaweedFS


@pytest.fixture(scope="session")
def weed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """One server for the whole run; tests take buckets of their own on it."""
    server = SeaweedFS(tmp_path_factory.mktemp("weed"))
    server.start()
    try:
        yield server
    finally:
        server.stop()


def new_bucket(weed: SeaweedFS, name: str) -> Any:
    """An empty bucket of that name."""
    session = boto3.Session(weed.access_key, weed.secret_key, region_name="us-east-1")
    return session.resource("s3", endpoint_url=weed.endpoint).create_bucket(Bucket=name)


def store_uri(weed: SeaweedFS, bucket: str, at: str = "") -> str:
    """The address of a case store in that bucket; `at`: host and port by which it is reached, "" = the server's own."""
    keys = f"{quote(weed.access_key, safe='')}:{quote(weed.secret_key, safe='')}"
    return f"s3://{keys}@{bucket}/dsr?endpoint_override={at or urlsplit(weed.endpoint).netloc}&scheme=http&region=any"

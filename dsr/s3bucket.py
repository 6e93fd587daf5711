"""What pyarrow can't do with S3, or does wrong: write, and sign addresses. boto3 does both.

When a part of pyarrow's upload fails, the object is completed with the parts before it, and when the completion itself
fails, nothing is said (pyarrow 26, `copy_files`): an object is cut, or taken for written that is not there.
"""

from datetime import timedelta
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from dsr.errors import TransientError
from dsr.s3answers import demand_whole

_PLACE: Final = "casefile"
_MAKING: Final = Lock()
_PART_BYTES: Final = 16 * 1024 * 1024
"""S3 takes 10,000 parts."""


def is_s3(uri: str) -> bool:
    """Whether that address of a store is one of S3; see `dsr.objectstore.ObjectStore` for its form."""
    return uri.startswith("s3://")


class S3Bucket:
    """The bucket of such an address. Paths begin with its name. The client is made when it is first used."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._made: Any = None

    def put(self, file: Path, path: str) -> None:
        """The object of that path becomes the file, whole or not at all. TransientError("store.unavailable") when that
        failed; parts that had arrived are then taken back."""
        from boto3.exceptions import Boto3Error
        from boto3.s3.transfer import TransferConfig

        bucket, _, key = path.partition("/")
        # One part after the other: several would be in memory at once.
        transfer = TransferConfig(multipart_threshold=_PART_BYTES, multipart_chunksize=_PART_BYTES, use_threads=False)
        try:
            self._client.upload_file(str(file), bucket, key, Config=transfer)
        except (Boto3Error, BotoCoreError, ClientError, ValueError):
            raise TransientError("store.unavailable", _PLACE) from None

    def address(self, path: str, filename: str, lifetime: timedelta) -> str:
        """See `dsr.objectstore.ObjectStore.address`. TransientError("store.unavailable") without credentials."""
        bucket, _, key = path.partition("/")
        asked = {"Bucket": bucket, "Key": key, "ResponseContentDisposition": f'attachment; filename="{filename}"'}
        try:
            return str(self._client.generate_presigned_url("get_object", asked, int(lifetime.total_seconds())))
        except (BotoCoreError, ValueError):
            raise TransientError("store.unavailable", _PLACE) from None

    @property
    def _client(self) -> Any:
        if self._made is None:
            self._made, _ = s3_client(self._uri)
        return self._made


def s3_client(uri: str) -> tuple[Any, str]:
    """A client of S3's whole interface for such an address, and the name of its bucket."""
    where = urlsplit(uri)
    options = dict(parse_qsl(where.query))
    server = options.get("endpoint_override")
    client = make_client(
        endpoint_url=f"{options.get('scheme', 'https')}://{server}" if server else None,
        region_name=options.get("region"),
        aws_access_key_id=unquote(where.username) if where.username else None,
        aws_secret_access_key=unquote(where.password or "") if where.username else None,
        verify=options.get("tls_ca_file_path"),
        config=Config(signature_version="s3v4"),
    )
    return client, where.netloc.rpartition("@")[2]


def make_client(**options: Any) -> Any:
    """boto3's client of S3 with these options, which says so when an answer was cut (`dsr.s3answers`). Makes no call.

    One session for all of a process and those that it forks: each new one reads boto3's model of S3 anew, which takes
    75 ms of CPU; and a session may not make clients in several threads at once."""
    with _MAKING:
        client = _session().client("s3", **options)
    demand_whole(client)
    return client


@cache
def _session() -> Any:
    import boto3  # slow to load, and few need it

    return boto3.session.Session()

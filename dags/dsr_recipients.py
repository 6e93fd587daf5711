"""Recipients of packages (Art. 20(2) GDPR): the Airflow connections named `dsr_recipient_<key>`, and no others.

Only an administrator makes connections, so they are the allowlist: a request names a key, never an address. Which keys
there are stands in DSR_RECIPIENTS too: looking a connection up leaves its name in Airflow's access log, and what is
compared with that list first is never what a person typed.

    conn_type http   tus 1.0.0 over https (see dsr.transmission.tus): host, port, schema ("https"), extra `path` of the
                     creation URL ("/files/"); password alone = bearer token, login with password = basic sign-in
    conn_type aws    an S3 bucket (see extractors.bucket)
    extra, both      `title`: the recipient in words (needed) · `ca`: file of the authority to trust · `private`: true
                     lets addresses of the own network through
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from airflow.sdk import Connection as AirflowConnection
from airflow.sdk.exceptions import AirflowNotFoundException

from dsr.errors import PermanentError
from dsr.source import Connection
from dsr.transmission import Recipient, TusRecipient

PREFIX: Final = "dsr_recipient_"
_WHERE: Final = ("title", "path", "bucket", "prefix", "region_name", "endpoint_url", "ca", "private")
"""What in `extra` says who the recipient is and how it is reached."""


@dataclass(frozen=True)
class Allowed:
    """A recipient as its connection is now."""

    key: str
    conn_type: str
    connection: Connection

    @property
    def fingerprint(self) -> str:
        """SHA-256 in hex of who and where it is, without the credentials, which may be renewed."""
        where = self.connection
        extra = {name: where.extra.get(name) for name in _WHERE}
        told = [self.key, self.conn_type, where.host, where.port, where.schema, extra]
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()

    @property
    def where(self) -> str:
        """Host and port, and the bucket, for people."""
        extra, host = self.connection.extra, self.connection.host or self.connection.schema
        host = str(extra.get("endpoint_url") or host)
        host = f"{host}:{self.connection.port}" if self.connection.port else host
        return " ".join(part for part in (host, str(extra.get("bucket") or "")) if part)

    @property
    def usable(self) -> bool:
        """Whether a client can be made of it: what is missing only shows there."""
        try:
            self.client()
        except PermanentError:
            return False
        return True

    def client(self) -> Recipient:
        """As `connected`."""
        return connected(self.key, self.conn_type, self.connection)


def allowed(key: str, keys: Collection[str]) -> Allowed | None:
    """The recipient that a request names; None when it is not one of `keys`, for which nothing is looked up then, or
    no administrator has made a connection for it."""
    if key not in keys:
        return None
    try:
        found = AirflowConnection.get(PREFIX + key)
    except AirflowNotFoundException:
        return None
    connection = Connection(
        PREFIX + key,
        host=found.host or "",
        port=found.port,
        login=found.login or "",
        password=found.password or "",
        schema=found.schema or "",
        extra=found.extra_dejson,
    )
    return Allowed(key, found.conn_type, connection)


def connected(key: str, conn_type: str, connection: Connection) -> Recipient:
    """A client of that recipient; makes no call. PermanentError("connection.<field>") when the connection lacks
    something, ("connection.conn_type") when it is of another type."""
    title = str(connection.extra.get("title") or "").strip()
    if not title or not title.isprintable():
        raise PermanentError("connection.title", connection.conn_id)
    if conn_type == "aws":
        from extractors.bucket import BucketRecipient

        return BucketRecipient.connect(key, title, connection)
    if conn_type == "http":
        return _tus(key, title, connection)
    raise PermanentError("connection.conn_type", connection.conn_id)


def _tus(key: str, title: str, connection: Connection) -> TusRecipient:
    from extractors.http import HttpClient
    from extractors.outbound import outbound_client

    extra, endpoint = connection.extra, _endpoint(connection)
    headers = {"authorization": _authorization(connection)}

    def open_http() -> HttpClient:
        private = extra.get("private") is True
        return outbound_client(
            endpoint, place=f"recipient.{key}", headers=headers, ca=str(extra.get("ca") or ""), private=private
        )

    return TusRecipient(key, title, endpoint, open_http)


def _endpoint(connection: Connection) -> str:
    host = connection.host if "://" in connection.host else f"{connection.schema or 'https'}://{connection.host}"
    port = f":{connection.port}" if connection.port else ""
    return f"{host.rstrip('/')}{port}/{str(connection.extra.get('path') or '/files/').lstrip('/')}"


def _authorization(connection: Connection) -> str:
    """PermanentError("connection.password") without one: nobody takes packages from just anybody."""
    if not connection.password:
        raise PermanentError("connection.password", connection.conn_id)
    if not connection.login:
        return f"Bearer {connection.password}"
    return f"Basic {b64encode(f'{connection.login}:{connection.password}'.encode()).decode()}"

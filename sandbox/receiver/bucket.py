"""The other way to the receiver: a bucket in the S3 server that the recordings run, over TLS and a wire of its own."""

from collections.abc import Sequence

from botocore.exceptions import ClientError
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.people import Truth
from sandbox.recordings.proxy import Proxy
from sandbox.recordings.system import Recordings
from sandbox.seaweed import SENT_TO
from sandbox.system import ConnectionFields


class Bucket:
    """See `sandbox.system.HttpSystem`; answers once `recordings` has started."""

    name = "receiver_bucket"
    tls = True

    def __init__(self, recordings: Recordings) -> None:
        self._recordings = recordings
        self._proxy: Proxy | None = None
        self.app: ASGIApp = self._forward

    def counted(self, path: str) -> bool:
        """Every call counts."""
        return True

    def connections(self, base_url: str, authority: str) -> dict[str, ConnectionFields]:
        """`dsr_recipient_bucket`, with keys for that bucket alone; it is made when it isn't there."""
        server = self._recordings.server
        try:
            self._recordings.client().create_bucket(Bucket=SENT_TO)
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 409:
                raise
        self._proxy = Proxy(int(server.endpoint.rpartition(":")[2]))
        extra = {
            "bucket": SENT_TO,
            "prefix": "incoming",
            "region_name": "eu-north-1",
            "endpoint_url": base_url,
            "title": "Exempelmottagarens arkiv",
            "ca": authority,
            "private": True,
        }
        fields = {"conn_type": "aws", "host": "", "port": None, "schema": "", "extra": extra}
        keys = {"login": server.sender_access_key, "password": server.sender_secret_key}
        return {"dsr_recipient_bucket": {**fields, **keys}}

    def admin_routes(self) -> list[Route]:
        """None of its own: log and faults of the wire suffice."""
        return []

    def truth(self) -> Sequence[Truth]:
        """Nothing: it takes packages, no person is looked up here."""
        return ()

    async def _forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._proxy is None:
            raise RuntimeError("not started")
        await self._proxy(scope, receive, send)

"""The store's owner at work, on the admin port: locks and holds on objects, and the keys of another job.

POST /recordings/locks     {"key", "version_id"?, "mode": GOVERNANCE|COMPLIANCE, "until": ISO}   a retention
                           {"key", "version_id"?, "legal_hold": true|false}                       a legal hold
                           204; 409 with the server's code when it refuses (COMPLIANCE can't be shortened)
GET  /recordings/analyst   {"access_key", "secret_key"} of a job that reads recordings; the bucket's policy keeps
                           objects from it that are tagged `dsr-restricted` = `all`
"""

from datetime import datetime
from typing import Any, Protocol

from botocore.exceptions import ClientError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.seaweed import CALLS, SeaweedFS


class _Recordings(Protocol):
    server: SeaweedFS

    def client(self) -> Any: ...


def routes(recordings: _Recordings) -> list[Route]:
    """See the module."""

    async def lock(request: Request) -> Response:
        order = await request.json()
        client, which = recordings.client(), {"Bucket": CALLS, "Key": order["key"]}
        which |= {"VersionId": order["version_id"]} if order.get("version_id") else {}
        try:
            if "legal_hold" in order:
                hold = {"Status": "ON" if order["legal_hold"] else "OFF"}
                client.put_object_legal_hold(**which, LegalHold=hold)
            else:
                retention = {"Mode": order["mode"], "RetainUntilDate": datetime.fromisoformat(order["until"])}
                client.put_object_retention(**which, Retention=retention, BypassGovernanceRetention=True)
        except ClientError as error:
            return JSONResponse({"code": error.response["Error"]["Code"]}, 409)
        return Response(status_code=204)

    async def analyst(_: Request) -> Response:
        server = recordings.server
        return JSONResponse({"access_key": server.analyst_access_key, "secret_key": server.analyst_secret_key})

    return [
        Route("/recordings/locks", lock, methods=["POST"]),
        Route("/recordings/analyst", analyst),
    ]

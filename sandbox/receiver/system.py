"""A tus 1.0.0 server (https://tus.io/protocols/resumable-upload) that gives receipts.

    OPTIONS /files/               204 with Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm; no sign-in
    POST    /files/               Upload-Length, Upload-Metadata → 201, Location; 413 above Tus-Max-Size
    HEAD    /files/<id>           200 with Upload-Offset, Upload-Length; no-store
    PATCH   /files/<id>           204 with Upload-Offset; 409 another offset, 415 another type, 423 busy, 460 checksum
    GET     /files/<id>/receipt   the receipt, once all is there; 404 before

401 without the bearer token; 412 for another version; 404 for an unknown upload, 410 for one that has ended (a day).
"""

import base64
import binascii
import hmac
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from email.utils import formatdate
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.people import Population, Truth
from sandbox.receiver.uploads import LIFE_S, Behaviour, TusError, Uploads
from sandbox.state import Store
from sandbox.system import ConnectionFields, Options

TOKEN = "receiver-token-for-the-sandbox-0001"
VERSION = "1.0.0"
Handler = Callable[[Request], Awaitable[Response]]


class Receiver:
    """See `sandbox.system.HttpSystem`."""

    name = "receiver"
    tls = True

    def __init__(self, options: Options, population: Population) -> None:
        self.uploads = Uploads(options.folder, Store(options.folder, self.name))
        self.heard: list[dict[str, str]] = []
        self.app: ASGIApp = Starlette(
            routes=[
                Route("/files/", self._options, methods=["OPTIONS"]),
                Route("/files/", self._guarded(self._create), methods=["POST"]),
                Route("/files/{id}", self._guarded(self._head), methods=["HEAD"]),
                Route("/files/{id}", self._guarded(self._patch), methods=["PATCH"]),
                Route("/files/{id}/receipt", self._guarded(self._receipt, versioned=False), methods=["GET"]),
            ]
        )

    def counted(self, path: str) -> bool:
        """Every call counts."""
        return True

    def connections(self, base_url: str, authority: str) -> dict[str, ConnectionFields]:
        """`dsr_recipient_example`: the password is the bearer token."""
        parts = urlsplit(base_url)
        extra = {"path": "/files/", "title": "Exempelmottagaren AB", "ca": authority, "private": True}
        fields = {"conn_type": "http", "host": f"{parts.scheme}://{parts.hostname}", "port": parts.port}
        return {"dsr_recipient_example": {**fields, "login": "", "password": TOKEN, "schema": "", "extra": extra}}

    def admin_routes(self) -> list[Route]:
        """What came, and how to misbehave.

        GET /receiver/uploads                all uploads with offset, metadata and the bytes that came
        DELETE /receiver/uploads             forget them
        GET /receiver/heard                  URL and headers of all calls
        GET /receiver/uploads/{id}/content   the bytes
        POST /receiver/behaviour {…}         see `Behaviour`; {} = as it should be
        """

        async def uploads(request: Request) -> Response:
            if request.method == "DELETE":
                self.uploads.clear()
                self.heard.clear()
                return Response(status_code=204)
            return JSONResponse(self.uploads.listed())

        async def content(request: Request) -> Response:
            return Response(self.uploads.content(request.path_params["id"]), media_type="application/octet-stream")

        async def heard(_: Request) -> Response:
            return JSONResponse(self.heard)

        async def behaviour(request: Request) -> Response:
            self.uploads.behave(Behaviour(**await request.json()))
            return JSONResponse(asdict(self.uploads.behaviour))

        return [
            Route("/receiver/uploads", uploads, methods=["GET", "DELETE"]),
            Route("/receiver/uploads/{id}/content", content),
            Route("/receiver/heard", heard),
            Route("/receiver/behaviour", behaviour, methods=["POST"]),
        ]

    def truth(self) -> Sequence[Truth]:
        """Nothing: it takes packages, no person is looked up here."""
        return ()

    def _guarded(self, handler: Handler, *, versioned: bool = True) -> Handler:
        async def guarded(request: Request) -> Response:
            self.heard.append({"url": str(request.url), **request.headers})
            try:
                if not hmac.compare_digest(
                    request.headers.get("authorization", "").encode(), f"Bearer {TOKEN}".encode()
                ):
                    raise TusError(401, "sign in")
                if versioned and request.headers.get("tus-resumable") != VERSION:
                    raise TusError(412, "another version")
                response = await handler(request)
            except TusError as error:
                response = Response(error.text, error.status)
                if error.status == 412:
                    response.headers["Tus-Version"] = VERSION
            response.headers["Tus-Resumable"] = VERSION
            return response

        return guarded

    async def _options(self, _: Request) -> Response:
        behaviour = self.uploads.behaviour
        headers = {"Tus-Resumable": VERSION, "Tus-Version": VERSION, "Tus-Max-Size": str(behaviour.limit)}
        headers["Tus-Extension"] = "creation,expiration" + (",checksum" if behaviour.checksum else "")
        if behaviour.checksum:
            headers["Tus-Checksum-Algorithm"] = "sha256"
        return Response(status_code=204, headers=headers)

    async def _create(self, request: Request) -> Response:
        length = request.headers.get("upload-length", "")
        if not length.isdecimal():
            raise TusError(400, "Upload-Length is missing")
        if int(length) > self.uploads.behaviour.limit:
            raise TusError(413, "too large")
        name = self.uploads.create(int(length), _metadata(request.headers.get("upload-metadata", "")))
        return Response(status_code=201, headers={"Location": self.uploads.behaviour.location or f"/files/{name}"})

    async def _head(self, request: Request) -> Response:
        name = request.path_params["id"]
        document = self.uploads.get(name)
        headers = {"Upload-Offset": str(self.uploads.offset(name)), "Upload-Length": str(document["length"])}
        return Response(headers=headers | {"Cache-Control": "no-store", "Upload-Expires": _ends(document)})

    async def _patch(self, request: Request) -> Response:
        name, offset = request.path_params["id"], request.headers.get("upload-offset", "")
        if request.headers.get("content-type") != "application/offset+octet-stream":
            raise TusError(415, "another content type")
        if not offset.isdecimal():
            raise TusError(400, "Upload-Offset is missing")
        checksum = _checksum(request.headers.get("upload-checksum", ""))
        try:
            after = await self.uploads.append(name, int(offset), checksum, request.stream())
        except ClientDisconnect:
            raise TusError(400, "broken off") from None
        except ConnectionResetError:
            return _Dropped()
        return Response(status_code=204, headers={"Upload-Offset": str(after)})

    async def _receipt(self, request: Request) -> Response:
        return JSONResponse(self.uploads.receipt(request.path_params["id"]))


class _Dropped(Response):
    """Begins an answer and breaks off; uvicorn then closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"100000")]
        await send({"type": "http.response.start", "status": 500, "headers": headers})
        raise ConnectionResetError("dropped")


def _ends(document: dict[str, Any]) -> str:
    return formatdate(document["began"] + LIFE_S, usegmt=True)


def _checksum(header: str) -> bytes | None:
    if not header:
        return None
    algorithm, _, value = header.partition(" ")
    if algorithm != "sha256":
        raise TusError(400, "another checksum algorithm")
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        raise TusError(400, "the checksum is no base64") from None


def _metadata(header: str) -> dict[str, str]:
    pairs = {}
    for item in filter(None, header.split(",")):
        name, _, value = item.partition(" ")
        if not re.fullmatch(r"[\x21-\x2b\x2d-\x7e]+", name):
            raise TusError(400, "Upload-Metadata has a bad key")
        try:
            pairs[name] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise TusError(400, "Upload-Metadata has a bad value") from None
    return pairs

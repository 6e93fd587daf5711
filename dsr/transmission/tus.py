"""Sends a package by tus 1.0.0 (https://tus.io/protocols/resumable-upload): core and creation, and checksum where the
server has it.

    OPTIONS <endpoint>           versions, extensions, largest size
    POST    <endpoint>           Upload-Length, Upload-Metadata → 201, Location: the upload URL
    HEAD    <upload URL>         Upload-Offset: how much is there
    PATCH   <upload URL>         the bytes from there on, a chunk at a time
    GET     <upload URL>/receipt the receipt (schemas/receipt.schema.json); ours, since tus knows none

The upload URL is a secret: whoever has it may write there. It goes into the case file and nowhere else.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from io import BytesIO
from typing import Any, Final
from urllib.parse import SplitResult, urldefrag, urljoin, urlsplit

from dsr.channels.ticket import Http
from dsr.errors import PermanentError, TransientError
from dsr.transmission.receipt import Receipt
from dsr.transmission.upload import Upload

CHUNK: Final = 8 * 1024 * 1024
"""Bytes of one PATCH. A server that checks checksums drops a chunk that broke off, so this much may go twice."""
_VERSION: Final = "1.0.0"
_GONE: Final = ("http.404", "http.410")
_LONGEST_URL: Final = 4096
_RESUMABLE: Final = {"Tus-Resumable": _VERSION}


class TusRecipient:
    """See `Recipient`. `endpoint` is the creation URL, `http` opens a client that carries the credentials and follows
    no redirects."""

    def __init__(self, key: str, title: str, endpoint: str, http: Callable[[], Http], chunk: int = CHUNK) -> None:
        self.key, self.title = key, title
        self._endpoint, self._http, self._chunk = endpoint, http, chunk
        self._place = f"recipient.{key}"

    def send(self, upload: Upload) -> Receipt:
        """As `Recipient.send`.

        PermanentError: ("tus.unsupported") not a server of tus 1.0.0 with creation, ("package.too_large") for it,
        ("location.refused") an upload URL elsewhere, ("offset.invalid") a count that can't be, ("receipt.absent").
        TransientError("upload.gone"): it ended on their side; the next call begins anew.
        """
        with self._http() as http:
            checked = self._capabilities(http, upload)
            url, offset = self._resumed(http, upload) or (self._created(http, upload), 0)
            if offset < upload.size:
                self._sent(http, upload, url, offset, checked)
            return self._receipt(http, url)

    def _capabilities(self, http: Http, upload: Upload) -> bool:
        """Whether the server checks SHA-256 per chunk."""
        headers = http.request("OPTIONS", self._endpoint).headers
        versions, extensions, algorithms = (
            {item.strip() for item in headers.get(name, "").split(",")}
            for name in ("Tus-Version", "Tus-Extension", "Tus-Checksum-Algorithm")
        )
        if _VERSION not in versions or "creation" not in extensions:
            raise PermanentError("tus.unsupported", self._place)
        largest = headers.get("Tus-Max-Size", "")
        if largest.isdecimal() and int(largest) < upload.size:
            raise PermanentError("package.too_large", self._place)
        return "checksum" in extensions and "sha256" in algorithms

    def _resumed(self, http: Http, upload: Upload) -> tuple[str, int] | None:
        """Upload URL and offset of what an earlier call began; None when nothing did, or it has ended there."""
        url = str(upload.state.get("url", ""))
        if not url:
            return None
        try:
            headers = http.request("HEAD", self._same_origin(url), headers=_RESUMABLE).headers
        except PermanentError as error:
            if error.code in _GONE:
                return None
            raise
        offset = self._offset(headers, 0, upload.size)
        if headers.get("Upload-Length", str(upload.size)) != str(upload.size):
            raise PermanentError("offset.invalid", self._place)
        return url, offset

    def _created(self, http: Http, upload: Upload) -> str:
        headers = {**_RESUMABLE, "Upload-Length": str(upload.size), "Upload-Metadata": _metadata(upload)}
        location = http.request("POST", self._endpoint, headers=headers).headers.get("Location", "")
        url = self._same_origin(location)
        upload.remember({"url": url})
        return url

    def _sent(self, http: Http, upload: Upload, url: str, offset: int, checked: bool) -> None:
        for chunk in upload.chunks(offset, self._chunk):
            end = offset + len(chunk)
            while offset < end:  # a server may take less than it was given
                offset = self._patched(http, url, offset, chunk[offset - end :], checked)

    def _patched(self, http: Http, url: str, offset: int, chunk: bytes, checked: bool) -> int:
        """The offset after that chunk."""
        headers = {**_RESUMABLE, "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
        if checked:
            headers["Upload-Checksum"] = f"sha256 {b64encode(sha256(chunk).digest()).decode()}"
        try:
            with BytesIO(chunk) as body:  # closed, so that a client's cycles don't keep chunks until they are collected
                answer = http.request("PATCH", url, headers=headers, content=body)
        except PermanentError as error:
            if error.code in _GONE:
                raise TransientError("upload.gone", self._place) from None
            raise
        return self._offset(answer.headers, offset + 1, offset + len(chunk))

    def _receipt(self, http: Http, url: str) -> Receipt:
        parts = urlsplit(url)
        where = parts._replace(path=f"{parts.path.rstrip('/')}/receipt").geturl()
        try:
            value = http.get_json(where)
        except PermanentError as error:
            if error.code in _GONE:
                raise PermanentError("receipt.absent", self._place) from None
            raise
        return Receipt.from_json(value, self._place)

    def _offset(self, headers: Mapping[str, Any], least: int, most: int) -> int:
        text = str(headers.get("Upload-Offset", ""))
        if not (text.isascii() and text.isdecimal() and len(text) < 20 and least <= int(text) <= most):
            raise PermanentError("offset.invalid", self._place)
        return int(text)

    def _same_origin(self, location: str) -> str:
        """The absolute URL. PermanentError("location.refused") unless it is on the endpoint's own scheme, host and
        port: an answer must not lead the package, or the credentials, elsewhere."""
        refused = PermanentError("location.refused", self._place)
        try:
            url = urldefrag(urljoin(self._endpoint, location)).url
            there, here = urlsplit(url), urlsplit(self._endpoint)
            elsewhere = _origin(there) != _origin(here) or "@" in there.netloc
        except ValueError:
            raise refused from None
        plain = url.isascii() and url.isprintable() and "\\" not in url and len(url) <= _LONGEST_URL
        if elsewhere or not (location and plain):
            raise refused
        return url


def _origin(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, url.port or {"http": 80, "https": 443}.get(url.scheme)


def _metadata(upload: Upload) -> str:
    """Upload-Metadata: which request, what the bytes are and who vouches for them; nothing of the person."""
    values = {
        "request": upload.request_id,
        "sha256": upload.sha256,
        "bytes": str(upload.size),
        "filetype": upload.media_type,
        "signature": upload.signature,
    }
    return ",".join(f"{name} {b64encode(value.encode()).decode()}" for name, value in values.items() if value)

"""A client of one recipient's OpenDSR 2.0 endpoint (https://github.com/opengdpr/OpenDSR, specification.md).

    GET  /discovery                 what it takes, and where its signing certificate is; once for many notices
    POST /requests                  a notice → 201, the receipt
    GET  /requests/<id>             its status

Every answer about a request is signed: X-OpenDSR-Signature over the raw body, X-OpenDSR-Processor-Domain. The domain is
pinned in the connection; the certificate comes from the connection's own origin, over TLS that was verified, and can be
pinned too. URLs hold nothing but the notice's id.
"""

import json
import logging
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, Self, TypeVar
from urllib.parse import urljoin, urlsplit

from dsr.channels.ticket import Http, HttpFactory
from dsr.errors import DsrError, PermanentError
from dsr.notices.notice import Notice
from dsr.notices.receipt import Receipt, Signed, Status
from dsr.notices.signature import Certificate, digest
from dsr.source import Connection

_CREATED: Final = 201
_KNOWN: Final = "http.409"
_FRESH: Final = timedelta(minutes=10)
"""So long what an endpoint says of itself holds for the next notice."""
_OUT_OF_DATE: Final = ("signature.wrong", "notice.unsupported")
_T = TypeVar("_T")

log = logging.getLogger("dsr")


class _About(NamedTuple):
    """What an endpoint said of itself at a time."""

    discovery: Mapping[str, Any]
    certificate: Certificate
    at: datetime


class OpenDsr:
    """One endpoint. The connection's fields:

    host, port, schema   where it is; https
    password             bearer token, with a login basic sign-in; "" = it asks for none
    extra.domain         the domain that its answers and its certificate must name; needed
    extra.path           what stands before /requests, such as "/v2"
    extra.certificate_sha256   fingerprints of its signing certificate, a list; absent = any for the domain
    extra.callbacks      URLs that it is to call when a status changes; absent = none, the status is asked for
    extra.ca             file of the authority to trust, "" = the system's
    """

    def __init__(self, connection: Connection, http: HttpFactory) -> None:
        extra = connection.extra
        self._connection, self._http = connection, http
        self._place = connection.conn_id
        self._domain = str(extra.get("domain") or "")
        self._prefix = "/" + str(extra.get("path") or "").strip("/") if extra.get("path") else ""
        self._pinned = tuple(str(text).lower().replace(":", "") for text in extra.get("certificate_sha256") or ())
        self._known: _About | None = None
        self._callbacks = tuple(str(url) for url in extra.get("callbacks") or ())

    @classmethod
    def connect(cls, connection: Connection, http: HttpFactory) -> Self:
        """A client; makes no call. PermanentError("connection.host" | "connection.domain") when one lacks."""
        if not connection.host:
            raise PermanentError("connection.host", connection.conn_id)
        if not connection.extra.get("domain"):
            raise PermanentError("connection.domain", connection.conn_id)
        return cls(connection, http)

    def send(self, notice: Notice, at: datetime) -> Receipt:
        """Send it and give the checked receipt; sent again, it is the same request there.

        PermanentError: ("notice.unsupported") when the endpoint doesn't take that kind or identities in that form,
        ("signature.wrong" | "certificate.invalid" | "domain.wrong" | "receipt.invalid" | "receipt.mismatch") when the
        answer proves nothing, ("redirect.refused"), ("http.<status>"). TransientError: call again.
        """
        return self._anew(lambda: self._send(notice, at))

    def status(self, notice_id: str, at: datetime) -> Status:
        """Where that notice stands. Errors as `send`, and PermanentError("status.invalid")."""
        return self._anew(lambda: self._standing(notice_id, at))

    def _anew(self, asked: Callable[[], _T]) -> _T:
        """What is kept of the endpoint may be out of date: what fails because of it is asked again without."""
        kept = self._known
        try:
            return asked()
        except PermanentError as error:
            if kept is None or self._known is not kept or error.code not in _OUT_OF_DATE:
                raise
            log.warning("%s; asked what it says of itself by now", error)
            self._known = None
            return asked()

    def _send(self, notice: Notice, at: datetime) -> Receipt:
        body = json.dumps(notice.as_opendsr(self._domain, self._callbacks), ensure_ascii=False).encode()
        with self._open() as http:
            certificate = self._fit_for(notice, self._about(http, at))
            headers = {"content-type": "application/json", "accept": "application/json"}
            try:
                answer = http.request("POST", f"{self._prefix}/requests", content=body, headers=headers)
            except DsrError as error:
                if error.code != _KNOWN:
                    raise
                # It has the request already, and says so instead of giving the receipt again.
                return self._signed(self._status(http, notice.notice_id), certificate).status_receipt(
                    notice.notice_id, at
                )
            if answer.status_code != _CREATED:
                raise PermanentError("receipt.invalid", self._place)
            return self._signed(answer, certificate).receipt(notice.notice_id, body)

    def _standing(self, notice_id: str, at: datetime) -> Status:
        with self._open() as http:
            certificate = self._about(http, at).certificate
            return self._signed(self._status(http, notice_id), certificate).status(notice_id)

    def _open(self) -> Http:
        return self._http(self._origin, place=self._place, headers=self._headers(), ca=self._text("ca"))

    @property
    def _origin(self) -> str:
        at = self._connection
        host = at.host if "://" in at.host else f"{at.schema or 'https'}://{at.host}"
        return host.rstrip("/") + (f":{at.port}" if at.port else "")

    def _headers(self) -> Mapping[str, str]:
        login, password = self._connection.login, self._connection.password
        if not password:
            return {}
        if not login:
            return {"authorization": f"Bearer {password}"}
        return {"authorization": f"Basic {b64encode(f'{login}:{password}'.encode()).decode()}"}

    def _text(self, name: str) -> str:
        return str(self._connection.extra.get(name) or "")

    def _discovery(self, http: Http) -> Mapping[str, Any]:
        found = http.get_json(f"{self._prefix}/discovery")
        if not isinstance(found, dict):
            raise PermanentError("discovery.invalid", self._place)
        return found

    def _about(self, http: Http, at: datetime) -> _About:
        """What it says of itself; asked for once for many notices, but not once and for all."""
        if self._known is None or not timedelta() <= at - self._known.at < _FRESH:
            found = self._discovery(http)
            self._known = _About(found, self._certificate(http, found, at), at)
        return self._known

    def _fit_for(self, notice: Notice, about: _About) -> Certificate:
        found = about.discovery
        wanted = {"identity_type": "email", "identity_format": "raw" if notice.in_clear else "sha256"}
        kinds, identities = found.get("supported_subject_request_types"), found.get("supported_identities")
        taken = isinstance(kinds, list) and isinstance(identities, list)
        if not taken or notice.kind not in (kinds or ()) or wanted not in (identities or ()):
            raise PermanentError("notice.unsupported", self._place)
        return about.certificate

    def _certificate(self, http: Http, found: Mapping[str, Any], at: datetime) -> Certificate:
        """Only from the connection's own origin: another could vouch for anybody."""
        try:
            url = urljoin(f"{self._origin}/", str(found.get("processor_certificate") or ""))
            elsewhere = urlsplit(url)[:2] != urlsplit(self._origin)[:2]
        except ValueError:
            elsewhere = True
        if elsewhere or not found.get("processor_certificate"):
            raise PermanentError("certificate.invalid", self._place)
        return Certificate(http.request("GET", url).content, self._domain, at, self._place, self._pinned)

    def _status(self, http: Http, notice_id: str) -> Any:
        return http.request("GET", f"{self._prefix}/requests/{notice_id}", headers={"accept": "application/json"})

    def _signed(self, answer: Any, certificate: Certificate) -> Signed:
        """The body, once its signature was found right; it isn't parsed before (8.8)."""
        if answer.headers.get("X-OpenDSR-Processor-Domain", "") != self._domain:
            raise PermanentError("domain.wrong", self._place)
        body, signature = bytes(answer.content), str(answer.headers.get("X-OpenDSR-Signature", ""))
        sha256 = digest(body)
        if not certificate.signed(signature, sha256):
            raise PermanentError("signature.wrong", self._place)
        return Signed(body, sha256, "".join(signature.split()), certificate.pem, self._domain, self._place)

"""What a released package is handed out as: the whole file, parts of it, its signature, its checksum."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from dsr import handed
from dsr.agefile import AgeFile
from dsr.casefile import CaseFile
from dsr.errors import PermanentError
from dsr.signing import SIGNATURE, made_at
from dsr.steps.deliver import RELEASED
from dsr.web.ranges import Span, Unsatisfiable, asked_for

_MEDIA_TYPES: Final = {"zip": "application/zip"}
_OTHER: Final = "application/octet-stream"
_TEXT: Final = "text/plain; charset=utf-8"
_PART: Final = re.compile(r"\.([0-9]{3,6})")
_SIGNATURE: Final = ".minisig"
_CHECKSUM: Final = ".sha256"
_PROOFS: Final = {_SIGNATURE: "signature", _CHECKSUM: "checksum"}
_PLACE: Final = "portal"
_GONE: Final = ("case.absent", "case.closed")

Note = Callable[[str, Mapping[str, Any]], None]
"""Takes an event's kind and detail."""


def is_gone(error: PermanentError) -> bool:
    """Whether the case or the object is not there: closed before its link ended, or being composed anew. Any other
    error is for whoever runs this, not for the person."""
    return error.code in _GONE


@dataclass(frozen=True)
class Part:
    """A part of a package that is large: its name, and which bytes of the whole it has."""

    name: str
    span: Span


@dataclass(frozen=True)
class Released:
    """The package that may be handed out. `name`: its file's, the opaque request id and an extension; `size` in bytes;
    `encryption` "none", "zip" or "age"; `made_at` aware, None when it was made without signature."""

    name: str
    sha256: str
    size: int
    encryption: str
    signature: str
    made_at: datetime | None

    @classmethod
    def of(cls, case: CaseFile) -> "Released | None":
        """None when the package is not the one that was released: composed anew, or being so. `compose` removes the
        facts before it replaces the package. To be read after the package was opened, where it is."""
        try:
            facts: dict[str, Any] = case.read_json("package.json")
            released = case.read_json(RELEASED)
            signature = str(case.read_json(SIGNATURE)) if case.exists(SIGNATURE) else ""
        except PermanentError as error:
            if not is_gone(error):
                raise
            return None
        if facts["sha256"] != released["sha256"]:
            return None
        name = f"{case.case_id}.{facts.get('extension', 'zip')}"
        sealed = facts.get("encryption", "none")
        return cls(name, facts["sha256"], facts["bytes"], sealed, signature, made_at(signature))

    @property
    def checksum(self) -> str:
        """As `sha256sum -c` reads it."""
        return f"{self.sha256}  {self.name}\n"

    def parts(self, part_bytes: int) -> tuple[Part, ...]:
        """Of so many bytes each, the last of what is left; () when the whole is not larger than one."""
        if self.size <= part_bytes:
            return ()
        starts = range(0, self.size, part_bytes)
        digits = max(3, len(str(len(starts))))  # so that the order of the names is that of the parts
        return tuple(
            Part(f"{self.name}.{number:0{digits}}", Span(start, min(start + part_bytes, self.size)))
            for number, start in enumerate(starts, 1)
        )

    def span(self, name: str, part_bytes: int) -> Span | None:
        """Which bytes of the package the file of that name has; None when it is no such file."""
        if name == self.name:
            return Span(0, self.size)
        number = _PART.fullmatch(name.removeprefix(self.name))
        parts = self.parts(part_bytes) if number else ()
        return next((part.span for part in parts if part.name == name), None)


@dataclass(frozen=True)
class Handout:
    """A case's released package, to be handed out.

    part_bytes  the largest part of a package
    note        is told what is given out before it is; its errors are passed on
    presigns    whether a package like this may be given by the store itself, if that has a copy for it
    is_open     whether it may still be had; asked again and again while it is given
    """

    case: CaseFile
    package: Released
    part_bytes: int
    note: Note
    is_open: Callable[[], bool]
    presigns: bool = False

    def answer(self, request: Request, name: str) -> Response | None:
        """To GET or HEAD for the file of that name; None when there is none. Unlike a stream that breaks off, all that
        goes wrong before the first byte is raised here."""
        if not name.startswith(self.package.name):
            return None
        suffix = name.removeprefix(self.package.name)
        if suffix == _CHECKSUM or (suffix == _SIGNATURE and self.package.signature):
            return self._proof(request, name, suffix)
        file = self.package.span(name, self.part_bytes)
        return self._file(request, name, file) if file else None

    def _proof(self, request: Request, name: str, suffix: str) -> Response:
        if request.method == "GET":
            self.note("downloaded", {"file": _PROOFS[suffix], "sha256": self.package.sha256})
        text = self.package.checksum if suffix == _CHECKSUM else self.package.signature
        return Response(text, headers=_as(name), media_type=_TEXT)

    def _file(self, request: Request, name: str, file: Span) -> Response | None:
        tag = f'"{self.package.sha256}{name.removeprefix(self.package.name)}"'
        headers = _as(name) | {"accept-ranges": "bytes", "etag": tag}
        try:
            asked = asked_for(_range_of(request, tag), file.length)
        except Unsatisfiable:
            return Response(status_code=416, headers=headers | {"content-range": f"bytes */{file.length}"})
        span = asked or Span(0, file.length)
        headers["content-length"] = str(span.length)
        if asked is not None:
            headers["content-range"] = f"bytes {span.start}-{span.end - 1}/{file.length}"
        media_type = _MEDIA_TYPES.get(name.rpartition(".")[2], _OTHER)
        if request.method == "HEAD":
            return Response(headers=headers, media_type=media_type)
        if name == self.package.name and (elsewhere := self._elsewhere()):
            return elsewhere
        chunks = self._opened(span.within(file))
        return StreamingResponse(chunks, 206 if asked else 200, headers, media_type) if chunks else None

    def _elsewhere(self) -> Response | None:
        """To where the store itself gives the package; None when it doesn't. That its last byte was given, nobody here
        can know then."""
        address = handed.address(self.case, self.package.sha256, self.package.name) if self.presigns else None
        if address is None or Released.of(self.case) != self.package or not self.is_open():
            return None
        self.note("download_begun", {"sha256": self.package.sha256, "bytes": self.package.size, "by": "store"})
        return RedirectResponse(address, 303)

    def _opened(self, span: Span) -> Iterator[bytes] | None:
        """Those bytes of the package, once they may be given and the ledger has it; None when it is there no more."""
        with ExitStack() as reading:
            try:
                file = reading.enter_context(self.case.anywhere("package"))
            except PermanentError as error:
                if not is_gone(error):
                    raise
                return None
            if Released.of(self.case) != self.package:
                return None
            if file.size != self.package.size:
                raise PermanentError("casefile.tampered", _PLACE)
            detail = {"sha256": self.package.sha256, "bytes": file.size, "first": span.start, "last": span.end - 1}
            self.note("download_begun", detail)
            return self._chunks(file, span, detail, reading.pop_all())

    def _chunks(self, file: AgeFile, span: Span, detail: Mapping[str, Any], reading: ExitStack) -> Iterator[bytes]:
        given = span.start
        with reading:
            for chunk in file.read(span.start, span.end):
                if not self.is_open():
                    raise PermanentError("link.ended", _PLACE)
                given += len(chunk)
                if given == file.size:
                    self.note("downloaded", detail)
                yield chunk


def _range_of(request: Request, tag: str) -> str | None:
    """The header, if it counts: GET alone has ranges (RFC 9110, 14.2), and one of what was asked for before is of use
    only if that is still the same (13.1.5)."""
    if request.method != "GET" or request.headers.get("if-range", tag) != tag:
        return None
    return request.headers.get("range")


def _as(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"'}

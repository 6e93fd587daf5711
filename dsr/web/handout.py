"""What a released package is handed out as: the file, its signature, its checksum."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, BinaryIO, Final

from starlette.responses import Response, StreamingResponse

from dsr.casefile import CaseFile
from dsr.errors import PermanentError
from dsr.signing import SIGNATURE
from dsr.steps.deliver import RELEASED

_CHUNK: Final = 64 * 1024
_MEDIA_TYPES: Final = {"zip": "application/zip"}
_OTHER: Final = "application/octet-stream"
FILE: Final = "package"
_SIGNATURE: Final = "signature"
_PROOFS: Final = {_SIGNATURE: "minisig", "checksum": "sha256"}
"""What else can be had → its extension."""

Note = Callable[[Mapping[str, Any]], object]


class NoSignature(PermanentError):
    """`signature.absent`: the package was made without one."""


def handed_out(case: CaseFile, request_id: str, wanted: str, note: Note) -> Response | None:
    """The answer that carries it. `wanted`: "package", "signature" or "checksum". `note` is told, in codes and hashes,
    what is given out, before it is; its errors are passed on.

    None when there is nothing to have: no package, one that is not the one that was released, or something else
    wanted. NoSignature. Unlike a stream that breaks off, all errors that come before the first byte are raised here.
    """
    if wanted == FILE:
        return _file(case, request_id, note)
    return _proof(case, request_id, wanted, note) if wanted in _PROOFS else None


def _file(case: CaseFile, request_id: str, note: Note) -> Response | None:
    with ExitStack() as reading:
        try:
            file = reading.enter_context(case.reader("package"))
        except PermanentError:
            return None  # the case was closed before its link ended
        described = _released(case)
        if described is None:
            return None
        note({"sha256": described["sha256"], "bytes": described["bytes"]})
        chunks = _chunks(file, reading.pop_all())
    extension = described.get("extension", "zip")
    headers = _as(f"{request_id}.{extension}") | {"content-length": str(described["bytes"])}
    return StreamingResponse(chunks, headers=headers, media_type=_MEDIA_TYPES.get(extension, _OTHER))


def _proof(case: CaseFile, request_id: str, wanted: str, note: Note) -> Response | None:
    signature = str(case.read_json(SIGNATURE)) if wanted == _SIGNATURE and case.exists(SIGNATURE) else ""
    described = _released(case)
    if described is None:
        return None
    if wanted == _SIGNATURE and not signature:
        raise NoSignature("signature.absent", "portal")
    note({"file": wanted, "sha256": described["sha256"]})
    name = f"{request_id}.{described.get('extension', 'zip')}"
    text = signature or f"{described['sha256']}  {name}\n"
    return Response(text, headers=_as(f"{name}.{_PROOFS[wanted]}"), media_type="text/plain; charset=utf-8")


def _released(case: CaseFile) -> dict[str, Any] | None:
    """The facts of the package, read after it was opened; None when it is not the one that was released: composed
    anew, or being so. `compose` removes the facts before it replaces the package."""
    try:
        described: dict[str, Any] = case.read_json("package.json")
        released = case.read_json(RELEASED)
    except PermanentError:
        return None
    return described if described["sha256"] == released["sha256"] else None


def _as(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"'}


def _chunks(file: BinaryIO, reading: ExitStack) -> Iterator[bytes]:
    with reading:
        while chunk := file.read(_CHUNK):
            yield chunk

"""A form with a file, as a browser sends it (RFC 7578), read by python-multipart through Starlette.

Starlette puts what is longer than a megabyte into a temporary file, where a person's data must not be: here it never
is, and what is longer than may be is refused.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Final

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

_MOST_FIELDS: Final = 20
_MOST_FIELD: Final = 64 * 1024


@dataclass(frozen=True)
class Uploaded:
    """What was sent: the fields, and the bytes of the file; b"" = no file was chosen, or an empty one."""

    fields: dict[str, str]
    content: bytes = field(default=b"", repr=False)


async def uploaded(request: Request, most: int) -> Uploaded:
    """The form. HTTPException 413 when it has more than `most` bytes, 400 when it is none or is broken off."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise HTTPException(400)
    parser = MultiPartParser(
        request.headers, _within(request, most), max_files=1, max_fields=_MOST_FIELDS, max_part_size=_MOST_FIELD
    )
    parser.spool_max_size = most + 1
    try:
        form = await parser.parse()
    except (MultiPartException, ClientDisconnect):
        raise HTTPException(400) from None
    fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    return Uploaded(fields, await files[0].read() if files else b"")


async def _within(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    count = 0
    async for chunk in request.stream():
        count += len(chunk)
        if count > most:
            raise HTTPException(413)
        yield chunk

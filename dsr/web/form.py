"""What is typed into the pages' forms."""

import re
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request

_MAX_FORM: Final = 8 * 1024
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{16,128}")


async def fields_of(request: Request) -> dict[str, str]:
    """The fields of a small URL-encoded form; {} for anything else, which then fits nothing."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM:
            return {}
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=10)
    except ValueError:
        return {}
    return {name: values[0].strip() for name, values in fields.items()}


def secret_of(link: str) -> str:
    """The secret part of a pasted link: what stands after the last # and before the expiry. "" when it is none."""
    part = link.rpartition("#")[2].partition(".")[0].strip()
    return part if _SECRET.fullmatch(part) else ""

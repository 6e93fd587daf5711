"""A request to the REST API and its answer, apart from HTTP, so that Composite can play them inside."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.salesforce.errors import VendorError


@dataclass(frozen=True)
class Call:
    """One request below `/services/data`. `headers` have lower-case names; `body` is JSON, None without;
    `raw` is a body that isn't JSON; `inside`: a subrequest of Composite."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    inside: bool = False
    raw: bytes = b""

    def object_body(self) -> dict[str, Any]:
        """The body, which must be a JSON object."""
        if not isinstance(self.body, dict):
            raise VendorError(400, "JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has none.")
        return self.body


@dataclass(frozen=True)
class Answer:
    """Status and body: JSON, bytes of a file, or None for no content."""

    status: int
    body: Any = None
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        """The body as it is sent."""
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body, ensure_ascii=False).encode()


def parse_body(raw: bytes) -> Any:
    """JSON of a body; None when it is empty. JSON_PARSER_ERROR otherwise."""
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        raise VendorError(400, "JSON_PARSER_ERROR", "Unexpected character in the request body") from None

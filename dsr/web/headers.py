"""The headers that every page goes out with."""

import base64
import hashlib

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dsr.web.page import asset


def _headers(*, secure: bool) -> list[tuple[bytes, bytes]]:
    """OWASP ASVS 5.0, 3.4 and 14.3: nothing from elsewhere, nothing kept, nothing told to others."""
    style, *scripts = (
        f"'sha256-{base64.b64encode(hashlib.sha256(asset(name).encode()).digest()).decode()}'"
        for name in ("portal.css", "portal.js", "confirm.js")
    )
    policy = (
        f"default-src 'none'; style-src {style}; script-src {' '.join(scripts)}; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    values = {
        "content-security-policy": policy,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "x-robots-tag": "noindex, nofollow",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
    }
    if secure:
        values["strict-transport-security"] = "max-age=31536000; includeSubDomains"
    return [(name.encode(), value.encode()) for name, value in values.items()]


class SafeHeaders:
    """Adds the same headers to every answer, errors included; `secure`: the page is reached over https."""

    def __init__(self, app: ASGIApp, secure: bool) -> None:
        self.app, self.headers = app, _headers(secure=secure)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self.headers]}
            await send(message)

        await self.app(scope, receive, with_headers)

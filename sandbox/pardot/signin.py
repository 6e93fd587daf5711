"""OAuth at /services/oauth2/token, as the Salesforce org of the business unit serves it: client credentials."""

import base64
import binascii
import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.pardot.errors import ApiError
from sandbox.pardot.settings import Settings

CLIENT_ID = "3MVG9sandboxPardotConsumerKey"
CLIENT_SECRET = "sandbox-pardot-consumer-secret"
BUSINESS_UNIT = "0Uv5g000000SAND4AA"


class SignIn:
    """Issues access tokens and checks them. Tokens live in memory: a restart revokes them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tokens: dict[str, float] = {}

    async def token(self, request: Request) -> Response:
        """POST /services/oauth2/token; 400 `{"error","error_description"}` when refused."""
        form = await request.form()
        if form.get("grant_type") != "client_credentials":
            return _refused("unsupported_grant_type", "grant type not supported")
        user, secret = _basic(request) or (str(form.get("client_id", "")), str(form.get("client_secret", "")))
        if user != CLIENT_ID:
            return _refused("invalid_client_id", "client identifier invalid")
        if not secrets.compare_digest(secret.encode(), CLIENT_SECRET.encode()):
            return _refused("invalid_client", "invalid client credentials")
        token = f"00D5g00000SAND!{secrets.token_urlsafe(48)}"
        self._tokens[token] = self._settings.now() + self._settings.access_life
        base = f"{request.url.scheme}://{request.url.netloc}"
        return JSONResponse(
            {
                "access_token": token,
                "scope": "pardot_api",
                "instance_url": base,
                "id": f"{base}/id/00D5g00000SANDAA/0055g00000SANDAA",
                "token_type": "Bearer",
                "issued_at": str(int(self._settings.now() * 1000)),
            }
        )

    def check(self, request: Request) -> None:
        """ApiError 49, 184, 181 or 201 unless the call carries a good token and the business unit."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not token or scheme.lower() != "bearer":
            raise ApiError(49)
        if self._tokens.get(token, 0.0) <= self._settings.now():
            raise ApiError(184)
        unit = request.headers.get("pardot-business-unit-id")
        if unit is None:
            raise ApiError(181)
        if unit != BUSINESS_UNIT:
            raise ApiError(201)

    def revoke(self) -> None:
        """Forget all access tokens."""
        self._tokens.clear()


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, secret


def _refused(error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, 400)

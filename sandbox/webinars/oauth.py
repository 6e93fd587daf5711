"""Server-to-server OAuth: `POST /oauth/token`, an access token for an hour, no refresh token."""

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable, Mapping

from sandbox.webinars.account import Answer, ZoomError

ACCOUNT_ID, CLIENT_ID, CLIENT_SECRET = "sAndBoxAcc0unt_1d", "zoom_client_AbC123", "zoom-secret-for-the-sandbox"
TOKEN_LIFE = 3600
SCOPE = "webinar:read:list_registrants:admin report:read:webinar:admin cloud_recording:read:list_recording_files:admin"


class Tokens:
    """Issues and checks access tokens. They live in memory: after a restart all are invalid."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._until: dict[str, float] = {}

    def issue(self, authorization: str, form: Mapping[str, str], origin: str) -> Answer:
        """A token for the client in the Basic header; 400 in OAuth's error form otherwise."""
        if not _is_client(authorization):
            return 400, {"reason": "Invalid client_id or client_secret", "error": "invalid_client"}
        if form.get("grant_type") != "account_credentials":
            return 400, {"reason": "unsupported grant type", "error": "unsupported_grant_type"}
        if form.get("account_id") != ACCOUNT_ID:
            return 400, {"reason": "Bad Request", "error": "invalid_request"}
        token = secrets.token_urlsafe(32)
        self._until[token] = self._now() + TOKEN_LIFE
        body = {"access_token": token, "token_type": "bearer", "expires_in": TOKEN_LIFE, "scope": SCOPE}
        return 200, {**body, "api_url": origin}

    def check(self, authorization: str) -> None:
        """401/124 unless the header bears a living token."""
        until = self._until.get(authorization.removeprefix("Bearer "))
        if until is None or not authorization.startswith("Bearer "):
            raise ZoomError(401, 124, "Invalid access token.")
        if self._now() >= until:
            raise ZoomError(401, 124, "Access token is expired.")

    def revoke_all(self) -> None:
        """Forget every token."""
        self._until.clear()


def _is_client(authorization: str) -> bool:
    try:
        given = base64.b64decode(authorization.removeprefix("Basic "), validate=True)
    except (binascii.Error, ValueError):
        return False
    expected = f"{CLIENT_ID}:{CLIENT_SECRET}".encode()
    return authorization.startswith("Basic ") and hmac.compare_digest(given, expected)

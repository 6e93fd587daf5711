"""OAuth of the org: JWT bearer (RS256, really verified), client credentials, and the sessions they open."""

import base64
import binascii
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.salesforce.errors import VendorError
from sandbox.state import Store

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
USERNAME = "integration@controller.example"
AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
LONGEST_ASSERTION = timedelta(minutes=5)
SESSION = timedelta(hours=2)


class SignInError(Exception):
    """400 with the vendor's `{"error","error_description"}`."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.body = {"error": error, "error_description": description}


class SignIn:
    """One connected app. Its key, consumer key and secret are made once and kept with the state."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._sessions, self._app = store["session"], store["connected_app"]
        self.key_path = folder / "salesforce.key.pem"
        if "app" not in self._app:
            self._app["app"] = {"key": "3MVG9" + secrets.token_hex(16), "secret": secrets.token_hex(24)}
        if not self.key_path.exists():
            self.key_path.touch(mode=0o600)
            self.key_path.write_bytes(_new_key())
        private = serialization.load_pem_private_key(self.key_path.read_bytes(), None)
        if not isinstance(private, rsa.RSAPrivateKey):
            raise ValueError("the connected app's key is not RSA")
        self._public = private.public_key()

    @property
    def consumer_key(self) -> str:
        """Client id of the connected app."""
        return str(self._app["app"]["key"])

    @property
    def consumer_secret(self) -> str:
        """Client secret of the connected app."""
        return str(self._app["app"]["secret"])

    def token(self, form: bytes, authorization: str, base_url: str) -> dict[str, Any]:
        """The answer of `POST /services/oauth2/token`. SignInError when it is refused."""
        values = {k: v[0] for k, v in parse_qs(form.decode("utf-8", "replace")).items()}
        grant = values.get("grant_type")
        if grant == JWT_GRANT:
            self._check_assertion(values.get("assertion", ""), base_url)
        elif grant == "client_credentials":
            self._check_credentials(values, authorization)
        else:
            raise SignInError("unsupported_grant_type", "grant type not supported")
        token = f"00D5g00000AbCdE!{secrets.token_urlsafe(48)}"
        self._sessions[token] = {"until": (datetime.now(UTC) + SESSION).isoformat()}
        return {
            "access_token": token, "scope": "api", "instance_url": base_url, "token_type": "Bearer",
            "id": f"{base_url}/id/00D5g00000AbCdEEAV/0055g000001A2B3AAK", "api_instance_url": base_url,
        }  # fmt: skip

    def check(self, authorization: str) -> None:
        """401 INVALID_SESSION_ID unless the header carries a session that is open."""
        word, _, token = authorization.partition(" ")
        session = self._sessions.get(token) if word in ("Bearer", "OAuth") else None
        if session is None or datetime.fromisoformat(session["until"]) < datetime.now(UTC):
            raise VendorError(401, "INVALID_SESSION_ID", "Session expired or invalid")

    def revoke_all(self) -> None:
        """Close every session, as when an administrator revokes the app's tokens."""
        for token in list(self._sessions):
            del self._sessions[token]

    def _check_assertion(self, assertion: str, base_url: str) -> None:
        try:
            claims = jwt.decode(
                assertion, self._public, algorithms=["RS256"], audience=[*AUDIENCES, base_url],
                options={"require": ["iss", "sub", "aud", "exp"]},
            )  # fmt: skip
        except jwt.ExpiredSignatureError:
            raise SignInError("invalid_grant", "expired authorization code") from None
        except jwt.InvalidAudienceError:
            raise SignInError("invalid_grant", "audience is invalid") from None
        except jwt.InvalidTokenError:
            raise SignInError("invalid_grant", "invalid assertion") from None
        if claims["iss"] != self.consumer_key:
            raise SignInError("invalid_client_id", "client identifier invalid")
        if claims["sub"] != USERNAME:
            raise SignInError("invalid_grant", "user hasn't approved this consumer")
        if int(claims["exp"]) > (datetime.now(UTC) + LONGEST_ASSERTION).timestamp():
            raise SignInError("invalid_grant", "expired authorization code")

    def _check_credentials(self, values: dict[str, str], authorization: str) -> None:
        key, secret = values.get("client_id", ""), values.get("client_secret", "")
        if authorization.startswith("Basic "):
            try:
                key, _, secret = base64.b64decode(authorization[6:], validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                raise SignInError("invalid_client", "invalid client credentials") from None
        if key != self.consumer_key:
            raise SignInError("invalid_client_id", "client identifier invalid")
        if not secrets.compare_digest(secret.encode(), self.consumer_secret.encode()):
            raise SignInError("invalid_client", "invalid client credentials")


def _new_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

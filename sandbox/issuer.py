"""A customer portal's sign-in: an OpenID Connect issuer that publishes its keys and makes ID tokens, good and bad ones.

issuer = Issuer("https://portal.example", "dsr")
token = issuer.token("asa@kvarnberget.example", at=now)
Starlette(routes=issuer.routes())      # GET /.well-known/jwks.json
"""

import base64
import hmac
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

JWKS_PATH = "/.well-known/jwks.json"


@dataclass
class Issuer:
    """issuer, audience: as they stand in the tokens. `fails`: the status that the keys' address answers with instead;
    `fetched`: how often it was asked for them."""

    issuer: str
    audience: str
    fails: int = 0
    fetched: int = 0
    keys: dict[str, Any] = field(
        default_factory=lambda: {
            "RS256": rsa.generate_private_key(65537, 2048),
            "ES256": ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate(),
        }
    )

    def jwks(self) -> dict[str, Any]:
        """The public keys (RFC 7517)."""
        public = {name: key.public_key() for name, key in self.keys.items()}
        made = {
            "RS256": RSAAlgorithm.to_jwk(public["RS256"]),
            "ES256": ECAlgorithm.to_jwk(public["ES256"]),
            "EdDSA": OKPAlgorithm.to_jwk(public["EdDSA"]),
        }
        return {"keys": [{**json.loads(key), "kid": name, "use": "sig", "alg": name} for name, key in made.items()]}

    def claims(self, email: Any, at: datetime, **changes: Any) -> dict[str, Any]:
        """Of somebody who signed in five minutes before, with a password; None among `changes` leaves a claim out."""
        stamp = int(at.timestamp())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": "248289761001",
            "iat": stamp,
            "exp": stamp + 600,
            "auth_time": stamp - int(timedelta(minutes=5).total_seconds()),
            "jti": secrets.token_urlsafe(12),
            "email": email,
            "email_verified": True,
            "amr": ["pwd"],
        }
        return {name: value for name, value in (claims | changes).items() if value is not None}

    def token(
        self, email: Any, *, at: datetime, algorithm: str = "RS256", kid: str | None = None, **changes: Any
    ) -> str:
        """A signed token. `changes`: claims."""
        headers = {"kid": kid or algorithm}
        return jwt.encode(self.claims(email, at, **changes), self.keys[algorithm], algorithm=algorithm, headers=headers)

    def unsigned(self, email: str, *, at: datetime) -> str:
        """What says of itself that nobody signed it (alg "none")."""
        header = {"alg": "none", "typ": "JWT", "kid": "RS256"}
        return ".".join([*(_b64(json.dumps(part).encode()) for part in (header, self.claims(email, at))), ""])

    def by_public_key(self, email: str, *, at: datetime) -> str:
        """Signed by whoever has only the public key, as if that were a shared secret (RFC 8725, 2.1)."""
        header = {"alg": "HS256", "typ": "JWT", "kid": "RS256"}
        parts = [_b64(json.dumps(part).encode()) for part in (header, self.claims(email, at))]
        pem = json.dumps(self.jwks()["keys"][0]).encode()
        signature = hmac.digest(pem, ".".join(parts).encode(), "sha256")
        return ".".join([*parts, _b64(signature)])

    def routes(self) -> list[Route]:
        """What it serves."""
        return [Route(JWKS_PATH, self._serve)]

    async def _serve(self, _: Request) -> Response:
        self.fetched += 1
        return Response(status_code=self.fails) if self.fails else JSONResponse(self.jwks())


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

"""The customer portal's word on who asks: an ID token (OpenID Connect Core 1.0, 3.1.3.7; RFC 8725), checked and used.

It is looked at once and kept nowhere: of its id there is a keyed hash, so that it counts for one request. Nothing here
raises over a token that is no good, and nothing shows what stands in it: the answer is a code.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from sqlalchemy import Engine, delete, select
from sqlalchemy.dialects.postgresql import insert

from dsr.database import transaction
from dsr.hidden import Hidden
from dsr.issuerkeys import IssuerKeys, KeysUnavailable
from dsr.oidc import Oidc
from dsr.tables import id_tokens

VERIFIED: Final = "token.verified"
_PLACE: Final = "id_tokens"
_LEEWAY: Final = timedelta(seconds=60)
_LONGEST_LIFE: Final = timedelta(days=1)
"""A token that was issued longer ago isn't taken, however long it says that it lives: tickets are read by many."""
_LEAST_RSA_BITS: Final = 2048
_CLAIMS: Final = ("iss", "aud", "sub", "exp", "iat", "auth_time", "email")
_WITHOUT_CLOCK: Final = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "require": list(_CLAIMS)}


@dataclass(frozen=True)
class Word:
    """`code`: VERIFIED, or why it doesn't count; `second`: the issuer asked for more than one factor."""

    code: str
    second: bool = False


class IdTokens:
    """Checks tokens of the issuer that `oidc` names; which were used is kept in the database behind `engine`, `key` is
    `subkey(master_key, "id_tokens")`. May be shared by threads."""

    def __init__(self, oidc: Oidc, engine: Engine, key: bytes, keys: IssuerKeys | None = None) -> None:
        self._oidc, self._engine, self._hidden = oidc, engine, Hidden(key, _PLACE)
        self._keys = keys or IssuerKeys(oidc.jwks)

    def word(self, token: str, email: str, request_id: str, at: datetime) -> Word:
        """Whether the token says that whoever holds that address, in the normal form of `model.Identifier`, has signed
        in; for one request only. The same call again says the same, as long as the token isn't expired. Codes:

        token.malformed   no signed token, or a claim is absent or of the wrong type
        token.algorithm   a signature of another kind than is allowed, "none" above all
        token.keys        the issuer's keys can't be had at the moment
        token.key         the issuer has no such key
        token.signature   not signed by the issuer
        token.issuer, token.audience  another's, or for another
        token.time        expired, not valid yet, or issued too long ago
        token.signed_in   the person signed in too long ago
        token.email, token.email_unverified  of another address than the request's, or nobody has verified it
        token.replayed    used for another request
        """
        try:
            claims = self._claims(token, at)
        except _Bad as bad:
            return Word(bad.code)
        code = self._about(claims, email, at)
        if code == VERIFIED and not self._used_for(claims, request_id, at):
            code = "token.replayed"
        return Word(code, second=code == VERIFIED and self._second(claims))

    def _claims(self, token: str, at: datetime) -> Mapping[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError:
            raise _Bad("token.malformed") from None
        algorithm = header.get("alg")
        if algorithm not in self._oidc.algorithms:
            raise _Bad("token.algorithm")
        key = self._key(header.get("kid"), algorithm, at)
        expected: dict[str, Any] = {"audience": self._oidc.audience, "issuer": self._oidc.issuer}
        try:
            return jwt.decode(token, key, algorithms=[algorithm], options=_WITHOUT_CLOCK, **expected)  # type: ignore[arg-type]
        except jwt.InvalidTokenError as error:
            raise _Bad(_CODES.get(type(error), "token.malformed")) from None
        except Exception:  # noqa: BLE001 - a library's message may hold what stands in the token
            raise _Bad("token.malformed") from None

    def _key(self, kid: Any, algorithm: str, at: datetime) -> jwt.PyJWK:
        try:
            key = self._keys.key(kid if isinstance(kid, str) else "", algorithm, at)
        except KeysUnavailable:
            raise _Bad("token.keys") from None
        if key is None or (isinstance(key.key, RSAPublicKey) and key.key.key_size < _LEAST_RSA_BITS):
            raise _Bad("token.key")
        return key

    def _about(self, claims: Mapping[str, Any], email: str, at: datetime) -> str:
        issued, expires, signed_in = (_moment(claims[name]) for name in ("iat", "exp", "auth_time"))
        if issued is None or expires is None or signed_in is None or not self._id(claims):
            return "token.malformed"
        if not self._for_us(claims):
            return "token.audience"
        not_before = _moment(claims["nbf"]) if "nbf" in claims else issued
        if not_before is None or not (max(issued, not_before) - _LEEWAY <= at < expires + _LEEWAY):
            return "token.time"
        if at - issued > _LONGEST_LIFE:
            return "token.time"
        if not (signed_in - _LEEWAY <= at <= signed_in + self._oidc.max_age):
            return "token.signed_in"
        if not isinstance(claims["email"], str) or _normal(claims["email"]) != email:
            return "token.email"
        return VERIFIED if claims.get("email_verified") is True else "token.email_unverified"

    def _for_us(self, claims: Mapping[str, Any]) -> bool:
        """OpenID Connect Core 3.1.3.7, 4 and 5: of several audiences, and where the token says it, for whom it is."""
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        return bool(claims.get("azp", None if several else self._oidc.audience) == self._oidc.audience)

    def _second(self, claims: Mapping[str, Any]) -> bool:
        methods = claims.get("amr")
        said = [claims.get("acr"), *(methods if isinstance(methods, list) else [])]
        return any(isinstance(value, str) and value in self._oidc.second_factors for value in said)

    def _id(self, claims: Mapping[str, Any]) -> str:
        """What makes it one of its kind; "" when it has nothing of it."""
        return next((f"{name}\0{claims[name]}" for name in ("jti", "nonce") if isinstance(claims.get(name), str)), "")

    def _used_for(self, claims: Mapping[str, Any], request_id: str, at: datetime) -> bool:
        token = self._hidden.keyed("token", f"{claims['iss']}\0{self._id(claims)}")
        row = {"token": token, "request_id": request_id, "until": at + _LONGEST_LIFE + 2 * _LEEWAY}
        with transaction(self._engine, _PLACE) as connection:
            connection.execute(insert(id_tokens).values(row).on_conflict_do_nothing())
            query = select(id_tokens.c.request_id).where(id_tokens.c.token == token)
            return bool(connection.execute(query).scalar_one() == request_id)


def forget(engine: Engine, before: datetime) -> int:
    """Drops what is known of tokens that expired before that moment; how many."""
    with transaction(engine, _PLACE) as connection:
        return connection.execute(delete(id_tokens).where(id_tokens.c.until < before)).rowcount


class _Bad(Exception):
    """A token that doesn't count."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


_CODES: Final[Mapping[type[Exception], str]] = {
    jwt.InvalidSignatureError: "token.signature",
    jwt.InvalidIssuerError: "token.issuer",
    jwt.InvalidAudienceError: "token.audience",
    jwt.InvalidAlgorithmError: "token.algorithm",
}


def _moment(value: Any) -> datetime | None:
    """A NumericDate (RFC 7519); None when it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _normal(address: str) -> str:
    return unicodedata.normalize("NFC", address.strip().lower())

"""The signature of an OpenDSR endpoint: RSA with SHA-256 over the raw body (FIPS 186-4, PKCS #1 v1.5), by a
certificate that names the pinned domain. `cryptography` does the work."""

import base64
import binascii
import hashlib
from collections.abc import Collection
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from dsr.errors import PermanentError

_SMALLEST_KEY: Final = 2048


class Certificate:
    """A processor's signing certificate, found fit when it was made."""

    def __init__(self, pem: bytes, domain: str, at: datetime, place: str, pinned: Collection[str] = ()) -> None:
        """PermanentError("certificate.invalid") unless it is an RSA certificate of 2048 bits or more that names
        `domain`, is valid at `at`, and is one of `pinned` (SHA-256 of its DER form in hex) when there are any."""
        invalid = PermanentError("certificate.invalid", place)
        try:
            found = x509.load_pem_x509_certificate(pem)
            names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            key = found.public_key()
        except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
            raise invalid from None
        fingerprint = found.fingerprint(SHA256()).hex()
        in_time = found.not_valid_before_utc <= at <= found.not_valid_after_utc
        named = domain in names.get_values_for_type(x509.DNSName)
        if not isinstance(key, RSAPublicKey) or key.key_size < _SMALLEST_KEY:
            raise invalid
        if not (in_time and named and (not pinned or fingerprint in pinned)):
            raise invalid
        self._key = key
        self.pem = found.public_bytes(Encoding.PEM).decode()
        self.fingerprint = fingerprint

    def signed(self, signature: str, body_sha256: str) -> bool:
        """Whether that is its signature (base64) of the body with that SHA-256 (hex)."""
        try:
            given = base64.b64decode("".join(signature.split()), validate=True)
            self._key.verify(given, bytes.fromhex(body_sha256), PKCS1v15(), Prehashed(SHA256()))
        except (binascii.Error, ValueError, InvalidSignature):
            return False
        return True


def digest(body: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(body).hexdigest()


def signed_headers(key: bytes, domain: str, body: bytes, place: str) -> dict[str, str]:
    """The headers by which others know that a body is `domain`'s. `key`: an RSA key in PEM, without a password.
    PermanentError("signing.key") when it is none."""
    try:
        loaded = load_pem_private_key(key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        loaded = None
    if not isinstance(loaded, RSAPrivateKey) or loaded.key_size < _SMALLEST_KEY:
        raise PermanentError("signing.key", place)
    signature = base64.b64encode(loaded.sign(body, PKCS1v15(), SHA256())).decode()
    return {"X-OpenDSR-Processor-Domain": domain, "X-OpenDSR-Signature": signature}

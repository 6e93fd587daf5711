"""The signing key and certificate of the processor: RSA, issued by an authority of its own; made once, then kept."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

_LIFE = timedelta(days=3650)


class Signing:
    """Signs answers as `domain`."""

    def __init__(self, folder: Path, domain: str) -> None:
        key_file, certificate_file = folder / "signing.key", folder / "signing.pem"
        if not certificate_file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            key, certificate = _issue(domain)
            key_file.touch(mode=0o600)
            key_file.write_bytes(_private(key))
            certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        loaded = serialization.load_pem_private_key(key_file.read_bytes(), None)
        if not isinstance(loaded, rsa.RSAPrivateKey):
            raise TypeError("the signing key is RSA")
        self._key = loaded
        self.certificate = certificate_file.read_bytes()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate in hex."""
        return x509.load_pem_x509_certificate(self.certificate).fingerprint(hashes.SHA256()).hex()

    def sign(self, body: bytes) -> str:
        """RSA with SHA-256 (PKCS #1 v1.5), base64."""
        return base64.b64encode(self._key.sign(body, padding.PKCS1v15(), hashes.SHA256())).decode()


def _issue(domain: str) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    authority, key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "processor's authority")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LIFE)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
        .sign(authority, hashes.SHA256())
    )
    return key, certificate


def _private(key: rsa.RSAPrivateKey) -> bytes:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)

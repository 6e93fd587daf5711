"""What can be wrong with a package."""

from collections.abc import Mapping
from typing import Final

from dsr.errors import PermanentError

WORDS: Final[Mapping[str, str]] = {
    "archive.damaged": "can't be read: cut off, altered, or no ZIP",
    "archive.method": "is compressed in a way that packages never use",
    "archive.overlap": "the parts of the ZIP overlap or reach beyond its end",
    "attachment.mismatch": "is not what the document says about this attachment",
    "bag.invalid": "is not what BagIt 1.0 (RFC 8493) asks for",
    "dataset.mismatch": "holds another number of records, or of invalid ones, than the document says",
    "descriptor.mismatch": "has another hash or size than datapackage.json says, or isn't described in it exactly once",
    "document.mismatch": "says something else than the rest of the package",
    "file.changed": "changed after it had been verified",
    "file.missing": "is named by the package and not in it",
    "file.unlisted": "is in the package and named by no manifest",
    "hash.mismatch": "the file is not the one whose SHA-256 stands beside it",
    "hash.unreadable": "holds no SHA-256",
    "identity.invalid": "the age identity can't be read",
    "identity.missing": "the package is encrypted with age: an identity (AGE-SECRET-KEY-…) is needed",
    "identity.wrong": "the age identity doesn't open it, or it is damaged",
    "json.damaged": "is no JSON",
    "limit.bytes": "would unpack to more bytes than allowed",
    "limit.files": "has more files than allowed",
    "limit.ratio": "would unpack to suspiciously much for its size",
    "manifest.duplicate": "names a file twice",
    "manifest.mismatch": "is not the file whose hash stands in the manifest",
    "manifest.unreadable": "has lines that are no hash and path",
    "package.missing": "there is no such file or folder",
    "password.missing": "the ZIP is encrypted: a password is needed",
    "password.wrong": "the password is wrong",
    "path.duplicate": "is there twice, or differs from another in capitals only",
    "path.special": "is neither a plain file nor a folder",
    "path.symlink": "is a symbolic link",
    "path.unsafe": "is a path that could lead out of the package, or holds characters that packages never use",
    "schema.invalid": "can't be used as a JSON Schema",
    "schema.violation": "is not as its JSON Schema in the package says",
    "signature.missing": "there is no signature beside the package",
    "signature.needs_file": "a signature is of the file as it was received, not of an unpacked folder",
    "signature.unreadable": "the public key or the signature can't be read",
    "signature.wrong": "the signature is not of this file by this key",
}
"""Every code and what it means; the words go on after the name of the file."""


class PackageError(PermanentError):
    """The package is not what it should be, or can't be opened; nothing of it was returned.

    code   one of `WORDS`
    file   path in the package; "" when it is about the package as a whole
    """

    def __init__(self, code: str, file: str = "") -> None:
        # A name from a hostile archive may hold anything; what goes to a terminal or a log is printable ASCII.
        shown = ascii(file)[1:-1][:200]
        super().__init__(code, shown or "package")
        self.file = shown

    @property
    def words(self) -> str:
        """A sentence for a person."""
        return f"{self.file or 'The package'}: {WORDS[self.code]}."

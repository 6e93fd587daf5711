"""Whether a file came whole."""

from collections.abc import Iterator
from hashlib import md5

from dsr.errors import TransientError
from extractors.salesforce.failures import PLACE


def whole(chunks: Iterator[bytes], size: object, checksum: object) -> Iterator[bytes]:
    """The same pieces. TransientError("attachment.cut") at their end when they aren't what the record says: its bytes
    (`ContentSize`, `BodyLength`) and MD5 in hex (`Checksum`); what it doesn't say is not compared."""
    count, digest = 0, md5(usedforsecurity=False)
    for chunk in chunks:
        count += len(chunk)
        digest.update(chunk)
        yield chunk
    if isinstance(size, int) and size != count:
        raise TransientError("attachment.cut", PLACE)
    if isinstance(checksum, str) and checksum and checksum.lower() != digest.hexdigest():
        raise TransientError("attachment.cut", PLACE)

"""Vendor ids that more than one sandbox system must know, computed in one place from a person's key.

Salesforce ids are 15 characters in which case matters: a 3-character prefix of the object, then base 62. The
18-character form adds three that encode which letters are capitals, so that it may be compared without case.
"""

import hashlib
from string import ascii_lowercase, ascii_uppercase, digits

_BASE62 = digits + ascii_uppercase + ascii_lowercase
_SUFFIX = ascii_uppercase + "012345"


def salesforce_contact_id(key: str) -> str:
    """The 18-character id (003…) of the Salesforce Contact of the person with that key."""
    return salesforce_id("003", key)


def salesforce_lead_id(key: str) -> str:
    """The 18-character id (00Q…) of the Salesforce Lead of the person with that key."""
    return salesforce_id("00Q", key)


def salesforce_account_id(customer_number: str) -> str:
    """The 18-character id (001…) of the Salesforce Account of the company with that customer number."""
    return salesforce_id("001", customer_number)


def salesforce_id(prefix: str, key: str) -> str:
    """An 18-character id under a 3-character object prefix, the same for the same key. ValueError on another length."""
    if len(prefix) != 3:
        raise ValueError("an object prefix has 3 characters")
    number = int.from_bytes(hashlib.sha256(f"{prefix}:{key}".encode()).digest()[:8])
    text = ""
    for _ in range(8):
        number, digit = divmod(number, 62)
        text = _BASE62[digit] + text
    return with_checksum(f"{prefix}5g00{text}")


def with_checksum(id15: str) -> str:
    """The 18-character form of a 15-character id: one character per five, its bits the capitals, first one lowest."""
    chunks = (id15[i : i + 5] for i in (0, 5, 10))
    return id15 + "".join(_SUFFIX[sum(1 << n for n, c in enumerate(chunk) if c in ascii_uppercase)] for chunk in chunks)

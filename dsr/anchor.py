"""The end of the ledger, noted outside of it: it shows that the whole database was put back to an older state, or that
the end was cut off by somebody who has the key of the head.

An anchor is a line of text, signed with the key that packages are signed with, so that an auditor who keeps it needs no
secret of ours to check whose it is:

    dsr-ledger 1 <count> <hash of the last event> <when, UTC> <signature, base64>

Ed25519 over all before the signature, without the blank. Keep them where whoever writes to the database can't: another
account's bucket with object lock, a mailbox of the auditor's, paper.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from dsr.errors import PermanentError
from dsr.ledger import Head, Ledger
from dsr.signing import Signer, signed_by

_PLACE: Final = "ledger"
_FORM: Final = re.compile(r"(dsr-ledger 1 (\d{1,18}) ([0-9a-f]{64}) (\S{20})) (\S{88})", re.ASCII)


@dataclass(frozen=True)
class Anchor:
    """Where the ledger ended at that time, UTC."""

    head: Head
    at: datetime


def anchored(head: Head, signer: Signer, at: datetime) -> str:
    """The line, without its end."""
    said = f"dsr-ledger 1 {head.count} {head.hash} {at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return f"{said} {signer.sign_line(said)}"


def anchors(text: str, keys: Collection[str]) -> Iterator[Anchor]:
    """The anchors of a text, as they stand; other lines are passed over. `keys`: public keys as minisign has them
    (RW…), present and former. PermanentError("anchor.signature") for one that none of them has signed,
    ("anchor.absent") when there is none."""
    found = False
    for line in text.splitlines():
        form = _FORM.fullmatch(line.strip())
        if not form:
            if line.strip().startswith("dsr-ledger"):
                raise PermanentError("anchor.signature", _PLACE)
            continue
        said, count, last, at, signature = form.groups()
        if not signed_by(keys, said, signature):
            raise PermanentError("anchor.signature", _PLACE)
        found = True
        yield Anchor(Head(int(count), last), datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC))
    if not found:
        raise PermanentError("anchor.absent", _PLACE)


def held(ledger: Ledger, anchor: Anchor) -> None:
    """PermanentError("ledger.anchor") when the ledger doesn't hold what it held then: it was cut, put back, or made
    anew. Whether it is whole besides, `Ledger.verify` says."""
    if not ledger.holds(anchor.head):
        raise PermanentError("ledger.anchor", _PLACE)

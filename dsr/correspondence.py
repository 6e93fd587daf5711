"""Copies of what the person was written, in the case file; the ledger has their digests. Secrets (codes, passwords,
links) are to be taken out of a copy before it comes here."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from dsr.casefile import CaseFile
from dsr.ledger import Ledger

WRITTEN: Final = "written"
"""Kind of the event: {"kind", "by", "sha256"}."""
FOLDER: Final = "correspondence/"
BLANK: Final = "…"
"""What stands in a copy for a secret."""
_NAME: Final = 16


def blanked(text: str, secrets: Iterable[str]) -> bytes:
    """A text as its copy has it."""
    for secret in filter(None, secrets):
        text = text.replace(secret, BLANK)
    return text.encode()


def keep(case: CaseFile, ledger: Ledger, kind: str, by: str, content: bytes, at: datetime) -> None:
    """Keeps the copy as `correspondence/<first 16 hex of its SHA-256>` and notes it in the ledger. `kind`: what it is,
    a code; `by`: "ticket", "mail" or "hand". The same content again adds nothing; the event is there afterwards in any
    case, as an earlier call may have been cut off before it."""
    sha256 = hashlib.sha256(content).hexdigest()
    name = f"{FOLDER}{sha256[:_NAME]}"
    if not case.exists(name):
        with case.writer(name) as file:
            file.write(content)
    if not any(e.kind == WRITTEN and e.detail["sha256"] == sha256 for e in ledger.events(case.case_id)):
        ledger.append(case.case_id, WRITTEN, {"kind": kind, "by": by, "sha256": sha256}, at=at)

"""A released package as the object store itself hands it out, by an address that works for a minute: for very large
packages, whose bytes then don't go through the download page (`DSR_PRESIGN_FROM_MB`).

Only for what is encrypted to the person (AES-256 ZIP, age): such a copy lies in the bucket without the case's own
encryption, and whoever steals the bucket still reads nothing. It goes with the case, or with the package that replaces
it. docs/decisions/0023.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from dsr.casefile import CaseFile
from dsr.portal_limits import PortalLimits

LIFETIME: Final = timedelta(seconds=60)


def lay_out(case: CaseFile, facts: Mapping[str, Any], limits: PortalLimits) -> bool:
    """Make that copy, once, if this package is to have one; whether there is one now. `facts`: those of package.json.
    A copy of a package that was replaced is removed."""
    case.withdraw(keep=facts["sha256"])
    if not (limits.presigns(facts["bytes"], facts.get("encryption", "none")) and case.hands_out):
        return False
    case.lay_out("package", facts["sha256"])
    return True


def address(case: CaseFile, sha256: str, filename: str) -> str | None:
    """Where the store gives that package for `LIFETIME`, as a download of that name; None when it has no copy of it.
    A secret: whoever has it has the package."""
    return case.address(sha256, filename, LIFETIME)

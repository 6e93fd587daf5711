"""check_source: looks at one source system, and notes what came of it."""

import re
from datetime import datetime
from typing import Final

from dsr.checks import NOT_CONNECTED, Check, Checks
from dsr.errors import DsrError
from dsr.officer import as_code
from dsr.source import Source

_PLAIN: Final = re.compile(r"(?!.*\d{6})[^\W\d][\w .$-]{0,127}")
_MOST: Final = 2000


def check_source(name: str, source: Source | None, checks: Checks, at: datetime) -> Check:
    """What came of it, noted; None = there is no connection, which is noted and no error. An error of the source is
    noted and passed on.

    What the last good look saw, an officer was told of; only the rest is `fresh`. A name that is none, as names
    of tables and fields go, stands as a hash: somebody may have put anything into it."""
    if source is None:
        check = Check(name, at, NOT_CONNECTED)
        checks.note(check)
        return check
    try:
        found = source.check()
    except DsrError as error:
        checks.note(Check(name, at, error.code))
        raise
    undeclared = tuple(n if _PLAIN.fullmatch(n) else as_code(f"name {n}") for n in found.undeclared[:_MOST])
    known = checks.good().get(name)
    fresh = tuple(n for n in undeclared if known is None or n not in known.undeclared)
    check = Check(name, at, "", undeclared, fresh, found.calls_left, found.calls_a_day)
    checks.note(check)
    return check

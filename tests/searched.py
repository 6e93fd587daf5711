"""A search as the task does it: again after a passing error, such as a system's pause in the middle of a test run."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dsr.casefile import CaseFile
from dsr.errors import TransientError
from dsr.source import Declaration, Source
from dsr.steps import identify

_TRIES = 3


def search(
    case: CaseFile, sources: Mapping[str, Source | None], declarations: Sequence[Declaration], index: Any, at: datetime
) -> None:
    """Into the case file. TransientError when it did not pass."""
    for left in reversed(range(_TRIES)):
        try:
            identify.identify(case, sources, declarations, index, at=at, final=False)
            return
        except TransientError:
            if not left:
                raise

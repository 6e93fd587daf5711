"""What steps that write to a system are given: how selections come about, and what corrections mean."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from dsr.casefile import CaseFile
from dsr.holds import HoldsInForce
from dsr.model import Found, Outcome
from dsr.rereading import Reread
from dsr.selection import Approval, Selection
from dsr.source import Dataset, Declaration

CorrectionsOf = Callable[[Dataset, Mapping[str, Any]], Mapping[str, Any]]
"""A request's corrections → field → new value, for the records of a dataset that are rectified; the law's."""


class Selecting(Protocol):
    """How approved records that are as they were are chosen, and what becomes of the others."""

    def __call__(
        self,
        case: CaseFile,
        approval: Approval,
        source: str,
        declaration: Declaration,
        fresh: Reread,
        found: Found,
        /,
        *,
        holds: HoldsInForce,
        at: datetime,
    ) -> tuple[Selection, tuple[Outcome, ...]]: ...

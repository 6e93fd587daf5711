"""What keeps a record although its erasure was asked for, and what else a plan depends on beside the records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from dsr import schema
from dsr.errors import PermanentError

PARENT_ABSENT: Final = "retention.parent_absent"
"""Reason of what is kept because it is part of a record that a duty may hold for and that was not read."""


@dataclass(frozen=True)
class Bond:
    """What keeps a record from being erased. ground: a DPV term, never empty (PermanentError("plan.no_ground"));
    until: the last day, None = not known or without an end; reason: a code, "hold.…" for a legal hold."""

    ground: str
    until: date | None
    reason: str

    def __post_init__(self) -> None:
        if not self.ground:
            raise PermanentError("plan.no_ground", "assess")

    @property
    def is_hold(self) -> bool:
        """A legal hold, as opposed to a duty of law."""
        return self.reason.startswith("hold.")


Parents = Mapping[str, Bond | None]
"""Key of a record that others are part of → what keeps it; None = nothing does."""


@dataclass(frozen=True)
class Bonds:
    """What keeps each row of a batch: `codes` (int32, null = nothing does) point into `table`."""

    codes: pa.Array
    table: tuple[Bond, ...] = ()

    def rows(self) -> list[Bond | None]:
        """Row by row."""
        return [None if code is None else self.table[code] for code in self.codes.to_pylist()]


@dataclass(frozen=True)
class PlanContext:
    """What a plan depends on beside the records.

    day          today, in the controller's time zone `zone`
    ground       of the request: a code of `schemas/request.schema.json`; "" = none was given
    corrections  of the request: attribute → value, dataset → field → value
    hold         a legal hold on the person; held: record id → a hold on that record of this dataset
    parents      dataset → its records' keys → what keeps them, for records that are part of others
    """

    day: date
    zone: tzinfo = field(default_factory=lambda: ZoneInfo("Europe/Stockholm"))
    ground: str = ""
    corrections: Mapping[str, Any] = field(default_factory=dict, repr=False)
    hold: Bond | None = None
    held: Mapping[str, Bond] = field(default_factory=dict, repr=False)
    parents: Mapping[str, Parents] = field(default_factory=dict, repr=False)


def part_of(dataset: str) -> Mapping[str, str] | None:
    """What the dataset's records are part of: {"dataset", "field" (their own field), "key" (the other's field)}; None
    when they stand for themselves."""
    found: Mapping[str, str] | None = schema.load(dataset).get("x-part-of")
    return found

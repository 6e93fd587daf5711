"""Whether a record that is there now is the one that was known under its id, although its values may differ."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final

import pyarrow as pa

from dsr import schema
from dsr.interim import words

_TIMES: Final = ("date-time", "date")
_DAY: Final = len("2026-01-01")

Later = Mapping[str, str]
"""Field with a date or time → what it said, for those that were later than the moment that counts."""


def none_younger(
    dataset: str, batch: pa.RecordBatch, since: Sequence[datetime | None], later: Sequence[Later] | None = None
) -> list[bool]:
    """Per row, whether it tells times and none of them is younger than its moment, but for those that were `later`
    then and still say the same. None as moment = it isn't. So a new record that got an old id is told from the old
    one, which somebody may have changed."""
    names = _time_fields(dataset)
    if not names:
        return [False] * batch.num_rows
    rows = zip(*(batch.column(name).to_pylist() for name in names), strict=True)
    known = later if later is not None else [{}] * batch.num_rows
    return [
        moment is not None and _before(zip(names, row, strict=True), moment, then)
        for row, moment, then in zip(rows, since, known, strict=True)
    ]


def later_times(dataset: str, batch: pa.RecordBatch, at: datetime) -> list[dict[str, str]]:
    """Per row, what its dates and times say that are later than `at`: a due date, the end of a year."""
    names = _time_fields(dataset)
    columns = [batch.column(name).to_pylist() for name in names]
    return [
        {name: column[row] for name, column in zip(names, columns, strict=True) if not _is_before(column[row], at)}
        for row in range(batch.num_rows)
    ]


def written(dataset: str, batch: pa.RecordBatch, hashed: Callable[[str], str]) -> list[dict[str, str]]:
    """Per row, field → hash of what a person wrote there; without what is empty."""
    names = words(dataset)
    columns = [batch.column(name).to_pylist() for name in names]
    return [
        {name: hashed(str(column[row])) for name, column in zip(names, columns, strict=True) if column[row]}
        for row in range(batch.num_rows)
    ]


def says_new(now: Mapping[str, str], then: Mapping[str, str]) -> bool:
    """Whether anything is written that was not, both as `written` gives it. Emptied is nothing new."""
    return any(then.get(name) != said for name, said in now.items())


def _time_fields(dataset: str) -> list[str]:
    properties: Mapping[str, Any] = schema.load(dataset)["properties"]
    return [name for name, definition in properties.items() if definition.get("format") in _TIMES]


def _before(told: Iterator[tuple[str, str | None]], moment: datetime, later: Later) -> bool:
    texts = [(name, text) for name, text in told if text]
    return bool(texts) and all(later.get(name) == text or _is_before(text, moment) for name, text in texts)


def _is_before(text: str | None, moment: datetime) -> bool:
    """Whether it isn't later. Nothing isn't; what is no time counts as later."""
    if not text:
        return True
    told = _moment(text)
    return told is not None and told <= moment


def _moment(text: str) -> datetime | None:
    """A time, or the start of a day; None when it is neither."""
    try:
        if len(text) == _DAY:
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        return None

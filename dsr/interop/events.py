"""Appointments as an iCalendar file (RFC 5545).

Which datasets are appointments, and which of their fields say when and what, stands in their schemas: "x-event":
{"start", "end"?, "summary", "url"?, "location"?, "status"?}.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

import pyarrow as pa

from dsr import schema
from dsr.cleared import RowsOf
from dsr.interop.text import block, line

LEFT_OUT: Final = "X-DSR-LEFT-OUT"
_CALLED_OFF: Final = ("cancelled", "denied")
"""Statuses of an appointment that never came about: it stays in the file, struck out."""
_DAY: Final = timedelta(days=1)
_LONGEST_URL: Final = 2000

When = date | datetime


@dataclass(frozen=True)
class _Appointments:
    """A dataset of appointments. `fields`: part → field, of those that are disclosed."""

    source: str
    dataset: str
    title: str
    fields: Mapping[str, str]


def calendar(document: Mapping[str, Any], rows: RowsOf) -> Iterator[bytes] | None:
    """The file in pieces; None when there is no appointment with a time that can be read.

    Times become UTC, those without an offset stay without one ("floating"), dates are whole days. An appointment
    whose start isn't given or can't be read is left out; the property X-DSR-LEFT-OUT of the calendar says how many.
    """
    listed = list(_appointments(document))
    written = left_out = 0
    for appointments in listed:
        for cleared in rows(appointments.source, appointments.dataset):
            starts = _column(cleared.batch, appointments.fields["start"])
            good = sum(_when(start) is not None for start in starts)
            written += good
            left_out += len(starts) - good
    return _pieces(document, listed, rows, left_out) if written else None


def _appointments(document: Mapping[str, Any]) -> Iterator[_Appointments]:
    language = document["request"]["language"]
    for category in document["categories"]:
        for dataset in category["datasets"]:
            given = schema.load(dataset["name"]).get("x-event", {})
            disclosed = dataset.get("fields", given.values())
            fields = {part: field for part, field in given.items() if field in disclosed}
            if "start" in fields:
                title = dataset["title_sv"] if language == "sv" else dataset["title"]
                yield _Appointments(dataset["source"], dataset["name"], title, fields)


def _pieces(
    document: Mapping[str, Any], listed: Iterable[_Appointments], rows: RowsOf, left_out: int
) -> Iterator[bytes]:
    import icalendar  # when needed: 75 ms that every task would pay for

    head = icalendar.Calendar()
    head.add("prodid", "-//dsr//data subject requests//EN")
    head.add("version", "2.0")
    if left_out:
        head.add(LEFT_OUT, str(left_out))
    start, end = head.to_ical().split(b"END:VCALENDAR")
    yield start
    for appointments in listed:
        for cleared in rows(appointments.source, appointments.dataset):
            yield b"".join(_events(document, appointments, cleared.batch))
    yield b"END:VCALENDAR" + end


def _events(document: Mapping[str, Any], appointments: _Appointments, batch: pa.RecordBatch) -> Iterator[bytes]:
    import icalendar

    made_at = datetime.fromisoformat(document["made_at"]).astimezone(UTC).replace(microsecond=0)
    request_id = document["request"]["request_id"]
    parts = {part: _column(batch, field) for part, field in appointments.fields.items()}
    for row, source_id in enumerate(_column(batch, schema.SOURCE_ID)):
        values = {part: column[row] for part, column in parts.items()}
        start = _when(values["start"])
        if start is None:
            continue
        event = icalendar.Event()
        event.add("uid", sha256(f"{request_id}\0{appointments.dataset}\0{source_id}".encode()).hexdigest()[:32])
        event.add("dtstamp", made_at)
        event.add("dtstart", start)
        end = _end(start, values.get("end"))
        if end is not None:
            event.add("dtend", end)
        event.add("summary", line(str(values.get("summary") or "")) or appointments.title)
        if values.get("location") and block(str(values["location"])):
            event.add("location", block(str(values["location"])))
        if str(values.get("status") or "").lower() in _CALLED_OFF:
            event.add("status", "CANCELLED")
        if _is_link(values.get("url")):
            event.add("url", values["url"])
        yield event.to_ical()


def _column(batch: pa.RecordBatch, field: str) -> list[Any]:
    return list(batch.column(field).to_pylist())


def _when(text: Any) -> When | None:
    """A day, an instant in UTC or, without an offset, a time wherever the reader is; None when it is neither.
    iCalendar knows whole seconds only."""
    if not isinstance(text, str):
        return None
    try:
        if len(text) == len("2026-11-20"):
            return date.fromisoformat(text)
        at = datetime.fromisoformat(text).replace(microsecond=0)
        return at.astimezone(UTC) if at.tzinfo else at
    except (ValueError, OverflowError):
        return None


def _end(start: When, text: Any) -> When | None:
    """The end where it is of the start's kind and after it; of days, the day after the last one (RFC 5545 3.6.1)."""
    end = _when(text)
    if end is None:
        return None
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        if isinstance(start, datetime) or isinstance(end, datetime) or end < start or end == date.max:
            return None
        return end + _DAY
    if (start.tzinfo is None) != (end.tzinfo is None) or end <= start:
        return None
    return end


def _is_link(url: Any) -> bool:
    """Whether it is a web address that can stand in the file as it is; URIs are not escaped there."""
    if not isinstance(url, str) or len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)

"""Files of the package that other programs import: the person as a contact, their appointments as a calendar.

Drawn from the same document and rows as everything else in the package, in which both are whole; these two are for
convenience. RFC 2426 and RFC 5545 have no place for provenance.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dsr.cleared import RowsOf
from dsr.interop.contact import card
from dsr.interop.events import calendar

__all__ = ["members"]


def members(document: Mapping[str, Any], rows: RowsOf) -> Iterator[tuple[str, Iterable[bytes]]]:
    """(path, content) of the files that there is something for: none, one or both. `rows` is called twice for each
    dataset with appointments: to count them, and to write them one batch at a time."""
    contact = card(document)
    if contact:
        yield "interop/contact.vcf", [contact]
    events = calendar(document, rows)
    if events is not None:
        yield "interop/events.ics", events

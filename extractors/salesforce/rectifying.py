"""Rectify: new values written into register data, and read back."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dsr.errors import PermanentError
from dsr.model import Outcome
from dsr.selection import Selection
from dsr.source import Declaration
from extractors.salesforce.changing import Wanted, change
from extractors.salesforce.client import Client
from extractors.salesforce.failures import PLACE
from extractors.salesforce.layout import Layout
from extractors.salesforce.person_accounts import COLUMNS, place, places
from extractors.salesforce.standing import chosen

Corrections = Mapping[str, Mapping[str, Mapping[str, Any]]]


def check(declaration: Declaration, selections: Sequence[Selection], corrections: Corrections) -> None:
    """PermanentError("field.not_rectifiable") when any field may not be corrected here."""
    for selection in selections:
        for dataset, fields in corrections.get(selection.request_id, {}).items():
            if not set(fields) <= set(declaration.dataset(dataset).rectifiable):
                raise PermanentError("field.not_rectifiable", PLACE)


def rectify(
    client: Client, layout: Layout, selections: Sequence[Selection], corrections: Corrections
) -> Iterator[Outcome]:
    """One outcome per record: done when the record, read again, says what was asked for. The vendor's own field
    history keeps the old value: that is a dataset of its own, and told there."""
    records = list(chosen(selections, "rectify", COLUMNS))
    wanted: Wanted = {}
    for record in records:
        for field, value in corrections.get(record.request_id, {}).get(record.dataset, {}).items():
            key, name = place(record, field, layout)
            wanted.setdefault(key, {})[name] = value
    changes = change(client, layout, wanted)
    for record in records:
        fields = corrections.get(record.request_id, {}).get(record.dataset, {})
        if fields:
            yield changes.outcome(record, places(record, fields, layout))
        else:
            yield record.outcome("blocked", "correction.absent")

"""The person's profile: what the systems say about them, value by value, with where each comes from."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from dsr.schema import SOURCE_ID
from dsr.source import Dataset

_JOINED: Final = {"name": " ", "address": ", "}
"""Attributes whose fields are parts of one value (given and family name; street, code, town)."""
_MOST_ORIGINS: Final = 20
_MOST_VALUES: Final = 500


@dataclass
class _Value:
    records: int = 0
    provenance: list[dict[str, str]] = field(default_factory=list)


class Profile:
    """Gathers the values of the datasets that add to the profile. Every value is kept; of the records that say the
    same, the first 20 are named and all are counted."""

    def __init__(self) -> None:
        self._attributes: dict[str, dict[str, _Value]] = {}
        self._left_out: dict[str, int] = {}

    def add(self, source: str, dataset: Dataset, batch: pa.RecordBatch, extracted_at: str) -> None:
        """Takes the values of a batch of rows."""
        disclosed = {name: adds_to for name, adds_to in dataset.profile.items() if name in batch.schema.names}
        for attribute in sorted(set(disclosed.values())):
            fields = [name for name, adds_to in disclosed.items() if adds_to == attribute]
            groups = [fields] if attribute in _JOINED else [[name] for name in fields]
            for group in groups:
                origin = {"source": source, "dataset": dataset.name, "field": "+".join(group)}
                self._take(attribute, _texts(batch, group, _JOINED.get(attribute, "")), batch, origin, extracted_at)

    def _take(
        self, attribute: str, texts: pa.Array, batch: pa.RecordBatch, origin: dict[str, str], extracted_at: str
    ) -> None:
        if texts.null_count == len(texts):
            return
        encoded = texts.dictionary_encode()
        values = [self._value(attribute, text) for text in encoded.dictionary.to_pylist()]
        ids = batch.column(SOURCE_ID)
        for row, at in enumerate(encoded.indices.to_pylist()):
            if at is None:
                continue
            value = values[at]
            value.records += 1
            if len(value.provenance) < _MOST_ORIGINS:
                value.provenance.append({**origin, "source_id": ids[row].as_py(), "extracted_at": extracted_at})

    def _value(self, attribute: str, text: str) -> _Value:
        values = self._attributes.setdefault(attribute, {})
        if text not in values and len(values) >= _MOST_VALUES:
            self._left_out[attribute] = self._left_out.get(attribute, 0) + 1
            return _Value()
        return values.setdefault(text, _Value())

    def as_json(self) -> dict[str, Any]:
        """`{"attributes": {attribute: {"conflict", "more_values", "values": [{"value", "records", "provenance"}]}}}`,
        see `schemas/profile.schema.json`. Conflict: the values differ in more than case, blanks and punctuation."""
        attributes = {
            attribute: {
                "conflict": len({_plain(text) for text in values}) > 1,
                "more_values": self._left_out.get(attribute, 0),
                "values": [{"value": text, **vars(value)} for text, value in sorted(values.items())],
            }
            for attribute, values in sorted(self._attributes.items())
        }
        return {"attributes": attributes}


def _texts(batch: pa.RecordBatch, fields: Iterable[str], separator: str) -> pa.Array:
    """The values as text, blank ones as null; several fields joined, leaving out what is null."""
    columns = [batch.column(name).cast(pa.string()) for name in fields]
    joined = columns[0]
    if len(columns) > 1:
        joined = pc.binary_join_element_wise(*columns, separator, null_handling="skip")
    trimmed = pc.utf8_trim_whitespace(joined)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def _plain(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())

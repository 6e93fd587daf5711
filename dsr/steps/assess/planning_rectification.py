"""Which records Art. 16 GDPR changes: those whose field says something else than the person says is right."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from dsr import schema
from dsr.errors import PermanentError
from dsr.jsontext import parse
from dsr.source import Dataset

_PLACE: Final = "assess"


@dataclass(frozen=True)
class Wanted:
    """What a request wants of a dataset. right: field → value, where the source can change it; fixed: the same where
    it can't; unclear: attributes of the person that no one field of the dataset holds alone."""

    right: Mapping[str, Any] = field(default_factory=dict, repr=False)
    fixed: Mapping[str, Any] = field(default_factory=dict, repr=False)
    unclear: tuple[str, ...] = ()


def wanted(dataset: Dataset, corrections: Mapping[str, Any]) -> Wanted:
    """What the request's corrections mean for a dataset. PermanentError("correction.field") for a field that its
    schema doesn't have."""
    right: dict[str, Any] = {}
    fixed: dict[str, Any] = {}
    unclear = []
    for attribute, value in sorted(corrections.items()):
        if isinstance(value, Mapping):
            continue
        fields = [name for name, adds_to in dataset.profile.items() if adds_to == attribute]
        if len(fields) == 1 and fields[0] in dataset.rectifiable:
            right[fields[0]] = value
        elif fields:
            unclear.append(attribute)
    of_dataset = corrections.get(dataset.name)
    for name, value in sorted(of_dataset.items()) if isinstance(of_dataset, Mapping) else ():
        if name not in schema.load(dataset.name)["properties"]:
            raise PermanentError("correction.field", _PLACE)
        (right if name in dataset.rectifiable else fixed)[name] = value
    return Wanted(right, fixed, tuple(unclear))


def differing(batch: pa.RecordBatch, fields: Mapping[str, Any]) -> pa.Array:
    """Per row, whether any of the fields holds something else; nothing is something else too.
    PermanentError("correction.type") when a value doesn't fit its field."""
    differs = pa.array([False] * batch.num_rows, pa.bool_())
    for name, value in fields.items():
        differs = pc.or_(differs, _differs(batch.column(name), batch.schema.field(name), value))
    return differs


def _differs(column: pa.Array, described: pa.Field, value: Any) -> pa.Array:
    if schema.is_json(described):
        return pa.array([text is None or parse(text) != value for text in column.to_pylist()], pa.bool_())
    if isinstance(value, bool) != pa.types.is_boolean(column.type):
        raise PermanentError("correction.type", _PLACE)
    try:
        right = pa.scalar(value, column.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        raise PermanentError("correction.type", _PLACE) from None
    return pc.fill_null(pc.not_equal(column, right), True)

"""The person's profiling, Art. 15(1)(h): the present values, what they were drawn from, the logic, the effect.

Which fields those are, the register says. Rows are read a batch at a time and a dataset once, whatever the number of
fields; no row becomes a Python object but those whose value is shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from dsr import schema
from dsr.cleared import RowsOf
from dsr.register import Activity, Dimension

MOST_VALUES: Final = 100
"""Records of which the present value is listed; the rest stand in the dataset itself."""
MOST_INPUTS: Final = 20
"""Different values listed per input."""


def profiling(activities: Sequence[Activity], held: Mapping[str, str], rows: RowsOf) -> list[dict[str, Any]]:
    """Every dimension of the activities. held: datasets in the package → source; fields of other datasets have no
    values, and neither have columns that were left out."""
    dimensions = [dimension for activity in activities for dimension in activity.profiling]
    values = {dimension.value: _Values() for dimension in dimensions if dimension.value}
    inputs = {one.field: _Inputs() for dimension in dimensions for one in dimension.inputs}
    for dataset, fields in _fields(values, inputs).items():
        if dataset in held:
            for cleared in rows(held[dataset], dataset):
                batch = cleared.batch
                for field in fields:
                    name = f"{dataset}.{field}"
                    if field in batch.schema.names:
                        column = _without_noise(batch.column(field))
                        for reader in (values.get(name), inputs.get(name)):
                            if reader is not None:
                                reader.add(batch, column)
    return [_entry(dimension, values, inputs, held) for dimension in dimensions]


class _Values:
    """The records that hold a value: (value, id of the record)."""

    def __init__(self) -> None:
        self.found: list[tuple[Any, str]] = []

    def add(self, batch: pa.RecordBatch, column: pa.Array) -> None:
        room = MOST_VALUES - len(self.found)
        if room > 0 and column.null_count < len(column):
            there = pc.indices_nonzero(column.is_valid())[:room]
            ids = batch.column(schema.SOURCE_ID).take(there).to_pylist()
            self.found += zip(column.take(there).to_pylist(), ids, strict=True)


class _Inputs:
    """The first different values of a field and how many records hold one."""

    def __init__(self) -> None:
        self.records = 0
        self.values: list[Any] = []

    def add(self, batch: pa.RecordBatch, column: pa.Array) -> None:
        self.records += len(column) - column.null_count
        if len(self.values) < MOST_INPUTS:
            fresh = pc.unique(column.drop_null())
            for value in fresh[: MOST_INPUTS + len(self.values)].to_pylist():
                if value not in self.values and len(self.values) < MOST_INPUTS:
                    self.values.append(value)


def _without_noise(column: pa.Array) -> pa.Array:
    """Empty text and numbers that JSON can't carry count as no value."""
    if pa.types.is_string(column.type):
        return pc.if_else(pc.equal(column, ""), None, column)
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_finite(column), column, None)
    return column


def _fields(*names: Iterable[str]) -> dict[str, list[str]]:
    by_dataset: dict[str, list[str]] = {}
    for name in dict.fromkeys(one for listed in names for one in listed):
        dataset, _, field = name.partition(".")
        by_dataset.setdefault(dataset, []).append(field)
    return by_dataset


def _entry(
    dimension: Dimension, values: Mapping[str, _Values], inputs: Mapping[str, _Inputs], held: Mapping[str, str]
) -> dict[str, Any]:
    dataset, _, field = dimension.value.partition(".")
    found = values[dimension.value].found if dimension.value else []
    return {
        "name": dimension.name,
        "title": dict(dimension.title),
        "values": [
            {"value": value, "source": held[dataset], "dataset": dataset, "field": field, "source_id": source_id}
            for value, source_id in found
        ],
        "inputs": [
            {
                "title": dict(one.title),
                "dataset": one.field.partition(".")[0],
                "field": one.field.partition(".")[2],
                "values": inputs[one.field].values,
                "records": inputs[one.field].records,
            }
            for one in dimension.inputs
        ],
        "logic": dict(dimension.logic),
        "effect": dict(dimension.effect),
    }

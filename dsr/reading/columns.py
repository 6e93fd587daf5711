"""Columns of Arrow from the records of a dataset, typed by the JSON Schema that lies in the package.

    string with format date-time   timestamp[us, UTC]; [ns, UTC] where the text has more than six decimals
    string with format date        date32
    string with x-type decimal     decimal128, decimal256 beyond 38 digits; scale = the most decimals of any
    string, integer, number,       string, int64, double, bool
    boolean
    object, array                  Python's own dicts and lists (a list of values, not an Arrow column)

A column whose values don't all fit its type keeps what they were: text stays text, anything else becomes a list of
Python values. No value is ever lost, cut or rounded for the sake of a type. Absent and null are both null.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from dsr.schema import property_type

_ROWS: Final = 16_384
_ARROW: Final = {"string": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
_PYTHON: Final[Mapping[str, Any]] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
_PLAIN_DECIMAL: Final = r"^-?0*(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]+))?$"
_EPOCH: Final = dt.datetime(1970, 1, 1)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_YEARS: Final = ((dt.datetime.min - _EPOCH) // _MICROSECOND, (dt.datetime.max - _EPOCH) // _MICROSECOND)
"""The instants that Python's datetime knows, in microseconds since 1970."""

Column = Any
"""`pa.ChunkedArray | list`: values of one Arrow type, or Python's."""


def columns(
    records: Iterable[Mapping[str, Any]], schema: Mapping[str, Any], *, typed: bool = True
) -> dict[str, Column]:
    """Field → its values, in the order of the schema; fields that it doesn't name come last, as Python values.
    `typed` False: times, dates and decimals stay the text that they are in the file."""
    properties: Mapping[str, Mapping[str, Any]] = schema["properties"]
    gathered = {name: _Gathered(_ARROW.get(property_type(d)), property_type(d)) for name, d in properties.items()}
    rows = 0
    for chunk in _chunks(iter(records)):
        for name in dict.fromkeys(name for record in chunk for name in record if name not in gathered):
            gathered[name] = _Gathered(None, "", [None] * rows)
        for name, column in gathered.items():
            column.add([record.get(name) for record in chunk])
        rows += len(chunk)
    made: dict[str, Column] = {}
    for name in list(gathered):
        column = gathered.pop(name).column()  # its text can go before the next one is made
        convert = _conversion(properties.get(name, {})) if typed else None
        made[name] = convert(column) if convert and isinstance(column, pa.ChunkedArray) else column
    return made


def _chunks(records: Iterator[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    while chunk := list(islice(records, _ROWS)):
        yield chunk


class _Gathered:
    """One column as it grows: Arrow arrays, until a value comes that doesn't fit."""

    def __init__(self, kind: pa.DataType | None, name: str, values: list[Any] | None = None) -> None:
        self._kind, self._python = kind, _PYTHON.get(name)
        self._arrays: list[pa.Array] = []
        self._values: list[Any] = values or []

    def add(self, values: list[Any]) -> None:
        if self._kind is not None:
            if all(map(self._fits, values)):
                self._arrays.append(pa.array(values, self._kind))
                return
            self._kind = None
            self._values = [value for array in self._arrays for value in array.to_pylist()]
            self._arrays = []
        self._values += values

    def _fits(self, value: Any) -> bool:
        if value is None or isinstance(value, bool):
            return value is None or self._python is bool
        if self._python is None or not isinstance(value, self._python):
            return False
        if isinstance(value, int):
            return -(2**63) <= value < 2**63 if self._python is int else _is_float(value)
        return True

    def column(self) -> Column:
        return self._values if self._kind is None else pa.chunked_array(self._arrays, self._kind)


def _is_float(number: int) -> bool:
    """Whether a float holds it with all its digits."""
    try:
        return int(float(number)) == number
    except OverflowError:  # beyond 1.8e308
        return False


def _conversion(definition: Mapping[str, Any]) -> Callable[[pa.ChunkedArray], pa.ChunkedArray] | None:
    if property_type(definition) != "string":
        return None
    if definition.get("x-type") == "decimal":
        return _decimals
    return {"date-time": _instants, "date": _days}.get(definition.get("format", ""))


def _instants(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    made = _cast(texts, pa.timestamp("us", "UTC"))
    if made is None:
        finer = _cast(texts, pa.timestamp("ns", "UTC"))
        return texts if finer is None else finer
    ends = pc.min_max(made.cast(pa.int64())).as_py()
    # Offsets can carry an instant out of the years 1 to 9999.
    if ends["min"] is not None and not _YEARS[0] <= ends["min"] <= ends["max"] <= _YEARS[1]:
        return texts
    return made


def _days(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    made = _cast(texts, pa.date32())
    if made is None:
        return texts
    first = pc.min(made.cast(pa.int32())).as_py()
    return texts if first is not None and first < (dt.date.min - dt.date(1970, 1, 1)).days else made


def _decimals(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    size = _decimal_size(texts)
    if size is None or max(1, sum(size)) > 76:
        return texts
    precision = max(1, sum(size))
    kind = pa.decimal128(precision, size[1]) if precision <= 38 else pa.decimal256(precision, size[1])
    made = _cast(texts, kind)
    return texts if made is None else made


def _decimal_size(texts: pa.ChunkedArray) -> tuple[int, int] | None:
    """The most digits before and behind the point that any value has; None when one is no finite number."""
    parts = pc.extract_regex(texts, _PLAIN_DECIMAL)
    if parts.null_count == texts.null_count:
        longest = [pc.max(pc.utf8_length(pc.struct_field(parts, [name]))).as_py() or 0 for name in ("whole", "part")]
        return longest[0], longest[1]
    whole = part = 0
    for text in pc.unique(texts).to_pylist():
        try:
            _, digits, exponent = Decimal(text or "0").as_tuple()
        except InvalidOperation:
            return None
        if not isinstance(exponent, int):
            return None
        whole, part = max(whole, len(digits) + exponent), max(part, -exponent)
    return whole, part


def _cast(texts: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | None:
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid:
        return None

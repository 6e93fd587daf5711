"""Records in the form that the schemas promise."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from dsr.model import Rows
from dsr.schema import batch, load
from extractors.pardot.fields import flat

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?) ?(?:(Z|z)|([+-]\d\d):?(\d\d))")


def rows(dataset: str, records: Iterable[Mapping[str, Any]], requests: Iterable[str]) -> Iterator[Rows]:
    """Records as one piece for each request that they belong to."""
    table = batch(dataset, [(str(r["id"]), normal(dataset, flat(r))) for r in records])
    for request_id in requests:
        yield Rows(request_id, dataset, table)


def normal(dataset: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with its times in RFC 3339, offset and fractional digits kept. A time in another form, which has no
    offset, is not guessed at: it moves to `<name>Text`, and so to the unmapped fields."""
    result = dict(record)
    for name in _times(dataset):
        if isinstance(text := record.get(name), str):
            if match := _TIME.fullmatch(text):
                day, clock, zulu, hours, minutes = match.groups()
                result[name] = f"{day}T{clock}{'+00:00' if zulu else f'{hours}:{minutes}'}"
            else:
                result[f"{name}Text"] = result.pop(name)
    return result


@cache
def _times(dataset: str) -> tuple[str, ...]:
    return tuple(n for n, d in load(dataset)["properties"].items() if d.get("format") == "date-time")

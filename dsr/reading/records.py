"""The records of a dataset's JSON file, one after the other.

The file is a JSON array with one record on each line. That is checked on the way and not believed: lines that are
objects with commas between and brackets around are just what makes an array. A file of any other shape is read as a
whole instead.
"""

import json
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, BinaryIO, Final

import orjson

from dsr.reading.error import PackageError

_LONGEST: Final = 256 * 1024**2
_MANY_DIGITS: Final = re.compile(rb"[0-9]{19}")
"""orjson makes a float of an integer beyond 64 bits; where there may be one, the standard library reads."""

Record = dict[str, Any]


def records(opened: Callable[[], BinaryIO], path: str, whole: int) -> Iterator[Record]:
    """Each record; JSON numbers as int and float, integers with all their digits.

    `opened` gives the file from its start. PackageError("json.damaged") when it is no array of objects,
    ("limit.bytes") when it must be read as a whole and has more bytes than `whole`.
    """
    given = 0
    try:
        with opened() as file:
            for record in _lines(file):
                yield record
                given += 1
            return
    except _OtherShape:
        pass
    with opened() as file:
        text = file.read(whole + 1)
    if len(text) > whole:
        raise PackageError("limit.bytes", path)
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        raise PackageError("json.damaged", path) from None
    if not isinstance(listed, list) or not all(isinstance(record, dict) for record in listed):
        raise PackageError("json.damaged", path)
    # What the lines gave were the first records: objects with commas after them, behind the array's bracket.
    yield from islice(listed, given, None)


class _OtherShape(Exception):
    """Not one record on each line."""


def _lines(file: BinaryIO) -> Iterator[Record]:
    if file.readline(_LONGEST) != b"[\n":
        raise _OtherShape
    before = b""  # what ended the line before: "," when another record must follow, "]" when none may
    while (line := file.readline(_LONGEST)) != b"]\n":
        if before == b"]" or not line.endswith(b"\n"):
            raise _OtherShape
        before = b"," if line.endswith(b",\n") else b"]"
        yield _parsed(line[:-2] if before == b"," else line[:-1])
    if before == b"," or file.read(1):
        raise _OtherShape


def _parsed(text: bytes) -> Record:
    try:
        record = json.loads(text) if _MANY_DIGITS.search(text) else orjson.loads(text)
    except (ValueError, RecursionError):
        raise _OtherShape from None
    if not isinstance(record, dict):
        raise _OtherShape
    return record

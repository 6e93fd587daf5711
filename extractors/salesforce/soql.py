"""SOQL texts: `SELECT … WHERE a IN (…) OR b IN (…)`, cut into several when a list is too long for one."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

MAX_CHARACTERS: Final = 90_000
"""The vendor takes 100,000."""


@dataclass(frozen=True)
class Term:
    """One thing to look for in one field. `digits`: the value is a row of digits that may have others in between
    (a phone number as people type it); who asks must compare the answer in normal form."""

    field: str
    value: str
    digits: bool = False


def statements(name: str, fields: Sequence[str], terms: Iterable[Term]) -> Iterator[str]:
    """Statements that together select the records to which any term applies; none for no terms.

    A record may answer to more than one of them. Names are the vendor's own (from describe); values may be
    anything: they are quoted by simple-salesforce's `format_soql`, which escapes quotes, backslashes and controls.
    """
    from simple_salesforce.format import format_soql

    head = " ".join(("SELECT", ", ".join(_name(f) for f in fields), "FROM", _name(name), "WHERE "))
    lists: dict[str, list[str]] = {}
    likes: list[str] = []
    length = len(head)
    for term in dict.fromkeys(terms):
        pattern = f"{_name(term.field)} LIKE '%{'%'.join(_digits(term.value))}%'" if term.digits else ""
        # An id needs no escaping, and there may be many of them.
        quoted = len(term.value) + 2 if term.value.isalnum() else len(format_soql("{}", term.value))
        size = len(pattern) + 4 if pattern else quoted + len(term.field) + 10
        if length + size > MAX_CHARACTERS and (lists or likes):
            yield head + _joined(lists, likes)
            lists, likes, length = {}, [], len(head)
        length += size
        if pattern:
            likes.append(pattern)
        else:
            lists.setdefault(_name(term.field), []).append(term.value)
    if lists or likes:
        yield head + _joined(lists, likes)


def _joined(lists: dict[str, list[str]], likes: list[str]) -> str:
    from simple_salesforce.format import format_soql

    return " OR ".join([*(f"{field} IN " + format_soql("{}", values) for field, values in lists.items()), *likes])


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z]\w*(\.[A-Za-z]\w*)?", text, re.ASCII):
        raise ValueError("not a name of SOQL")
    return text


def _digits(text: str) -> str:
    if not re.fullmatch(r"[0-9]+", text):
        raise ValueError("not digits")
    return text

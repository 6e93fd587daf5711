"""The suppression list at the command line: asked line by line by what imports persons, or given away as hashes."""

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from dsr.suppression import Suppression, identifier_of

ALLOWED: Final = "allowed"
UNREADABLE: Final = "unreadable"
_AT_ONCE: Final = 500


def asked(lines: Iterable[str], suppression: Suppression, region: str, column: str = "") -> Iterator[str]:
    """One answer per line, in order: "allowed"; "suppressed" with the scopes (all, marketing, restricted), blanks
    between; "unreadable" for what is neither an address nor a number, which an importer should not take for allowed.

    `column`: the lines are CSV with a header, and it names the column to ask for; "" = a line is an identifier.
    KeyError when there is no such column. `region`: of numbers without a country code (ISO 3166).
    """
    values = (row[column] or "" for row in csv.DictReader(lines)) if column else iter(lines)
    while batch := list(islice(values, _AT_ONCE)):
        identifiers = [identifier_of(value, region) for value in batch]
        known = suppression.scopes({i for i in identifiers if i is not None})
        for identifier in identifiers:
            if identifier is None:
                yield UNREADABLE
            else:
                scopes = sorted(known.get(identifier, ()))
                yield f"suppressed {' '.join(scopes)}" if scopes else ALLOWED


def exported(suppression: Suppression) -> Iterator[str]:
    """The whole list as CSV lines: hash, scope, since."""
    yield "hash,scope,since"
    for entry in suppression.entries():
        yield f"{entry.hash},{entry.scope},{entry.since.isoformat(timespec='seconds')}"

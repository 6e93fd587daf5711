"""The file of an erasure list: CSV with a header, a person a line.

    email            whose records are meant; needed
    customer_number  as a check: a person none of whose records carries it is set aside; may be left out, or empty

UTF-8, with or without a byte-order mark; separated by commas, semicolons (as a Swedish Excel saves it) or tabs. It is
taken as a whole or not at all: whoever made it mends it and sends it again, and nothing was done meanwhile.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from dsr.misleading import misleading

COLUMNS: Final = ("email", "customer_number")
MOST: Final = 100_000
"""So many people may be on one list."""
_ADDRESS: Final = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s]+")
_LONGEST: Final = 254
MOST_TOLD: Final = 20
"""So many of what is wrong are told."""

Problem = tuple[int, str, str]
"""Line of the file (1 is the header, 0 the whole), column, what is wrong: no value from the file."""


class BadList(ValueError):
    """The file can't be taken. `problems`: the first of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(_words(problem) for problem in problems[:MOST_TOLD]))
        self.problems = tuple(problems[:MOST_TOLD])


def read(content: bytes) -> list[dict[str, str]]:
    """The people on it, in the file's order: {"email": …, "customer_number": …}, the address in the normal form of
    `model.Identifier`, what is empty left out. BadList with what is wrong and in which lines."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadList([(0, "", "is not UTF-8: save it as “CSV UTF-8”")]) from None
    try:
        # By the header alone: an address may hold a semicolon, the header does not.
        dialect = csv.Sniffer().sniff(text.partition("\n")[0], delimiters=",;\t")
        delimiter = dialect.delimiter
    except csv.Error:
        delimiter = ","
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip().lower() for name in next(lines, [])]
        if problems := list(_header(header)):
            raise BadList(problems)
        # Before the iterator moves on, the reader knows where a line ends that holds line breaks.
        rows = ((lines.line_num, _person(header, cells), len(cells)) for cells in lines if any(map(str.strip, cells)))
        people = list(islice(rows, MOST + 1))
    except csv.Error:
        raise BadList([(lines.line_num, "", "is no CSV")]) from None
    if problems := list(islice(_problems(people, len(header)), MOST_TOLD)):
        raise BadList(problems)
    return [person for _, person, _ in people]


def _header(header: Sequence[str]) -> Iterator[Problem]:
    if "email" not in header:
        yield 1, "email", "is missing: the first line must name the columns"
    for name in header:
        if name not in COLUMNS:
            yield 1, "", f"has a column that is none of {', '.join(COLUMNS)}: leave it out"
    if len(set(header)) != len(header):
        yield 1, "", "names a column twice"


def _person(header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    stated = {name: unicodedata.normalize("NFC", cell.strip()) for name, cell in zip(header, cells, strict=False)}
    if "email" in stated:
        stated["email"] = stated["email"].lower()
    return {name: value for name, value in stated.items() if value}


def _problems(people: Sequence[tuple[int, Mapping[str, str], int]], width: int) -> Iterator[Problem]:
    if not people:
        yield 0, "", "names nobody"
    if len(people) > MOST:
        yield 0, "", f"names more than {MOST} people: make several lists of it"
        return
    seen: dict[str, int] = {}
    for line, person, cells in people:
        if cells != width:
            yield line, "", f"has {cells} cells, the header {width}"
            continue
        address = person.get("email", "")
        if not _ADDRESS.fullmatch(address) or len(address) > _LONGEST:
            yield line, "email", "is no address"
        elif address in seen:
            yield line, "email", f"stands in line {seen[address]} already"
        for field, what in misleading(person):
            yield line, field, what
        seen.setdefault(address, line)


def _words(problem: Problem) -> str:
    line, column, what = problem
    return " ".join(filter(None, [f"line {line}" if line else "the file", column, what]))

"""SOQL, the subset that the sandbox answers: a real grammar; what it does not cover is MALFORMED_QUERY.

SELECT fields or COUNT() FROM one object, WHERE with = != < > <= >= LIKE, IN, NOT IN, AND, OR, NOT and parentheses,
ORDER BY, LIMIT, OFFSET; relationship fields; text, numbers, dates, date-times, booleans, null. A mix of AND and OR
on one level needs parentheses, as with the vendor.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput, VisitError

from sandbox.salesforce.errors import malformed

MAX_CHARACTERS = 100_000

GRAMMAR = r"""
query: "SELECT"i selection "FROM"i NAME ("WHERE"i expr)? order? limit? offset?
selection: COUNT "(" ")" -> count
         | path ("," path)* -> fields
path: NAME ("." NAME)?
?expr: unit
     | unit ("AND"i unit)+ -> every
     | unit ("OR"i unit)+ -> some
?unit: "(" expr ")"
     | "NOT"i unit -> negation
     | path OPERATOR value -> comparison
     | path "LIKE"i STRING -> like
     | path "IN"i items -> within
     | path "NOT"i "IN"i items -> without
items: "(" value ("," value)* ")"
value: STRING -> text
     | NUMBER -> number
     | DATETIME -> moment
     | DATE -> day
     | "TRUE"i -> true
     | "FALSE"i -> false
     | "NULL"i -> null
order: "ORDER"i "BY"i ordering ("," ordering)*
ordering: path (ASC | DESC)? ("NULLS"i (FIRST | LAST))?
limit: "LIMIT"i INT
offset: "OFFSET"i INT
COUNT: "COUNT"i
ASC: "ASC"i
DESC: "DESC"i
FIRST: "FIRST"i
LAST: "LAST"i
OPERATOR: "!=" | "<>" | "<=" | ">=" | "=" | "<" | ">"
STRING: /'(?:[^'\\\r\n]|\\.)*'/
DATETIME.3: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)/i
DATE.2: /\d{4}-\d\d-\d\d/
NUMBER.1: /[+-]?\d+(\.\d+)?/
INT: /\d+/
NAME: /[a-z][a-z0-9_]*/i
%ignore /[ \t\r\n]+/
"""


@dataclass(frozen=True)
class Pattern:
    """A LIKE pattern: characters, with None for `_` and Ellipsis for `%`, so that escapes stay told apart."""

    parts: tuple[Any, ...]


@dataclass(frozen=True)
class Condition:
    """`path operator value`; operator is = != < > <= >= LIKE IN or NOT IN, value a list for the last two."""

    path: tuple[str, ...]
    operator: str
    value: Any


@dataclass(frozen=True)
class Junction:
    """AND, OR or NOT over its parts."""

    word: str
    parts: tuple["Condition | Junction", ...]


@dataclass(frozen=True)
class Ordering:
    """One sort key."""

    path: tuple[str, ...]
    descending: bool
    nulls_last: bool


@dataclass(frozen=True)
class Query:
    """One statement. `fields` is None for COUNT()."""

    source: str
    fields: tuple[tuple[str, ...], ...] | None
    where: Condition | Junction | None = None
    order: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int = 0


_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_PIECE = re.compile(r"\\u([0-9a-fA-F]{4})|\\(.)|([^\\])", re.DOTALL)


def _characters(token: str, wildcard: Callable[[str], Any] | None) -> list[Any]:
    """The characters of a literal; unescaped `%` and `_` go through `wildcard` when there is one (LIKE)."""
    out: list[Any] = []
    for code, escaped, plain in _PIECE.findall(token[1:-1]):
        if code:
            out.append(chr(int(code, 16)))
        elif escaped in _ESCAPES and escaped:
            out.append(_ESCAPES[escaped])
        elif escaped in ("%", "_") and escaped and wildcard:
            out.append(escaped)
        elif escaped:
            raise malformed(f"Invalid string literal '{token[1:-1]}'. Illegal character sequence '\\{escaped}'")
        else:
            out.append(wildcard(plain) if wildcard else plain)
    return out


def unquote(token: str) -> str:
    """The text of a quoted literal. MALFORMED_QUERY on an unknown escape."""
    text = "".join(_characters(token, None))
    # A pair of \\u escapes makes one character beyond the basic plane.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def pattern(token: str) -> Pattern:
    """The LIKE pattern of a quoted literal."""
    wild = {"%": ..., "_": None}
    return Pattern(tuple(_characters(token, lambda c: wild.get(c, c))))


class _Build(Transformer[Token, Any]):
    """Parse tree to `Query`."""

    def path(self, names: list[Token]) -> tuple[str, ...]:
        return tuple(str(n) for n in names)

    def count(self, _: Any) -> None:
        return None

    def fields(self, paths: list[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
        return tuple(paths)

    def text(self, t: list[Token]) -> str:
        return unquote(t[0])

    def number(self, t: list[Token]) -> float:
        return float(t[0]) if "." in t[0] else int(t[0])

    def moment(self, t: list[Token]) -> datetime:
        moment: datetime = _date(lambda: datetime.fromisoformat(t[0].upper().replace("Z", "+00:00")))
        return moment

    def day(self, t: list[Token]) -> date:
        day: date = _date(lambda: date.fromisoformat(t[0]))
        return day

    def true(self, _: Any) -> bool:
        return True

    def false(self, _: Any) -> bool:
        return False

    def null(self, _: Any) -> None:
        return None

    def items(self, values: list[Any]) -> list[Any]:
        return values

    def comparison(self, parts: list[Any]) -> Condition:
        return Condition(parts[0], "!=" if parts[1] == "<>" else str(parts[1]), parts[2])

    def like(self, parts: list[Any]) -> Condition:
        return Condition(parts[0], "LIKE", pattern(parts[1]))

    def within(self, parts: list[Any]) -> Condition:
        return Condition(parts[0], "IN", parts[1])

    def without(self, parts: list[Any]) -> Condition:
        return Condition(parts[0], "NOT IN", parts[1])

    def every(self, parts: list[Any]) -> Junction:
        return Junction("AND", tuple(parts))

    def some(self, parts: list[Any]) -> Junction:
        return Junction("OR", tuple(parts))

    def negation(self, parts: list[Any]) -> Junction:
        return Junction("NOT", tuple(parts))

    def ordering(self, parts: list[Any]) -> Ordering:
        words = {str(p).upper() for p in parts[1:]}
        return Ordering(parts[0], "DESC" in words, "LAST" in words)

    def order(self, keys: list[Ordering]) -> dict[str, Any]:
        return {"order": tuple(keys)}

    def limit(self, t: list[Token]) -> dict[str, Any]:
        return {"limit": int(t[0])}

    def offset(self, t: list[Token]) -> dict[str, Any]:
        return {"offset": int(t[0])}

    def query(self, parts: list[Any]) -> Query:
        fields, source, *rest = parts
        clauses: dict[str, Any] = {}
        for part in rest:
            clauses.update(part if isinstance(part, dict) else {"where": part})
        return Query(str(source), fields, **clauses)


def _date(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except ValueError:
        raise malformed("invalid date") from None


_PARSER = Lark(GRAMMAR, start="query", parser="lalr", lexer="contextual")


def parse(text: str) -> Query:
    """The query of a SOQL text. VendorError MALFORMED_QUERY, which shows the text as the vendor's does."""
    if len(text) > MAX_CHARACTERS:
        raise malformed("SOQL statements cannot be longer than 100000 characters.")
    try:
        tree = _PARSER.parse(text)
    except UnexpectedInput as error:
        excerpt = text[max(0, (error.pos_in_stream or 0) - 40) :][:80]
        message = f"\n{excerpt}\n^\nERROR at Row:{error.line}:Column:{error.column}\nunexpected token"
        raise malformed(message) from None
    return _build(tree)


def _build(tree: Any) -> Query:
    """A VendorError from a literal comes out as itself, not wrapped by lark."""
    try:
        query: Query = _Build().transform(tree)
    except VisitError as error:
        raise error.orig_exc from None
    return query

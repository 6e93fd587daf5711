"""The mapping of an invoicing database: which table and column means what. Data, read from YAML; see `mapping.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from dsr.errors import PermanentError

PLACE = "invoicing"
CANONICAL = Path(__file__).with_name("mapping.yaml")
ALL_PURPOSES = "dpv:Purpose"
"""DPV's root of all purposes."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OF_PERSONS = ("table", "key", "columns", "delete", "anonymise", "mark")


@dataclass(frozen=True)
class Customer:
    """The table of customers, and how it says that one is a sole trader."""

    table: str
    key: str
    number: str
    name: str
    kind_column: str
    sole_trader: str


@dataclass(frozen=True)
class Attachment:
    """Columns of a table that holds files. `prints`: columns of the `through` table that a file shows in words."""

    content: str
    media_type: str
    title: str
    prints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mark:
    """Columns by which a row says that it is restricted: since when, and for which purposes."""

    at: str
    purposes: str


@dataclass(frozen=True)
class Table:
    """One dataset. `contact`, `customer`, `through` (table and the column that both share) say whose a row is.

    `delete`: its rows may be deleted; `anonymise`: column → what it holds afterwards, {} = can't be anonymised.
    """

    dataset: str
    table: str
    key: str
    columns: Mapping[str, str]
    contact: str = ""
    customer: str = ""
    through: tuple[str, str] | None = None
    names: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    together: Mapping[str, str] = field(default_factory=dict)
    owner_only: tuple[str, ...] = ()
    attachment: Attachment | None = None
    retention: str = ""
    delete: bool = False
    anonymise: Mapping[str, Any] = field(default_factory=dict)
    mark: Mark | None = None


@dataclass(frozen=True)
class Persons:
    """A table with one row per person; `sole_traders`: only the customers that are one."""

    rows: Table
    customer: str
    name: tuple[str, ...]
    identifiers: Mapping[str, tuple[str, ...]]
    sole_traders: bool


@dataclass(frozen=True)
class Books:
    """The whole mapping. `stamped`: columns that the database itself changes with a row; `all_purposes`: how a mark
    names them all."""

    timezone: str
    region: str
    customer: Customer
    persons: tuple[Persons, ...]
    rows: tuple[Table, ...]
    stamped: tuple[str, ...] = ()
    all_purposes: str = ""

    def tables(self) -> list[str]:
        """Every table that the mapping names."""
        return list(dict.fromkeys([*(p.rows.table for p in self.persons), *(t.table for t in self.rows)]))

    def of_table(self, name: str) -> Table:
        """The dataset that is kept in that table. KeyError when there is none."""
        for table in (*self.rows, *(p.rows for p in self.persons)):
            if table.table == name:
                return table
        raise KeyError(name)

    def of_dataset(self, name: str) -> Table | None:
        """The table that holds a dataset; None when the mapping has none for it."""
        return next((t for t in (*(p.rows for p in self.persons), *self.rows) if t.dataset == name), None)


def read(path: Path = CANONICAL) -> Books:
    """The mapping in a file. PermanentError("mapping.unreadable") when it is no such thing."""
    try:
        return _parsed(path.read_text(encoding="utf-8"))
    except ZoneInfoNotFoundError:
        raise PermanentError("mapping.timezone", PLACE) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError):
        raise PermanentError("mapping.unreadable", PLACE) from None


# The same text says the same: whoever forks many processes reads it once, see `dsr_preload`.
@lru_cache(maxsize=8)
def _parsed(text: str) -> Books:
    return _books(yaml.load(text, Loader=_LOADER))  # noqa: S506 (safe, in C where that is there)


def _books(given: Mapping[str, Any]) -> Books:
    customer = given["customer"]
    trader = customer["sole_trader"]
    return Books(
        timezone=ZoneInfo(given["timezone"]).key,
        region=given["region"],
        customer=Customer(
            customer["table"], customer["key"], customer["number"], customer["name"], trader["column"], trader["value"]
        ),
        persons=tuple(_persons(name, fields) for name, fields in given["persons"].items()),
        rows=tuple(_table(name, fields) for name, fields in given["rows"].items()),
        stamped=tuple(given.get("stamped", ())),
        all_purposes=given.get("all_purposes", ALL_PURPOSES),
    )


def _persons(dataset: str, given: Mapping[str, Any]) -> Persons:
    return Persons(
        rows=_table(dataset, {k: v for k, v in given.items() if k in _OF_PERSONS}),
        customer=given["customer"],
        name=tuple(given.get("name", ())),
        identifiers={kind: tuple(columns) for kind, columns in given["identifiers"].items()},
        sole_traders=bool(given.get("sole_trader", False)),
    )


def _table(dataset: str, given: Mapping[str, Any]) -> Table:
    rules: Mapping[str, Any] = given.get("third_party", {})
    through = given.get("through")
    attached = given.get("attachment")
    return Table(
        dataset=dataset,
        table=given["table"],
        key=given["key"],
        columns=_columns(given["columns"]),
        contact=given.get("contact", ""),
        customer=given.get("customer", ""),
        through=(through["table"], through["by"]) if through else None,
        names=tuple(c for c, rule in rules.items() if rule == "names"),
        emails=tuple(c for c, rule in rules.items() if rule == "emails"),
        together={c: rule["with"] for c, rule in rules.items() if isinstance(rule, Mapping)},
        owner_only=tuple(given.get("owner_only", ())),
        attachment=Attachment(**{**attached, "prints": tuple(attached.get("prints", ()))}) if attached else None,
        retention=given.get("retention", ""),
        delete=given.get("delete", False) is True,
        anonymise=dict(given.get("anonymise", {})),
        mark=Mark(**given["mark"]) if "mark" in given else None,
    )


def _columns(given: Any) -> dict[str, str]:
    """Column → field, from a list of names or one-entry mappings `column: field`."""
    columns: dict[str, str] = {}
    for entry in given:
        columns |= entry if isinstance(entry, dict) else {entry: entry}
    return columns

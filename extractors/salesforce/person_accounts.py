"""A person account and its contact are one record under two ids; the vendor takes changes by the account's only."""

from collections.abc import Iterable
from typing import Final

from extractors.salesforce.layout import Layout
from extractors.salesforce.sharing import Key
from extractors.salesforce.standing import Chosen
from extractors.salesforce.values import full_id

COLUMNS: Final = ("AccountId", "IsPersonAccount")
"""What of a contact's row tells."""


def place(record: Chosen, field: str, layout: Layout) -> tuple[Key, str]:
    """Where a field of a record is written: the record, and its name there."""
    if record.object == "Contact" and record.row.get("IsPersonAccount"):
        account = full_id(record.row.get("AccountId"))
        for name in (f"Person{field}", field) if account else ():
            if layout.writable("Account", name):
                return ("Account", account), name
    return (record.object, record.id), field


def places(record: Chosen, fields: Iterable[str], layout: Layout) -> list[Key]:
    """All records that these fields are written to, each once."""
    return list(dict.fromkeys(place(record, field, layout)[0] for field in fields))

"""A nightly file that still holds somebody: rows that are taken in as such an import would, past every API.

Rows are matched by e-mail address, without regard to case, among records that are not in a bin. The file knows
nothing of an erasure: who was erased comes back, which is what a suppression list is there to prevent.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.ids import salesforce_id
from sandbox.people import Person, Population
from sandbox.state import Collection, Document, Store

Row = Mapping[str, Any]
Done = dict[str, list[str]]
FORMS: Mapping[str, Callable[[Person], dict[str, Any]]] = {
    "salesforce": lambda p: {"FirstName": p.given, "LastName": p.family, "Email": p.email, "MobilePhone": p.mobile},
    "pardot": lambda p: {"firstName": p.given, "lastName": p.family, "email": p.email, "company": p.company.name},
    "invoicing": lambda p: {
        "customer_number": p.company.customer_number, "given_name": p.given, "family_name": p.family,
        "email": p.email, "mobile": p.mobile, "language": p.language,
    },
}  # fmt: skip
"""System → a person as its file has them: contacts in the CRM and the books, prospects in marketing."""


def spelled_out(system: str, rows: list[Row], population: Population) -> list[dict[str, Any]]:
    """Rows with `{"person": key, …}` replaced by that person's, further columns on top. KeyError for an unknown
    system or person."""
    form = FORMS[system]
    return [
        {**(form(population.person(row["person"])) if "person" in row else {}),
         **{name: value for name, value in row.items() if name != "person"}}
        for row in rows
    ]  # fmt: skip


def into_salesforce(store: Store, rows: list[dict[str, Any]], stamp: str) -> Done:
    """Contacts; `stamp` is the vendor's form of now."""

    def made(number: int) -> Document:
        record_id = salesforce_id("003", f"import:{number}:{stamp}")
        return {"Id": record_id, "IsDeleted": False, "CreatedDate": stamp}

    contacts = store["Contact"]
    stamps = {"LastModifiedDate": stamp, "SystemModstamp": stamp}
    named = [{**row, "Name": f"{row.get('FirstName', '')} {row.get('LastName', '')}".strip()} for row in rows]
    return _upsert(contacts, named, ("Email", "IsDeleted", "Id"), made, stamps)


def into_pardot(store: Store, rows: list[dict[str, Any]], stamp: str) -> Done:
    """Prospects; `stamp` is the vendor's form of now. ValueError for a field that prospects haven't."""
    prospects = store["prospects"]
    blank = dict.fromkeys(next(iter(prospects.values()), {}))
    if not all(set(row) <= set(blank) for row in rows):
        raise ValueError("columns")
    last = max((int(key) for key in prospects), default=70_010_000)

    def made(number: int) -> Document:
        flags = dict.fromkeys(("isDeleted", "isDoNotEmail", "isDoNotCall", "optedOut", "isEmailHardBounced"), False)
        return {**blank, **flags, "id": last + number, "createdAt": stamp}

    return _upsert(prospects, rows, ("email", "isDeleted", "id"), made, {"updatedAt": stamp})


def _upsert(
    records: Collection, rows: list[dict[str, Any]], names: tuple[str, str, str], made: Callable[[int], Document],
    stamps: Document,
) -> Done:  # fmt: skip
    """`names`: the fields with the address, the bin and the id. ValueError for a row without an address."""
    email, binned, key = names
    done: Done = {"created": [], "updated": []}
    for number, row in enumerate(rows, 1):
        if not row.get(email):
            raise ValueError(email)
        wanted = str(row[email]).strip().casefold()
        found = [
            (k, r) for k, r in records.held()
            if not r.get(binned) and str(r.get(email) or "").strip().casefold() == wanted
        ]  # fmt: skip
        for record_id, record in found:
            records[record_id] = {**record, **row, **stamps}
            done["updated"].append(record_id)
        if not found:
            fresh = {**made(number), **row, **stamps}
            records[str(fresh[key])] = fresh
            done["created"].append(str(fresh[key]))
    return done

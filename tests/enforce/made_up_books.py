"""Books in memory: contacts, their invoices, lines and payments, under the real schemas and the shipped register.

Deleting takes children first and may be put off; contacts are emptied and stay. What a system keeps by itself (a lock)
is named in `locked`.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from made_up_sources import email

from dsr import schema
from dsr.model import Found, Identifier, Match, Outcome, Piece, Rows, Subject
from dsr.selection import Selection
from dsr.source import Dataset, Declaration

ASA, BO = "asa@kvarn.example", "bo@kvarn.example"
CONTACT, INVOICE, LINE, PAYMENT = (f"invoicing_{n}" for n in ("contact", "invoice", "invoice_line", "payment"))
_ID = {CONTACT: "contact_id", INVOICE: "invoice_id", LINE: "line_id", PAYMENT: "payment_id"}
Key = tuple[str, str]


def declared(after: tuple[str, ...] = ()) -> Declaration:
    """Under a name of its own, since the tables are shared."""
    words = ("contact-identification", "provided", ("pd:Name",), "invoicing")
    datasets = (
        Dataset(CONTACT, "Contacts", *words, "anonymise", profile={"email": "email"}),
        *(Dataset(name, name, *words, "expire") for name in (INVOICE, LINE, PAYMENT)),
    )
    name = f"books_{secrets.token_hex(6)}"
    return Declaration(name, "Books", "controller", "postgres", {}, datasets, ("email", CONTACT), erase_after=after)


@dataclass
class Books:
    """The source. `on_step` is called around everything it does and may raise; lag: calls of `erase` until a record is
    gone that was asked for; locked: record → its last day, None = until it is taken away; refuses: records that it
    won't delete; careless: an invoice goes without its parts, which nothing leads to then; naming: lines show their
    contact's name as long as there is one; empties: what is written into a contact that is made anonymous."""

    declaration: Declaration = field(default_factory=declared)
    rows: dict[Key, dict[str, Any]] = field(default_factory=dict)
    on_step: Callable[[str], None] = lambda step: None
    lag: int = 0
    locked: dict[Key, date | None] = field(default_factory=dict)
    refuses: set[Key] = field(default_factory=set)
    careless: bool = False
    naming: bool = False
    empties: Callable[[], dict[str, Any]] = lambda: {"email": None, "family_name": "Anonym"}
    waited: Counter[Key] = field(default_factory=Counter)
    calls: list[str] = field(default_factory=list)

    def contact(self, number: int, address: str, name: str) -> None:
        """Somebody who is invoiced."""
        fields = {"contact_id": number, "email": address, "family_name": name}
        self.rows[CONTACT, str(number)] = fields

    def invoice(self, number: int, contact: int, year: int | None, **more: Any) -> None:
        """An invoice of two lines and a payment, of that year; None = a draft, which has none."""
        booked = {"issued_at": f"{year}-03-04", "booked_at": f"{year}-03-04T10:00:00Z"}
        booked |= {"due_at": f"{year}-04-03", "fiscal_year_end": f"{year}-12-31"}
        self.rows[INVOICE, str(number)] = {
            "invoice_id": number, "contact_id": contact, "status": "booked" if year else "draft",
            **(booked if year else {}), **more,
        }  # fmt: skip
        for place in (1, 2):
            self.rows[LINE, f"{number}{place}"] = {
                "line_id": int(f"{number}{place}"),
                "invoice_id": number,
                "description": f"Row {place}",
            }
        if year:
            self.payment(number * 10 + 9, number, f"{year}-03-20T08:00:00Z")

    def payment(self, number: int, invoice: int, at: str) -> None:
        """A payment."""
        self.rows[PAYMENT, str(number)] = {"payment_id": number, "invoice_id": invoice, "paid_at": at, "amount": "100"}

    def copy(self) -> dict[Key, dict[str, Any]]:
        """How it is now."""
        return {key: dict(row) for key, row in self.rows.items()}

    def of(self, contact: int) -> set[Key]:
        """A contact with all that hangs on it."""
        mine = {i for (d, i), row in self.rows.items() if d == INVOICE and row["contact_id"] == contact}
        hanging = {(d, i) for (d, i), row in self.rows.items() if d != CONTACT and str(row["invoice_id"]) in mine}
        return hanging | {(CONTACT, str(contact))}

    def find(self, subjects: Sequence[Subject]) -> Found:
        """By address or own id."""
        self._step("find")
        matches = []
        for subject in subjects:
            for (dataset, record_id), row in list(self.rows.items()):
                if dataset == CONTACT:
                    own = {Identifier(CONTACT, record_id)} | ({email(row["email"])} if row["email"] else set())
                    if by := subject.identifiers & own:
                        name = row["family_name"] or ""
                        matches.append(Match(subject.request_id, CONTACT, record_id, by, frozenset(own), name))
        return Found(self.declaration.name, tuple(matches), {"layout": 1})

    def extract(self, found: Found) -> Iterator[Piece]:
        """Dataset by dataset."""
        for match in found.matches:
            mine = self.of(int(match.record_id))
            for dataset in (CONTACT, INVOICE, LINE, PAYMENT):
                self._step(f"read {dataset}")
                name = self.rows[CONTACT, match.record_id]["family_name"]
                named = {"item_no": name} if self.naming and dataset == LINE and name != "Anonym" else {}
                rows = [(i, self.rows[dataset, i] | named) for d, i in sorted(mine) if d == dataset]
                if rows:
                    yield Rows(match.request_id, dataset, schema.batch(dataset, rows))

    def erase(self, selections: Sequence[Selection]) -> Iterator[Outcome]:
        """Children first; contacts are emptied."""
        for selection in selections:
            for dataset in (LINE, PAYMENT, INVOICE, CONTACT):
                for effect in ("erase", "anonymise"):
                    told: Counter[tuple[str, date | None]] = Counter()
                    for record_id in selection.ids(dataset, effect):
                        self._step(f"{effect} {dataset} {record_id}")
                        told[self._done((dataset, record_id), effect)] += 1
                        self._step(f"{effect}d {dataset} {record_id}")
                    for (outcome, until), count in told.items():
                        yield Outcome(
                            selection.request_id, self.declaration.name, dataset, effect, outcome, count,
                            "made_up.lock" if outcome == "retained" else "", until,
                        )  # fmt: skip

    def restrict(
        self, selections: Sequence[Selection], purposes: Sequence[str], *, lift: bool = False
    ) -> Iterator[Outcome]:
        """A mark on each."""
        for selection in selections:
            for dataset in (CONTACT, INVOICE, LINE, PAYMENT):
                if ids := selection.ids(dataset, "restrict"):
                    for record_id in ids:
                        row = self.rows[dataset, record_id]
                        row["restricted"] = f"{row.get('restricted', '')} {selection.request_id}".strip()
                    yield Outcome(selection.request_id, self.declaration.name, dataset, "restrict", "done", len(ids))

    def _done(self, key: Key, effect: str) -> tuple[str, date | None]:
        if key not in self.rows:
            return "absent", None
        if key in self.locked:
            return "retained", self.locked[key]
        if key in self.refuses or (key[0] == INVOICE and not self.careless and self._has_parts(key[1])):
            return "blocked", None
        if effect == "anonymise":
            self.rows[key] |= self.empties()
            return "done", None
        self.rows[key]["binned"] = True
        self._step(f"binned {key}")
        self.waited[key] += 1
        if self.waited[key] <= self.lag:
            return "scheduled", None
        del self.rows[key]
        return "done", None

    def _has_parts(self, invoice: str) -> bool:
        parts = (row for (d, _), row in self.rows.items() if d in (LINE, PAYMENT) and not row.get("binned"))
        return any(str(row["invoice_id"]) == invoice for row in parts)

    def _step(self, step: str) -> None:
        self.calls.append(step)
        self.on_step(step)

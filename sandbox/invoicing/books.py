"""What the books hold about each person of the population: rows to load, and the truth about them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.ids import salesforce_contact_id
from sandbox.invoicing.document import pdf
from sandbox.invoicing.tables import DATASETS, KEYS, Row, shown
from sandbox.people import Company, Expected, Person, Population, Truth

SIDE_BUSINESS = Company(
    "Öhrnqvist D'Arcy Konsult & Råd", "680229-9283", "fornamn.example", "+46701740605", "K-100777", sole_trader=True
)
"""The canary's own firm, under the former address: found only by who knows that address or the mobile."""


class Books:
    """Rows by table and the truth, made from a population; the same population makes the same books."""

    def __init__(self, population: Population, today: date) -> None:
        self.rows: dict[str, list[Row]] = {table: [] for table in KEYS}
        self.truth: list[Truth] = []
        self.customer_ids: dict[str, int] = {}
        self.canary_contact = 0
        self._population = population
        self._random = population.random("invoicing")
        self._noon = datetime(today.year, today.month, today.day, 11, tzinfo=UTC)
        self._fill()

    def _fill(self) -> None:
        people = self._population.people
        for person in people:
            self._customer(person.company, person)
        for number, person in enumerate(people):
            rich = number <= len(self._population.neighbours)
            contact = self._contact(person)
            self._register(person, contact)
            for n in range(3 if rich else 1):
                self._invoice(person, contact, n, rich)
        self._canary(people[0], self._population.person("colleague"))

    def _canary(self, canary: Person, colleague: Person) -> None:
        """What makes the canary hard: a former address, a firm of her own, a shared mailbox, crossed references."""
        self.canary_contact = next(t for t in self.truth if t.dataset == "invoicing_contact").fields["contact_id"]
        former = self._contact(canary, email=canary.emails[1], family_name="Bergfalk", phone=None, mobile=None,
                               former_email=None, inactive_since=date(2022, 3, 31))  # fmt: skip
        self._invoice(canary, former, 3, recipient=canary.emails[1])
        self._invoice(canary, self.canary_contact, 4, your_reference=colleague.name, recipient=colleague.email)
        self._invoice(canary, self.canary_contact, 5, your_reference="KST-4410", order_no="", status="draft",
                      issued_at=None, due_at=None, booked_at=None, fiscal_year_end=None)  # fmt: skip
        self._customer(SIDE_BUSINESS, canary, email=canary.emails[1])
        self._register(canary, None, SIDE_BUSINESS)
        self._invoice(canary, None, 6, company=SIDE_BUSINESS, recipient=canary.emails[1])
        theirs = next(t.fields["contact_id"] for t in self.truth
                      if t.dataset == "invoicing_contact" and t.person == colleague.key)  # fmt: skip
        self._invoice(colleague, theirs, 3, your_reference=canary.name)
        shared: dict[str, Any] = {"email": f"info@{canary.company.domain}", "mobile": None, "former_email": None,
                  "crm_contact_id": None, "expected": "doubtful"}  # fmt: skip
        self._contact(canary, **shared)
        self._contact(colleague, **shared)

    def _add(
        self, table: str, row: Row, person: Person, expected: Expected = "package", hidden: Row | None = None
    ) -> int:
        """Keep a row and its truth; `hidden` columns go into the row only and count as withheld."""
        hidden = hidden or {}
        number = 1000 + len(self.rows[table]) + 1
        full = {KEYS[table]: number, **row, **hidden}
        self.rows[table].append(full)
        dataset = DATASETS[table]
        self.truth.append(Truth(person.key, dataset, str(number), shown(table, full, tuple(hidden)), expected))
        for column in hidden:
            self.truth.append(Truth(person.key, dataset, f"{number}:{column}", {}, "withheld"))
        return number

    def _customer(self, company: Company, owner: Person, email: str = "") -> None:
        """The company's row, once; a sole trader's is its owner's, who is the first person seen there."""
        if company.customer_number in self.customer_ids:
            return
        row = {
            "customer_number": company.customer_number,
            "kind": "sole_trader" if company.sole_trader else "company",
            "name": company.name,
            "organisation_no": company.org_no,
            "vat_no": f"SE{company.org_no.replace('-', '')}01",
            "email": (email or owner.email) if company.sole_trader else f"info@{company.domain}",
            "phone": _spaced(owner.mobile if company.sole_trader else company.switchboard),
            "language": owner.language,
            "payment_terms_days": 30,
            "credit_limit": Decimal("250000.00"),
            "blocked": False,
            "created_at": self._noon - timedelta(days=2500),
            "updated_at": None,
        }
        if company.sole_trader:
            number = self._add("customer", row, owner)
        else:
            number = 1000 + len(self.rows["customer"]) + 1
            self.rows["customer"].append({"customer_id": number, **row})
        self.customer_ids[company.customer_number] = number

    def _contact(self, person: Person, expected: Expected = "package", **changes: Any) -> int:
        row = {
            "customer_id": self.customer_ids[person.company.customer_number],
            "given_name": person.given,
            "family_name": person.family,
            "role": person.title,
            "email": f" {person.email.title()}" if person.key == "canary" else person.email,
            "former_email": person.emails[1] if len(person.emails) > 1 else None,
            "phone": _spaced(person.company.switchboard),
            "mobile": _spaced(person.mobile),
            "language": person.language,
            "receives_invoices": True,
            "crm_contact_id": salesforce_contact_id(person.key),
            "inactive_since": None,
            "created_at": self._noon - timedelta(days=1000, microseconds=1500),
            "updated_at": self._noon - timedelta(days=self._random.randrange(1, 900)),
        }
        return self._add("customer_contact", {**row, **changes}, person, expected)

    def _register(self, person: Person, contact: int | None, company: Company | None = None) -> None:
        """Delivery address and bank account."""
        customer = self.customer_ids[(company or person.company).customer_number]
        place = {"line1": person.street, "line2": None, "post_code": person.postal_code, "city": person.city}
        address = {"customer_id": customer, "contact_id": contact, "kind": "delivery", **place,
                   "country": person.country, "valid_from": date(2021, 5, 1)}  # fmt: skip
        self._add("address", address, person)
        if person.iban:
            account = {"customer_id": customer, "contact_id": contact, "holder": person.name, "iban": person.iban,
                       "bankgiro": "5050-1055", "bic": "ESSESESS", "bank_name": "Exempelbanken",
                       "created_at": self._noon - timedelta(days=800)}  # fmt: skip
            self._add("bank_account", account, person)

    def _invoice(
        self, person: Person, contact: int | None, n: int, rich: bool = True, company: Company | None = None,
        your_reference: str = "", recipient: str = "", **changes: Any,
    ) -> None:  # fmt: skip
        """An invoice with lines, payment, reminder, document and dispatch; crossed references are withheld."""
        buyer = company or person.company
        number = 1001 + len(self.rows["invoice"])
        reference = your_reference or person.name
        crossed = reference != person.name and " " in reference
        row = self._head(person, buyer, number, n) | {"contact_id": contact} | changes
        hidden = {"your_reference": reference} if crossed else {}
        if not crossed:
            row["your_reference"] = reference
        invoice = self._add("invoice", row, person, hidden=hidden)
        self._lines(person, invoice, 2 if rich else 1)
        paid = {"invoice_id": invoice, "paid_at": self._noon - timedelta(days=20 + n, seconds=n, milliseconds=250),
                "amount": row["gross_amount"], "currency": "SEK", "method": "credit transfer",
                "reference": row["invoice_number"]}  # fmt: skip
        payer: Row = {"payer_name": reference, "payer_account": "SE1212345678901234567890"}
        if crossed:
            self._add("payment", paid, person, hidden=payer)
        else:
            payer = {"payer_name": buyer.name if n % 2 else person.name, "payer_account": person.iban or None}
            self._add("payment", paid | payer, person)
        to = recipient or person.email
        if rich:
            self._reminder(person, invoice, to, crossed)
            self._document(person, invoice, row, reference, crossed)
        if contact is not None:
            dispatch = {"contact_id": contact, "invoice_id": invoice, "subject": f"Faktura {row['invoice_number']}",
                        "status": "delivered", "message_id": f"<{invoice}.{n}@faktura.example>",
                        "sent_at": self._noon - timedelta(days=50 + n),
                        "opened_at": None if n % 2 else self._noon - timedelta(days=49 + n)}  # fmt: skip
            mail = {"recipient": to}
            self._add("email_dispatch", dispatch | ({} if crossed else mail), person, hidden=mail if crossed else {})

    def _head(self, person: Person, buyer: Company, number: int, n: int) -> Row:
        issued = (self._noon - timedelta(days=60 + 90 * n + self._random.randrange(30))).date()
        net = _cents(self._random.randrange(10_000, 9_000_000))
        vat = (net / 4).quantize(Decimal("0.01"))
        return {
            "invoice_number": f"F-{number:07d}",
            "customer_id": self.customer_ids[buyer.customer_number],
            "order_no": f"PO-{self._random.randrange(10**6):06d}",
            "buyer_name": buyer.name,
            "buyer_organisation_no": buyer.org_no,
            "buyer_vat_no": f"SE{buyer.org_no.replace('-', '')}01",
            "billing_line1": f"FE 305, {buyer.name}",
            "billing_post_code": "838 80",
            "billing_city": "Hackås",
            "billing_country": "SE",
            "delivery_name": person.name,
            "delivery_line1": person.street,
            "delivery_post_code": person.postal_code,
            "delivery_city": person.city,
            "issued_at": issued,
            "due_at": issued + timedelta(days=30),
            "booked_at": self._noon - timedelta(days=60 + 90 * n, microseconds=n * 1250),
            "fiscal_year_end": date(issued.year + (issued.month > 6), 6, 30),
            "currency": "SEK",
            "net_amount": net,
            "vat_amount": vat,
            "gross_amount": net + vat,
            "status": "paid",
            "note": (None, "", '=HYPERLINK("http://evil.example","Öppna")\r\nrad 2; "citat", komma\tתודה')[n % 3],
            "legacy_ref": f"AS400-{number}" if n % 2 else None,
        }

    def _lines(self, person: Person, invoice: int, count: int) -> None:
        for position in range(1, count + 1):
            amount = _cents(self._random.randrange(100, 99_999))
            line = {"invoice_id": invoice, "position": position, "item_no": f"A-{position:03d}",
                    "description": f"@Skärvätska, 20 l\nför {person.name}" if position == 1 else "Frakt",
                    "quantity": Decimal("1.000"), "unit": "C62", "unit_price": amount.quantize(Decimal("0.0001")),
                    "vat_rate": Decimal("25.00"), "net_amount": amount}  # fmt: skip
            self._add("invoice_line", line, person)

    def _reminder(self, person: Person, invoice: int, recipient: str, crossed: bool) -> None:
        row = {"invoice_id": invoice, "level": 1, "sent_at": self._noon - timedelta(days=25),
               "fee": Decimal("60.00"), "channel": "email"}  # fmt: skip
        mail = {"recipient": recipient}
        self._add("reminder", row | ({} if crossed else mail), person, hidden=mail if crossed else {})

    def _document(self, person: Person, invoice: int, head: Row, reference: str, crossed: bool) -> None:
        """The PDF prints the reference: one that names another is withheld with it."""
        lines = [f"Faktura {head['invoice_number']}", head["buyer_name"], f"Er referens: {reference}", person.street]
        row = {"invoice_id": invoice, "kind": "invoice", "file_name": f"Faktura {head['invoice_number']}.pdf",
               "media_type": "application/pdf", "created_at": self._noon - timedelta(days=60)}  # fmt: skip
        content = {"content": pdf(lines)}
        self._add("invoice_document", row | ({} if crossed else content), person, hidden=content if crossed else {})


def _cents(amount: int) -> Decimal:
    """The amount in whole units, two digits behind the point always shown."""
    return Decimal(amount).scaleb(-2)


def _spaced(phone: str) -> str:
    """The number as people type it: national with hyphen and blanks, or international with blanks."""
    if phone.startswith("+467"):
        return f"+46 (0){phone[3:5]}-{phone[5:8]} {phone[8:10]} {phone[10:]}"
    return f"0{phone[3:4]}-{phone[4:7]} {phone[7:]}"

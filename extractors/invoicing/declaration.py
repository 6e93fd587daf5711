"""What the invoicing database says about itself."""

from typing import Final

from dsr.source import Dataset, Declaration, Exclusion

_PROCESSING: Final = "invoicing"
_ADDRESS: Final = "pd:PhysicalAddress"

_BY_HAND: Final = {
    "sv": "Gör ändringen i faktureringssystemet: sök upp posten med dess nummer och ta bort, avidentifiera, spärra "
    "eller rätta den. Ändra aldrig en bokförd faktura eller något som hör till den.",
    "en": "Make the change in the invoicing system: look the record up by its number and delete, anonymise, restrict "
    "or correct it. Never change a booked invoice or anything that belongs to it.",
}
"""For what the mapping gives no way."""

_DATASETS: Final = (
    Dataset(
        "invoicing_contact",
        "Invoicing: you as a contact",
        "contact-identification",
        "provided",
        ("pd:Name", "pd:EmailAddressWork", "pd:TelephoneNumber", "pd:Language"),
        _PROCESSING,
        "anonymise",
        rectifiable=("given_name", "family_name", "role", "email", "phone", "mobile", "language"),
        profile={"email": "email", "mobile": "phone", "role": "title", "language": "language"},
        instructions=_BY_HAND,
    ),
    Dataset(
        "invoicing_customer",
        "Invoicing: you as a customer",
        "contact-identification",
        "provided",
        ("pd:Name", "pd:EmailAddressWork", "pd:TelephoneNumber"),
        _PROCESSING,
        "anonymise",
        rectifiable=("name", "organisation_no", "vat_no", "email", "phone", "language"),
        profile={"email": "email", "phone": "phone", "name": "organisation"},
        instructions=_BY_HAND,
    ),
    Dataset(
        "invoicing_address",
        "Invoicing: addresses",
        "contact-identification",
        "provided",
        (_ADDRESS,),
        _PROCESSING,
        "delete",
        rectifiable=("line1", "line2", "post_code", "city", "country"),
        profile={"line1": "address"},
        instructions=_BY_HAND,
    ),
    Dataset(
        "invoicing_bank_account",
        "Invoicing: bank accounts",
        "payment-invoice",
        "provided",
        ("pd:BankAccount",),
        _PROCESSING,
        "delete",
        rectifiable=("holder", "iban", "bankgiro", "bic", "bank_name"),
        instructions=_BY_HAND,
    ),
    Dataset(
        "invoicing_invoice",
        "Invoices",
        "purchases",
        "observed",
        ("pd:Purchase", "pd:Name", _ADDRESS),
        _PROCESSING,
        "expire",
        instructions=_BY_HAND,
    ),
    Dataset(
        "invoicing_invoice_line",
        "Invoices: lines",
        "purchases",
        "observed",
        ("pd:Purchase",),
        _PROCESSING,
        "expire",
        instructions=_BY_HAND,
    ),
    Dataset(
        "invoicing_payment",
        "Invoices: payments",
        "payment-invoice",
        "observed",
        ("pd:Purchase", "pd:BankAccount"),
        _PROCESSING,
        "expire",
        instructions=_BY_HAND,
    ),
    Dataset(
        "invoicing_reminder",
        "Invoices: reminders",
        "payment-invoice",
        "observed",
        ("pd:Purchase",),
        _PROCESSING,
        "expire",
        instructions=_BY_HAND,
    ),
    Dataset(
        "invoicing_document",
        "Invoices: documents",
        "payment-invoice",
        "observed",
        ("pd:Purchase", "pd:Name", _ADDRESS),
        _PROCESSING,
        "expire",
        instructions=_BY_HAND,
    ),
    Dataset(
        "invoicing_email_dispatch",
        "Invoices: e-mails sent",
        "interactions",
        "observed",
        ("pd:EmailAddressWork",),
        _PROCESSING,
        "delete",
        instructions=_BY_HAND,
    ),
)

DECLARATION: Final = Declaration(
    name="invoicing",
    title="Invoicing database",
    title_sv="Fakturadatabasen",
    role="controller",
    connection_type="postgres",
    connection_fields={
        "host": "the database server, or a replica of it",
        "port": "its port",
        "login": "a role that may only read. The connection dsr_invoicing_write, to the primary server, has one that "
        "may SELECT from the mapped tables and those that refer to them, DELETE from those with `delete`, and UPDATE "
        "only the columns under `anonymise` and `mark` and those that can be rectified; of an invoice its marks alone",
        "password": "its password",
        "schema": "the database",
        "extra.drivername": "SQLAlchemy's dialect and driver; postgresql+psycopg when left out",
        "extra.mapping": "path of your own mapping file; the canonical schema when left out",
        "extra.ca": "file of the authority that signed the server's certificate; the connection is then verified",
        "extra.query": "further parameters of the driver, an object",
    },
    datasets=_DATASETS,
    finds_by=("email", "phone", "customer_number", "invoicing_contact", "invoicing_customer", "salesforce_contact"),
    exclusions=(
        Exclusion("Records of companies", "A company that is not a sole trader is no natural person (Art. 4(1))."),
        Exclusion(
            "References, payers and recipients that name somebody else",
            "They are another person's data; they are counted as withheld (Art. 15(4)).",
        ),
    ),
)

"""What Salesforce says about itself: its datasets in words, and what is left out on purpose."""

from typing import Final

from dsr.source import Dataset, Declaration, Exclusion
from extractors.salesforce.instructions import INSTRUCTIONS, WRITING

_CRM: Final = "crm"
_SALES: Final = "sales"
_SUPPORT: Final = "support"
_EVENTS: Final = "events"
_PERSON: Final = ("pd:Name", "pd:EmailAddressWork", "pd:TelephoneNumber", "pd:PhysicalAddress", "pd:Job")
_CHANGES: Final = ("Field", "CreatedDate", ("Email",))
_ADDRESS: Final = ("Street", "City", "State", "PostalCode", "Country")

_UNCHECKED: Final = frozenset({"lead", "case"})
"""What forms on a website make: Web-to-Lead, Web-to-Case."""


def _dataset(name: str, title: str, category: str, origin: str, terms: tuple[str, ...], processing: str,
             erasure: str = "delete", rectifiable: tuple[str, ...] = (),
             profile: dict[str, str] | None = None, own_when: str = "",
             contact_changes: tuple[str, str, tuple[str, ...]] | None = None) -> Dataset:  # fmt: skip
    return Dataset(f"salesforce_{name}", title, category, origin, terms, processing, erasure, rectifiable,
                   profile or {}, INSTRUCTIONS.get(name, {}), own_when, contact_changes,
                   name in _UNCHECKED)  # fmt: skip


_PEOPLE: Final = (
    _dataset(
        "contact", "Customer register: you as a contact", "contact-identification", "provided",
        (*_PERSON, "pd:BirthDate"), _CRM,
        rectifiable=("FirstName", "LastName", "Salutation", "Email", "Phone", "MobilePhone", "HomePhone", "OtherPhone",
                     "Fax", "Title", "Department", "Birthdate", *(f"Mailing{p}" for p in _ADDRESS),
                     *(f"Other{p}" for p in _ADDRESS)),
        profile={"Name": "name", "Email": "email", "MobilePhone": "phone", "MailingStreet": "address",
                 "Title": "title"},
    ),
    _dataset(
        "lead", "Customer register: you as an enquirer", "contact-identification", "provided", _PERSON, _CRM,
        rectifiable=("FirstName", "LastName", "Salutation", "Email", "Phone", "MobilePhone", "Fax", "Title", "Company",
                     *_ADDRESS),
        profile={"Name": "name", "Email": "email", "MobilePhone": "phone", "Street": "address",
                 "Company": "organisation", "Title": "title"},
    ),
    _dataset("account", "Customer register: the organisation you belong to", "contact-identification", "provided",
             ("pd:Professional",), _CRM, "manual", profile={"Name": "organisation"}, own_when="IsPersonAccount"),
    _dataset("individual", "Customer register: your privacy choices", "contact-identification", "provided",
             ("pd:Name", "pd:PrivacyPreference", "pd:BirthDate"), _CRM, rectifiable=("FirstName", "LastName")),
    _dataset("contact_point_email", "Customer register: your e-mail addresses", "contact-identification", "provided",
             ("pd:EmailAddress",), _CRM, rectifiable=("EmailAddress",)),
    _dataset("consent", "Customer register: your consent per channel", "contact-identification", "provided",
             ("pd:PrivacyPreference",), _CRM),
    _dataset("contact_point_consent", "Customer register: your consent per address", "contact-identification",
             "provided", ("pd:PrivacyPreference",), _CRM),
    _dataset("duplicate", "Customer register: suspected duplicates of you", "contact-identification", "derived",
             ("pd:Identifier",), _CRM),
    _dataset("contact_history", "Customer register: changes to you as a contact", "contact-identification", "observed",
             _PERSON, _CRM, "expire", contact_changes=_CHANGES),
    _dataset("lead_history", "Customer register: changes to you as an enquirer", "contact-identification", "observed",
             _PERSON, _CRM, "expire", contact_changes=_CHANGES),
    _dataset("other", "Customer register: further records about you", "contact-identification", "observed",
             ("pd:Professional",), _CRM),
)  # fmt: skip

_BUSINESS: Final = (
    _dataset("campaign_member", "Customer register: campaigns and events", "events-webinars", "observed",
             ("pd:Interest",), _EVENTS),
    _dataset("opportunity_role", "Sales: your role in business opportunities", "purchases", "observed",
             ("pd:Professional",), _SALES),
    _dataset("opportunity", "Sales: business opportunities with your role in them", "purchases", "observed",
             ("pd:Purchase",), _SALES, "manual"),
    _dataset("quote", "Sales: quotes to you", "purchases", "observed", ("pd:Purchase",), _SALES, "manual"),
    _dataset("order", "Sales: orders in your name", "purchases", "observed", ("pd:Purchase", "pd:PhysicalAddress"),
             _SALES, "manual"),
)  # fmt: skip

_CONTACTS: Final = (
    _dataset("case", "Customer service: your cases", "interactions", "provided", ("pd:Communication",), _SUPPORT,
             "anonymise"),
    _dataset("case_comment", "Customer service: comments on your cases", "interactions", "observed",
             ("pd:Communication",), _SUPPORT),
    _dataset("task", "Customer contacts: tasks and calls", "interactions", "observed",
             ("pd:Communication", "pd:CallLog"), _CRM),
    _dataset("event", "Customer contacts: meetings", "interactions", "observed", ("pd:Communication",), _CRM),
    _dataset("email", "Customer contacts: e-mail with you", "interactions", "observed", ("pd:EmailContent",),
             _SUPPORT),
    _dataset("file", "Customer contacts: files", "interactions", "observed", ("pd:Communication",), _CRM),
    _dataset("attachment", "Customer contacts: attachments", "interactions", "observed", ("pd:Communication",), _CRM),
)  # fmt: skip

DECLARATION: Final = Declaration(
    name="salesforce",
    title="Salesforce (customer register, sales and customer service)",
    title_sv="Salesforce (kundregister, försäljning och kundservice)",
    role="processor",
    connection_type="salesforce",
    connection_fields={
        "host": "https://<my domain>.my.salesforce.com",
        "login": "user name of the integration user (JWT bearer)",
        "extra.consumer_key": "consumer key of the connected app",
        "extra.private_key_file_path": "file with the private key for JWT bearer; or extra.private_key with the text",
        "extra.consumer_secret": "instead of a key: secret of the connected app, for client credentials",
        "extra.audience": "audience of the assertion; default https://login.salesforce.com",
        "extra.region": "country in whose form national phone numbers are read; default SE",
        "extra.absent_objects": "objects that this org does not have, e.g. [\"Quote\"]; another missing one stops",
        "extra.more_objects": "further standard objects with a lookup to contact, lead or individual to read",
        "extra.others_fields": "e-mail and phone fields that hold somebody else's, e.g. [\"Contact.Buddy_Email__c\"]",
        "extra.role_mailboxes": "our own addresses that are no person's, e.g. [\"support@…\"]; shown in e-mail",
        "extra.anonymise_fields": "further fields to empty when a case is anonymised, e.g. [\"Case.Caller__c\"]",
        "extra.erasable_objects": "objects with a lookup to a person that are the person's alone, e.g. [\"Badge__c\"]; "
                                  "others that aren't deleted with the person are left to a person to erase",
        "extra.restriction_field": "field of this org's own, text or checkbox, that marks restricted records, e.g. "
                                   "DSR_Restriction__c; on every object that has it",
        "extra.bulk_seconds": "seconds to wait for Salesforce's own jobs before asking again later; default 60",
        "dsr_salesforce_write": WRITING,
        "extra.ca": "file with the authority to trust instead of the public ones",
    },
    datasets=(*_PEOPLE, *_BUSINESS, *_CONTACTS),
    finds_by=("email", "phone", "salesforce_contact", "salesforce_lead", "salesforce_account"),
    exclusions=(
        Exclusion("Ids of our staff on each record (owner, author, last changed by)",
                  "They say who of us did something, nothing about you; Art. 15(4)."),
        Exclusion("Files on business opportunities and on your organisation's account",
                  "They are the organisation's, not yours; what is linked to you, your cases, orders, quotes, "
                  "activities and e-mail is included."),
        Exclusion("Feed posts, sharing rules and internal routing of records",
                  "They steer how our staff work with the records and say nothing about you that these don't."),
        Exclusion("The contents of files in the recycle bin", "Only their description can still be read."),
    ),
    calls_of_list=(60, 2),
)  # fmt: skip

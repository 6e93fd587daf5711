"""Closed lists of words: kinds of identifiers, the notice's categories, statuses. Imports nothing of the project."""

from typing import Final

IDENTIFIER_KINDS: Final = (
    "email",
    "phone",
    "customer_number",
    "salesforce_contact",
    "salesforce_lead",
    "salesforce_account",
    "pardot_prospect",
    "invoicing_contact",
    "invoicing_customer",
    "webinar_registrant",
    "call_contact",
)
"""`email`, `phone` and `customer_number` are a person's; the rest are vendors' ids: `<system>_<record>`."""

CATEGORIES: Final = {
    "contact-identification": "Contact and identification information",
    "interactions": "Information about your contacts with our personnel",
    "events-webinars": "Information regarding events and webinars",
    "purchases": "Information about purchases",
    "payment-invoice": "Payment and invoice information",
    "device": "Device information",
    "website": "Website interaction information",
}
"""The categories of section 2 of the privacy notice; the key is the folder in the package."""

ORIGINS: Final = ("provided", "observed", "derived", "inferred")
"""DPV 2.3: ProvidedPersonalData, ObservedPersonalData, DerivedPersonalData, InferredPersonalData."""

SEARCH_STATUSES: Final = ("found", "none", "failed", "not_connected")
"""Per source in the search report: found something, holds nothing, could not be searched, has no connection."""

WITHHELD_GROUNDS: Final = ("third_party", "third_party_masked", "confidential", "not_reviewed")
"""Why an item of the person's records is not disclosed. third_party: Art. 15(4), others' rights and freedoms;
third_party_masked: the same of a part, the rest is there; confidential: Art. 15(4), secrets of a business, recital 63;
not_reviewed: nobody has looked yet whether others are spoken of in it."""

EFFECTS: Final = ("erase", "anonymise", "restrict", "rectify", "keep", "expire", "manual")
"""What a plan says for a record. expire: its period ends by itself; manual: a person does it, no API can."""

OUTCOMES: Final = ("done", "absent", "retained", "scheduled", "manual", "changed", "blocked")
"""What became of records when a right was enforced. absent: gone before; retained: the vendor keeps them, until;
scheduled: the vendor does it later; changed: not as they were when the plan was approved, so left alone; blocked: the
vendor refused."""

ERASURE_WAYS: Final = ("delete", "anonymise", "expire", "manual")

RIGHTS: Final = ("access", "portability", "erasure", "restriction", "rectification", "objection", "withdrawal")
"""The rights that a request may exercise here: Art. 15, 20, 17, 18, 16, 21 and 7(3) GDPR."""

MARKETING: Final = frozenset((
    "dpv:Marketing", "dpv:DirectMarketing", "dpv:Advertising", "dpv:PersonalisedAdvertising", "dpv:TargetedAdvertising",
    "dpv:SocialMediaMarketing", "dpv:PublicRelations",
))  # fmt: skip
"""DPV 2.3: marketing and all that is narrower. Choosing content by a profile (`dpv:Personalisation`) is another
purpose: who stops that alone may still be written to."""

UNCLEAR: Final = "unclear"
"""In place of a right: the ticket names none, several, or what is none; a person decides which it is."""

ABOUT: Final = ("application", "on_behalf")
"""What a request may be about besides the controller's own processing: an application for a job, of which a notice of
its own tells; what is processed on behalf of a customer, who then is the controller (Art. 28 GDPR)."""

CUSTOMER_KEY: Final = r"(?=[0-9-]*[a-z])[a-z0-9][a-z0-9-]{0,62}"
"""The whole of a customer's key, as a regular expression; see `Settings.customers`."""

RECIPIENT_KEY: Final = r"(?=[0-9-]*[a-z])[a-z0-9][a-z0-9-]{0,62}"
"""The whole of a recipient's key (Art. 20(2)), as a regular expression. With a letter in it: the ledger takes no bare
numbers, which could be a person's. The JSON Schemas of requests repeat it."""

PACKAGE_ENCRYPTIONS: Final = ("none", "zip", "age")
"""How a package is closed: not at all (the page asks who fetches it), AES-256 ZIP with a password, age to a key."""

NOT_PORTABLE: Final = ("not_consent_or_contract", "not_automated", "derived", "inferred", "unknown_origin")
"""Why data of the person is outside Art. 20(1): the processing's basis, paper, made by the controller (two ways), or
nobody has said where it comes from."""

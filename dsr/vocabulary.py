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

WITHHELD_GROUNDS: Final = ("third_party",)
"""Why an item of the person's records is not disclosed. third_party: Art. 15(4), others' rights and freedoms."""

ERASURE_WAYS: Final = ("delete", "anonymise", "expire", "manual")

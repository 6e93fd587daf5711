"""What the marketing department made: lists, stages, campaigns, forms and so on. Nobody's personal data."""

from collections.abc import Iterable
from typing import Any

MADE = "2024-02-01T09:00:00+01:00"
STAGES = ("Awareness", "Consideration", "Evaluation", "Purchase", "Loyalty")
NEWSLETTER, BULLETIN, CUSTOMERS = 301, 302, 303
CAMPAIGN, AUTUMN = 401, 402
PROFILE = 451
FORM, HANDLER, LANDING_PAGE, FILE, REDIRECT, TEMPLATE = 501, 511, 521, 531, 541, 551
LIST_EMAIL, SECOND_LIST_EMAIL = 561, 562
TAGS = ((601, "Fair 2026"), (602, "Hot"), (603, 'Händler "Ost"'))

CUSTOM_FIELDS = (
    (701, "Language", "language", "Dropdown", False),
    (702, "Budget band", "budgetBand", "Text", False),
    (703, "Topics of interest", "favouriteTopics", "Checkbox", False),
    (704, "Products in use", "productsInUse", "Multi-Select", False),
    (705, "Answers given", "answersGiven", "Text", True),
)
"""id, label, field id, type, whether it records several responses."""

_NAMED: dict[str, dict[int, dict[str, Any]]] = {
    "campaigns": {CAMPAIGN: {"name": "Smart ID 2026"}, AUTUMN: {"name": "Höstmässan – Älvsjö"}},
    "profiles": {PROFILE: {"name": "Purchasing"}},
    "forms": {FORM: {"name": "White paper: certificates"}},
    "form-handlers": {HANDLER: {"name": "Web shop sign-up"}},
    "landing-pages": {LANDING_PAGE: {"name": "Guide download", "url": "https://go.sandbox.example/guide"}},
    "files": {FILE: {"name": "guide-2026.pdf", "url": "https://go.sandbox.example/guide-2026.pdf"}},
    "custom-redirects": {REDIRECT: {"name": "Demo link", "destinationUrl": "https://www.sandbox.example/demo?a=1&b=2"}},
    "email-templates": {TEMPLATE: {"name": "Thank you", "subject": "Tack för ditt intresse"}},
    "list-emails": {
        LIST_EMAIL: {"name": "Newsletter 10", "subject": "Nyheter i oktober", "sentAt": "2026-10-06T08:00:00+02:00"},
        SECOND_LIST_EMAIL: {"name": "Bulletin", "subject": "Ny version ute", "sentAt": "2026-11-03T08:00:00+01:00"},
    },
}


def assets() -> Iterable[tuple[str, dict[str, Any]]]:
    """(collection, document) of every asset."""
    base = {"isDeleted": False, "createdAt": MADE, "updatedAt": MADE, "createdById": 11, "updatedById": 12}
    for collection, documents in _NAMED.items():
        for key, values in documents.items():
            yield collection, {"id": key, **base, **values}
    for list_id, name, public in ((NEWSLETTER, "Newsletter", True), (BULLETIN, "Bulletin", True)):
        yield "lists", {"id": list_id, **base, "name": name, "title": name, "isPublic": public, "isDynamic": False}
    yield "lists", {"id": CUSTOMERS, **base, "name": "Customers (by contract)", "isPublic": False, "isDynamic": True}
    for position, name in enumerate(STAGES, 1):
        yield "lifecycle-stages", {"id": 800 + position, **base, "name": name, "position": position, "isLocked": False}
    for tag_id, name in TAGS:
        yield "tags", {"id": tag_id, **base, "name": name, "objectCount": 1}
    for field_id, label, name, kind, several in CUSTOM_FIELDS:
        own = {"name": label, "fieldId": name, "type": kind, "isRecordMultipleResponses": several, "isRequired": False}
        yield "custom-fields", {"id": field_id, **base, **own, "isUseValues": kind != "Text", "salesforceId": None}


def stage_id(name: str) -> int:
    """The id of a lifecycle stage. ValueError when there is none of that name."""
    return 801 + STAGES.index(name)

"""The truth about everybody: each record as the package should show it, from the population alone.

Names of linked things stand beside their ids (`campaignId`, `campaignName`). Ids of the controller's own users are
not shown: they identify employees. The text of an e-mail is shown when it was written to one person.
"""

from typing import Any

from sandbox.pardot.book import Entry
from sandbox.pardot.objects import BY_NAME
from sandbox.pardot.seed import seed
from sandbox.people import Population, Truth

_EMPLOYEES = {"userId", "assignedToId", "createdById", "updatedById", "salesforceOwnerId"}
_CAMPAIGN = {"campaignName": ("campaignId", "campaigns", "name")}
_DATASETS: dict[str, tuple[str, dict[str, tuple[str, str, str]]]] = {
    "prospects": (
        "pardot_prospect",
        {
            **_CAMPAIGN,
            "lifecycleStageName": ("lifecycleStageId", "lifecycle-stages", "name"),
            "profileName": ("profileId", "profiles", "name"),
        },
    ),
    "visitors": ("pardot_visitor", _CAMPAIGN),
    "visits": ("pardot_visit", {}),
    "visitor-page-views": ("pardot_page_view", _CAMPAIGN),
    "visitor-activities": (
        "pardot_visitor_activity",
        {
            **_CAMPAIGN,
            "formName": ("formId", "forms", "name"),
            "formHandlerName": ("formHandlerId", "form-handlers", "name"),
            "landingPageName": ("landingPageId", "landing-pages", "name"),
            "fileName": ("fileId", "files", "name"),
            "customRedirectName": ("customRedirectId", "custom-redirects", "name"),
            "customRedirectDestinationUrl": ("customRedirectId", "custom-redirects", "destinationUrl"),
            "emailTemplateName": ("emailTemplateId", "email-templates", "name"),
            "listEmailName": ("listEmailId", "list-emails", "name"),
            "listEmailSubject": ("listEmailId", "list-emails", "subject"),
        },
    ),
    "list-memberships": (
        "pardot_list_membership",
        {"listName": ("listId", "lists", "name"), "listTitle": ("listId", "lists", "title")},
    ),
    "emails": (
        "pardot_email",
        {
            **_CAMPAIGN,
            "listEmailName": ("listEmailId", "list-emails", "name"),
            "emailTemplateName": ("emailTemplateId", "email-templates", "name"),
        },
    ),
    "lifecycle-histories": (
        "pardot_lifecycle_history",
        {
            "previousStageName": ("previousStageId", "lifecycle-stages", "name"),
            "nextStageName": ("nextStageId", "lifecycle-stages", "name"),
        },
    ),
    "tagged-objects": ("pardot_tag", {"tagName": ("tagId", "tags", "name")}),
    "opportunities": ("pardot_opportunity", _CAMPAIGN),
    "external-activities": ("pardot_external_activity", {}),
}


def truth(population: Population, today: str) -> list[Truth]:
    """One entry per record about a person."""
    book = seed(population, today)
    linked = {name: book.of(name) for _, links in _DATASETS.values() for _, name, _ in links.values()}
    return [_truth(entry, linked) for entry in book.entries if entry.person]


def _truth(entry: Entry, linked: dict[str, dict[int, dict[str, Any]]]) -> Truth:
    dataset, links = _DATASETS[entry.collection]
    document = entry.document
    names = [n for n in BY_NAME[entry.collection].fields if n not in _EMPLOYEES]
    if entry.collection == "emails" and document["listEmailId"] is not None:
        names = [n for n in names if not n.endswith("Message")]
    fields = {name: document.get(name) for name in names}
    for shown, (id_field, collection, name) in links.items():
        key = document.get(id_field)
        fields[shown] = None if key is None else linked[collection][key].get(name)
    custom = {k: v for k, v in document.items() if k.endswith("__c") and k != "language__c"}
    if "language__c" in document:
        fields["language__c"] = document["language__c"]
    if custom:
        fields["unmapped"] = custom
    return Truth(entry.person, dataset, str(document["id"]), fields, entry.expected)

"""The truth about the org: each record as a package must show it, from the same plan that seeds the org."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sandbox.people import Population, Truth
from sandbox.salesforce.catalogue import CATALOGUE
from sandbox.salesforce.org import Record, records_of

DATASETS = {
    "Account": "salesforce_account", "Attachment": "salesforce_attachment", "CampaignMember":
    "salesforce_campaign_member", "Case": "salesforce_case", "CaseComment": "salesforce_case_comment",
    "Certificate__c": "salesforce_other", "Contact": "salesforce_contact", "ContactHistory":
    "salesforce_contact_history", "ContactPointConsent": "salesforce_contact_point_consent", "ContactPointEmail":
    "salesforce_contact_point_email", "ContactPointTypeConsent": "salesforce_consent", "ContentVersion":
    "salesforce_file", "DuplicateRecordItem": "salesforce_duplicate", "EmailMessage": "salesforce_email", "Event":
    "salesforce_event", "Individual": "salesforce_individual", "Lead": "salesforce_lead", "LeadHistory":
    "salesforce_lead_history", "Note": "salesforce_other", "Opportunity": "salesforce_opportunity",
    "OpportunityContactRole": "salesforce_opportunity_role", "Order": "salesforce_order", "Quote": "salesforce_quote",
    "Task": "salesforce_task",
}  # fmt: skip
"""sObject → dataset. What is missing here only links records (relations, campaigns, files' links)."""


def truths(population: Population, today: str) -> list[Truth]:
    """All truths, record by record."""
    return [t for r in records_of(population, today) if r.object in DATASETS for t in _of(r)]


def _of(record: Record) -> Iterator[Truth]:
    dataset, full = DATASETS[record.object], _shown(record)
    for person, changes in record.about.items():
        if record.expected != "package":
            yield Truth(person, dataset, record.id, full, record.expected)
            continue
        fields = {k: v for k, v in {**full, **changes}.items() if v is not None}
        yield Truth(person, dataset, record.id, fields)
        hidden = {k: full[k] for k in changes if full.get(k) is not None}
        if hidden:
            yield Truth(person, dataset, record.id, hidden, "withheld")


def _shown(record: Record) -> dict[str, Any]:
    """The record's fields without its id (which stands beside), the staff's ids, and file bytes."""
    stored, shown = record.stored(), {}
    for field in CATALOGUE[record.object].fields:
        value = stored.get(field.name)
        if field.kind == "boolean":
            value = bool(value)
        if field.kind in ("id", "base64", "address") or set(field.references) & {"User", "Group"}:
            continue
        if value is not None:
            shown[field.name] = _moment(value) if field.kind == "datetime" else value
    return {**shown, **record.extra}


def _moment(text: str) -> str:
    """RFC 3339: the vendor's `+0000` with a colon."""
    return datetime.fromisoformat(text).isoformat(timespec="milliseconds")

"""What becomes of the records that refer to one that is deleted: the flags of `childRelationships` and their effect.

cascade    the child goes into the recycle bin with its parent (master-detail, and what the vendor made so)
activity   likewise, unless the task or event has another person: then that one becomes its first
restrict   the child forbids the deletion
keep       the child stays as it is
clear      any other look-up: the field becomes empty
"""

from functools import cache
from typing import Literal

from sandbox.salesforce.catalogue import CATALOGUE
from sandbox.salesforce.objects import ObjectType
from sandbox.salesforce.settings import Settings

Rule = Literal["cascade", "activity", "restrict", "keep", "clear"]

_CASCADE = frozenset({
    "Attachment.ParentId", "CampaignMember.CampaignId", "CampaignMember.ContactId", "CampaignMember.LeadId",
    "CaseComment.ParentId", "Contact.AccountId", "ContactPointConsent.ContactPointId", "ContactPointEmail.ParentId",
    "ContactPointTypeConsent.PartyId", "ContentDocumentLink.ContentDocumentId", "ContentDocumentLink.LinkedEntityId",
    "ContentVersion.ContentDocumentId", "DuplicateRecordItem.RecordId", "EmailMessage.ParentId",
    "EmailMessageRelation.EmailMessageId", "EmailMessageRelation.RelationId", "Event.WhatId", "EventRelation.EventId",
    "EventRelation.RelationId", "Note.ParentId", "Opportunity.AccountId", "OpportunityContactRole.ContactId",
    "OpportunityContactRole.OpportunityId", "Quote.OpportunityId", "Task.WhatId", "TaskRelation.RelationId",
    "TaskRelation.TaskId",
})  # fmt: skip
_RESTRICT = frozenset({"Case.ContactId", "Case.AccountId", "Order.AccountId"})
_HISTORY = frozenset({"ContactHistory.ContactId", "LeadHistory.LeadId"})
_KEEP = frozenset({"CampaignMember.LeadOrContactId"})
NUMBERS = {"Case": "CaseNumber", "Order": "OrderNumber", "Quote": "QuoteNumber"}
"""The field by which the vendor's message names what forbids a deletion; Name for other objects."""


@cache
def references_to(name: str) -> tuple[tuple[ObjectType, str], ...]:
    """Object and field of everything that can refer to records of an object."""
    return tuple((child, f.name) for child in CATALOGUE.values() for f in child.fields if name in f.references)


def rule(child: str, field: str, settings: Settings) -> Rule:
    """What becomes of a child when the record in that field is deleted."""
    name = f"{child}.{field}"
    if name in _RESTRICT or name in settings.restricted:
        return "restrict"
    if name in ("Task.WhoId", "Event.WhoId"):
        return "activity"
    if name in _CASCADE or (name in _HISTORY and settings.history_cascades):
        return "cascade"
    return "keep" if name in _KEEP or name in _HISTORY or field == "MasterRecordId" else "clear"


def described(kind: ObjectType, settings: Settings) -> list[dict[str, object]]:
    """`childRelationships` of an object, as describe shows them."""
    shown: list[dict[str, object]] = []
    for child, field in references_to(kind.name):
        if child.name not in settings.hidden_objects:
            effect = rule(child.name, field, settings)
            shown.append({
                "childSObject": child.name, "field": field, "cascadeDelete": effect in ("cascade", "activity"),
                "restrictedDelete": effect == "restrict", "deprecatedAndHidden": False,
                "relationshipName": f"{child.name}s", "junctionIdListNames": [], "junctionReferenceTo": [],
            })  # fmt: skip
    return shown

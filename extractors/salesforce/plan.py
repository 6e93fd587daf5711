"""What is read in which order: 25 queries, five a call, in three levels, each by ids that the level before gave.

A key set (`by`) is a kind of id → the requests that it belongs to:

    contact lead individual account   the persons' own records; account = person accounts only
    person                            contact and lead
    party                             individual and account
    anyone                            person and party
    address                           e-mail addresses, normal form
    case task event message point     records of the persons
    entity                            whatever a file may hang on
    document                          documents linked to an entity
"""

from dataclasses import dataclass, replace
from typing import Final

from extractors.salesforce.layout import Layout


@dataclass(frozen=True)
class Step:
    """One query. `dataset` "" = only links. `keys`: (field, key set). `teaches`: (key set, field).

    nested   relationship → (object, dataset): parents read in the same query
    beside   relationship (and object) → its fields that are shown as an object in the record
    holder   other records and files hang on these, see `Reading`"""

    object: str
    dataset: str
    keys: tuple[tuple[str, str], ...]
    teaches: tuple[tuple[str, str], ...] = ()
    nested: tuple[tuple[str, str, str], ...] = ()
    beside: tuple[tuple[str, tuple[str, ...]], ...] = ()
    holder: bool = False


OTHER: Final = "salesforce_other"
_INDIVIDUAL: Final = ("Individual", "Individual", "salesforce_individual")
_ENTITY: Final = (("entity", "Id"),)

_BY_PERSON: Final = (
    Step("Contact", "salesforce_contact", (("Id", "contact"),),
         nested=(("Account", "Account", "salesforce_account"), _INDIVIDUAL)),
    Step("Lead", "salesforce_lead", (("Id", "lead"),), nested=(_INDIVIDUAL,)),
    Step("ContactPointEmail", "salesforce_contact_point_email", (("ParentId", "party"), ("Id", "point")),
         (("point", "Id"),)),
    Step("ContactPointTypeConsent", "salesforce_consent", (("PartyId", "party"),)),
    Step("CampaignMember", "salesforce_campaign_member", (("ContactId", "contact"), ("LeadId", "lead")),
         beside=(("Campaign", ("Name", "Type", "Status", "StartDate", "EndDate")),)),
    Step("OpportunityContactRole", "salesforce_opportunity_role", (("ContactId", "contact"),),
         nested=(("Opportunity", "Opportunity", "salesforce_opportunity"),)),
    Step("Order", "salesforce_order", (("BillToContactId", "contact"), ("ShipToContactId", "contact"),
                                       ("CustomerAuthorizedById", "contact")), _ENTITY, holder=True),
    Step("Case", "salesforce_case", (("ContactId", "contact"), ("Id", "case")), (("case", "Id"), *_ENTITY),
         holder=True),
    Step("TaskRelation", "", (("RelationId", "person"),), (("task", "TaskId"), ("entity", "TaskId"))),
    Step("EventRelation", "", (("RelationId", "person"),), (("event", "EventId"), ("entity", "EventId"))),
    Step("EmailMessageRelation", "", (("RelationId", "person"), ("RelationAddress", "address")),
         (("message", "EmailMessageId"), ("entity", "EmailMessageId"))),
    Step("ContactHistory", "salesforce_contact_history", (("ContactId", "contact"),)),
    Step("LeadHistory", "salesforce_lead_history", (("LeadId", "lead"),)),
    Step("Quote", "salesforce_quote", (("ContactId", "contact"),), _ENTITY, holder=True),
)  # fmt: skip
_TASK: Final = Step("Task", "salesforce_task", (("Id", "task"), ("WhoId", "person")), _ENTITY, holder=True)
_EVENT: Final = Step("Event", "salesforce_event", (("Id", "event"), ("WhoId", "person")), _ENTITY, holder=True)
_BY_CHILD: Final = (
    Step("ContentDocumentLink", "", (("LinkedEntityId", "entity"),), (("document", "ContentDocumentId"),)),
    _TASK,
    _EVENT,
    Step("EmailMessage", "salesforce_email", (("Id", "message"), ("ParentId", "case"))),
    Step("CaseComment", "salesforce_case_comment", (("ParentId", "case"),)),
)
_BY_LINK: Final = (
    Step("ContentVersion", "salesforce_file", (("ContentDocumentId", "document"),)),
    Step("Attachment", "salesforce_attachment", (("ParentId", "entity"),)),
    Step("ContactPointConsent", "salesforce_contact_point_consent", (("ContactPointId", "point"),)),
    Step("DuplicateRecordItem", "salesforce_duplicate", (("RecordId", "person"), ("RecordId", "account"))),
)  # fmt: skip
_STEPS: Final = (*_BY_PERSON, *_BY_CHILD, *_BY_LINK)
OBJECTS: Final = {
    **{s.dataset: s.object for s in _STEPS if s.dataset},
    **{dataset: name for s in _STEPS for _, name, dataset in s.nested},
}
"""Dataset → the object whose records it holds; `OTHER` holds those of several."""
BINARIES: Final = {"ContentVersion": "VersionData", "Attachment": "Body"}
"""Object → its field that holds a file's bytes."""
SIZES: Final = {"ContentVersion": "ContentSize", "Attachment": "BodyLength"}
"""Object → its field that says how many these are."""
_UNDESCRIBED: Final = {
    "EmailMessageRelation": ("EmailMessage", ("Id", "EmailMessageId", "RelationId", "RelationAddress")),
    "ContentDocumentLink": ("ContentVersion", ("Id", "ContentDocumentId", "LinkedEntityId")),
}
"""Link objects with a fixed shape → the object that comes with them, and their fields."""


def levels(layout: Layout) -> list[list[Step]]:
    """The steps for this org: what it doesn't have falls away, its own objects and lookups are added."""
    first, second, third = list(_BY_PERSON), list(_BY_CHILD), list(_BY_LINK)
    # Without Shared Activities nothing but WhoId leads to an activity, and files need its id a level earlier.
    for step, relation in ((_TASK, "TaskRelation"), (_EVENT, "EventRelation")):
        if not layout.has(relation):
            second.remove(step)
            first.append(replace(step, keys=step.keys[1:]))
    known = {s.object for s in (*first, *second, *third)}
    extra = [Step(name, _dataset(name), _lookups(layout, name)) for name in layout.lookups if name not in known]
    # Calls are cut after five queries: the first level's last call has room for one more, the last level's for one.
    room = -len([s for s in first if _there(layout, s)]) % 5
    first, third = first + extra[:room], third + extra[room:]
    return [[_with_lookups(layout, s) for s in level if _there(layout, s)] for level in (first, second, third)]


def fields(layout: Layout, step: Step) -> list[str]:
    """What the step selects."""
    if step.object in _UNDESCRIBED:
        return list(_UNDESCRIBED[step.object][1])
    names = layout.fields(step.object)
    related = [(r, f) for r, parent, _ in step.nested for f in layout.fields(parent)]
    related += [(r, f) for r, parts in step.beside for f in parts if layout.kind(r, f)]
    return names + [f"{r}.{f}" for r, f in related if layout.kind(step.object, f"{r}Id")]


def _there(layout: Layout, step: Step) -> bool:
    return layout.has(_UNDESCRIBED[step.object][0] if step.object in _UNDESCRIBED else step.object)


def _dataset(name: str) -> str:
    """An object that the plan only reads as somebody's parent keeps its dataset."""
    return {parent: dataset for s in _BY_PERSON for _, parent, dataset in s.nested}.get(name, OTHER)


def _lookups(layout: Layout, name: str) -> tuple[tuple[str, str], ...]:
    return tuple((field, "anyone") for field in layout.lookups.get(name, ()))


def _with_lookups(layout: Layout, step: Step) -> Step:
    """With the org's own lookups to a person, and without key fields that the user can't see."""
    if step.object in _UNDESCRIBED:
        return step
    keys = dict.fromkeys((*step.keys, *_lookups(layout, step.object)))
    return replace(step, keys=tuple(k for k in keys if layout.kind(step.object, k[0])))


def datasets() -> list[tuple[str, str]]:
    """Object and dataset of everything that is read into a dataset of its own."""
    own = [(step.object, step.dataset) for step in _STEPS if step.dataset]
    nested = [(name, dataset) for step in _STEPS for _, name, dataset in step.nested if dataset]
    return list(dict.fromkeys([*own, *nested]))

"""Which fields are asked for, per dataset. The vendor has no describe: this is API v5's object reference as data.

A path with a dot reads a linked record at no extra call, `campaign.name` becomes the field `campaignName`. Ids of
the controller's own users (created by, assigned to, owner) are never asked for: they identify employees. Custom
fields are not here, they are read from `/objects/custom-fields`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Listing:
    """One object of the API. `binned`: it has a recycle bin, so `deleted=all` is asked for."""

    path: str
    fields: tuple[str, ...]
    binned: bool = False


def _listing(path: str, fields: str, *, binned: bool = False) -> Listing:
    return Listing(path, tuple(fields.split()), binned)


_UTM = "sourceParameter campaignParameter mediumParameter contentParameter termParameter"

PROSPECT = _listing(
    "objects/prospects",
    f"""id email salutation firstName lastName jobTitle department company website industry employees annualRevenue
    yearsInBusiness phone fax addressOne addressTwo city state zip country territory comments notes optedOut isDeleted
    isDoNotCall isDoNotEmail isEmailHardBounced emailBouncedAt emailBouncedReason isReviewed isStarred doNotSell
    prospectAccountId campaignId campaign.name profileId profile.name lifecycleStageId lifecycleStage.name score grade
    source {_UTM} firstActivityAt lastActivityAt recentInteraction firstAssignedAt firstReferrerQuery
    firstReferrerType firstReferrerUrl convertedAt convertedFromObjectName convertedFromObjectType salesforceId
    salesforceContactId salesforceLeadId salesforceAccountId salesforceCampaignId salesforceUrl salesforceLastSync
    createdAt updatedAt""",
    binned=True,
)
FOUND = _listing(
    "objects/prospects",
    "id email firstName lastName phone salesforceId salesforceContactId salesforceLeadId",
    binned=True,
)
"""What `find` needs of a prospect to tell whose it is."""
CUSTOM_VALUES = _listing("objects/prospects", "id", binned=True)
"""A prospect of which only custom fields are wanted."""

CUSTOM_FIELD = _listing("objects/custom-fields", "id fieldId type isRecordMultipleResponses")
MULTI_VALUE_TYPES = ("Checkbox", "Multi-Select")

ACTIVITY = _listing(
    "objects/visitor-activities",
    """id prospectId visitorId visitId type typeName details campaignId campaign.name emailId listEmailId listEmail.name
    listEmail.subject emailTemplateId emailTemplate.name formId form.name formHandlerId formHandler.name landingPageId
    landingPage.name fileId file.name customRedirectId customRedirect.name customRedirect.destinationUrl
    multivariateTestVariationId opportunityId paidSearchAdId siteSearchQueryId visitorPageViewId createdAt updatedAt""",
)
VISIT = _listing(
    "objects/visits",
    f"""id prospectId visitorId visitorPageViewCount firstVisitorPageViewAt lastVisitorPageViewAt durationInSeconds
    {_UTM} createdAt updatedAt""",
)
VISITOR = _listing(
    "objects/visitors",
    f"""id prospectId ipAddress hostname pageViewCount isIdentified doNotSell campaignId campaign.name {_UTM}
    createdAt updatedAt""",
    binned=True,
)
PAGE_VIEW = _listing(
    "objects/visitor-page-views",
    "id visitorId visitId url title durationInSeconds campaignId campaign.name salesforceId createdAt",
)
LIST_MEMBERSHIP = _listing(
    "objects/list-memberships",
    "id prospectId listId list.name list.title optedOut isDeleted createdAt updatedAt",
    binned=True,
)
EMAIL = _listing(
    "objects/emails",
    """id prospectId name subject type sentAt clientType isOperational campaignId campaign.name listId listEmailId
    listEmail.name emailTemplateId emailTemplate.name folderId trackerDomainId""",
)
EMAIL_TEXT = _listing("objects/emails", "id textMessage htmlMessage")
"""By id only."""
TAG = _listing("objects/tagged-objects", "id tagId tag.name objectType objectId objectName createdAt")
LIFECYCLE = _listing(
    "objects/lifecycle-histories",
    "id prospectId previousStageId previousStage.name nextStageId nextStage.name secondsElapsed createdAt",
)
OPPORTUNITY = _listing(
    "objects/opportunities",
    """id name campaignId campaign.name closedAt value probability stage status type salesforceId isDeleted createdAt
    updatedAt""",
    binned=True,
)
EXTERNAL_ACTIVITY = _listing("external-activities", "id extension type email value activityDate createdAt")


def flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with what it links to on one level: `{"campaign": {"name": "x"}}` becomes `{"campaignName": "x"}`.
    Nulls are left out, lists stay."""
    result: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            result |= {f"{name}{k[:1].upper()}{k[1:]}": v for k, v in flat(value).items()}
        elif value is not None:
            result[name] = value
    return result

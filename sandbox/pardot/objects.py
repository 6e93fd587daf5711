"""The objects of API v5: which fields they have, what they link to, by which fields they may be filtered and sorted.

Field names are those of the vendor's object reference. A relation `campaign` resolves `campaignId` to an object of
`campaigns`, so that `fields=campaign.name` costs no call of its own.
"""

from dataclasses import dataclass, field

MULTI_VALUE_TYPES = ("Checkbox", "Multi-Select")
"""Types of custom fields that hold several values; so does any with `isRecordMultipleResponses`."""


@dataclass(frozen=True)
class ApiObject:
    """One object. `path` is below /api/v5. `filters` and `sortable` name fields; an id can always be both.

    recyclable   has a recycle bin, so takes `deleted=`
    by_id_only   fields that a read gives and a query refuses
    writable     fields that PATCH and POST take
    required     fields that POST needs; () = nothing can be created here
    fixed        writable fields that PATCH refuses
    deletable    whether DELETE takes it
    """

    path: str
    fields: tuple[str, ...]
    relations: dict[str, tuple[str, str]] = field(default_factory=dict)
    filters: tuple[str, ...] = ()
    sortable: tuple[str, ...] = ("createdAt", "updatedAt")
    recyclable: bool = False
    by_id_only: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    deletable: bool = False

    @property
    def collection(self) -> str:
        """Name of the object in relations and of its collection: the last part of the path."""
        return self.path.rpartition("/")[2]


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_UTM = "campaignParameter mediumParameter sourceParameter contentParameter termParameter"
_CAMPAIGN = ("campaignId", "campaigns")
_PROSPECT = ("prospectId", "prospects")
_TIMES = ("createdAt", "updatedAt")
_WRITABLE = _names(
    "email firstName lastName salutation jobTitle phone fax addressOne addressTwo city state zip country company "
    "annualRevenue website industry department yearsInBusiness employees score territory comments notes "
    "isDoNotEmail isDoNotCall isReviewed isStarred doNotSell source campaignId profileId"
)

_PROSPECTS = ApiObject(
    "objects/prospects",
    _WRITABLE
    + _names(f"""id optedOut isDeleted isEmailHardBounced prospectAccountId lifecycleStageId userId lastActivityAt
        recentInteraction emailBouncedAt emailBouncedReason {_UTM} firstActivityAt firstAssignedAt firstReferrerQuery
        firstReferrerType firstReferrerUrl salesforceId salesforceContactId salesforceLeadId salesforceAccountId
        salesforceCampaignId salesforceOwnerId salesforceUrl salesforceLastSync assignedToId convertedAt
        convertedFromObjectName convertedFromObjectType grade createdAt updatedAt createdById updatedById"""),
    {
        "campaign": _CAMPAIGN,
        "profile": ("profileId", "profiles"),
        "lifecycleStage": ("lifecycleStageId", "lifecycle-stages"),
    },
    ("email", "salesforceId", "lastActivityAt", *_TIMES),
    ("lastActivityAt", *_TIMES),
    recyclable=True,
    writable=_WRITABLE,
    required=("email",),
    deletable=True,
)

_LINKED = {
    "campaign": _CAMPAIGN,
    "prospect": _PROSPECT,
    "form": ("formId", "forms"),
    "formHandler": ("formHandlerId", "form-handlers"),
    "landingPage": ("landingPageId", "landing-pages"),
    "file": ("fileId", "files"),
    "customRedirect": ("customRedirectId", "custom-redirects"),
    "emailTemplate": ("emailTemplateId", "email-templates"),
    "listEmail": ("listEmailId", "list-emails"),
    "opportunity": ("opportunityId", "opportunities"),
    "visitorPageView": ("visitorPageViewId", "visitor-page-views"),
}


def _asset(name: str, *more: str) -> ApiObject:
    """A marketing asset: only as much of it as an activity links to."""
    return ApiObject(f"objects/{name}", ("id", "name", "isDeleted", *_TIMES, *more), recyclable=True)


_ALL = (
    _PROSPECTS,
    ApiObject(
        "objects/visitor-activities",
        _names("""id visitId prospectId visitorId emailId type typeName details campaignId customRedirectId
            emailTemplateId fileId formHandlerId formId landingPageId listEmailId multivariateTestVariationId
            opportunityId paidSearchAdId siteSearchQueryId visitorPageViewId createdAt updatedAt"""),
        _LINKED,
        ("prospectId", "visitorId", "type", "emailId", "listEmailId", "formId", "campaignId", *_TIMES),
    ),
    ApiObject(
        "objects/visits",
        _names(f"""id visitorId prospectId visitorPageViewCount firstVisitorPageViewAt lastVisitorPageViewAt
            durationInSeconds {_UTM} createdAt updatedAt"""),
        {"prospect": _PROSPECT, "visitor": ("visitorId", "visitors")},
        ("prospectId", "visitorId", *_TIMES),
        ("prospectId", *_TIMES),
    ),
    ApiObject(
        "objects/visitors",
        _names(f"""id prospectId pageViewCount isIdentified doNotSell hostname ipAddress campaignId {_UTM}
            createdAt updatedAt"""),
        {"prospect": _PROSPECT, "campaign": _CAMPAIGN},
        ("prospectId", "isIdentified", *_TIMES),
        recyclable=True,
    ),
    ApiObject(
        "objects/visitor-page-views",
        _names("id url title visitorId campaignId visitId durationInSeconds salesforceId createdAt"),
        {"campaign": _CAMPAIGN, "visit": ("visitId", "visits")},
        ("visitorId", "visitId", "createdAt"),
        ("createdAt",),
    ),
    ApiObject(
        "objects/list-memberships",
        _names("id listId prospectId optedOut isDeleted createdAt updatedAt createdById updatedById"),
        {"prospect": _PROSPECT, "list": ("listId", "lists")},
        ("prospectId", "listId", *_TIMES),
        recyclable=True,
        writable=("listId", "prospectId", "optedOut"),
        required=("listId", "prospectId"),
        fixed=("listId", "prospectId"),
        deletable=True,
    ),
    ApiObject(
        "objects/lists",
        _names("""id name title description isPublic folderId campaignId isDeleted isDynamic createdAt updatedAt
            createdById updatedById"""),
        {"campaign": _CAMPAIGN},
        ("name", *_TIMES),
        recyclable=True,
    ),
    ApiObject(
        "objects/emails",
        _names("""id name type sentAt subject clientType isOperational campaignId prospectId folderId listId listEmailId
            emailTemplateId trackerDomainId textMessage htmlMessage createdById"""),
        {
            "campaign": _CAMPAIGN,
            "prospect": _PROSPECT,
            "listEmail": _LINKED["listEmail"],
            "emailTemplate": _LINKED["emailTemplate"],
        },
        ("prospectId", "listEmailId", "sentAt"),
        ("sentAt",),
        by_id_only=("textMessage", "htmlMessage"),
    ),
    ApiObject(
        "objects/lifecycle-histories",
        _names("id prospectId previousStageId nextStageId secondsElapsed createdAt"),
        {
            "prospect": _PROSPECT,
            "previousStage": ("previousStageId", "lifecycle-stages"),
            "nextStage": ("nextStageId", "lifecycle-stages"),
        },
        ("createdAt",),
        ("createdAt",),
    ),
    ApiObject(
        "objects/lifecycle-stages",
        _names("id name position matchType isLocked isDeleted createdAt updatedAt"),
        filters=_TIMES,
        recyclable=True,
    ),
    ApiObject(
        "objects/custom-fields",
        _names("""id name fieldId type isRecordMultipleResponses isRequired isUseValues isAnalyticsSynced salesforceId
            createdAt updatedAt createdById updatedById"""),
        filters=_TIMES,
    ),
    ApiObject(
        "objects/tags",
        _names("id name objectCount createdById updatedById createdAt updatedAt"),
        filters=("name", *_TIMES),
        deletable=True,
    ),
    ApiObject(
        "objects/tagged-objects",
        _names("id tagId objectType objectId objectName createdAt createdById"),
        {"tag": ("tagId", "tags")},
        ("tagId", "objectType", "objectId", "createdAt"),
        ("createdAt",),
    ),
    ApiObject(
        "objects/opportunities",
        _names("""id name campaignId closedAt value probability stage status type salesforceId isDeleted createdAt
            updatedAt createdById updatedById"""),
        {"campaign": _CAMPAIGN},
        ("name", "closedAt", *_TIMES),
        recyclable=True,
    ),
    # The one object that the vendor keeps outside of /objects; no filter by person is documented.
    ApiObject(
        "external-activities",
        _names("id extension type email value activityDate createdAt"),
        filters=("activityDate", "createdAt"),
        sortable=("activityDate", "createdAt"),
    ),
    _asset("campaigns", "cost", "salesforceId"),
    _asset("profiles"),
    _asset("forms"),
    _asset("form-handlers"),
    _asset("landing-pages", "url"),
    _asset("files", "url"),
    _asset("custom-redirects", "destinationUrl"),
    _asset("email-templates", "subject"),
    _asset("list-emails", "subject", "sentAt"),
)

OBJECTS = {o.path: o for o in _ALL}
"""By path below /api/v5."""
BY_NAME = {o.collection: o for o in _ALL}
"""By the name that relations use."""

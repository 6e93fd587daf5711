"""The objects of the sandbox's org, as an org with Sales, Service, Orders, Quotes, Individuals and consent has them.

Field names and types are those of the vendor's object reference; `…__c` are this org's own.
"""

from sandbox.salesforce.objects import ObjectType, parse_fields

_DELETED = "Id:id~ IsDeleted:boolean~ "
_CREATED = " CreatedDate:datetime~ CreatedById>User~"
_SYSTEM = _CREATED + " LastModifiedDate:datetime~ LastModifiedById>User~ SystemModstamp:datetime~"


def _address(prefix: str) -> str:
    parts = f"{prefix}Street:textarea {prefix}City {prefix}State {prefix}PostalCode {prefix}Country "
    return parts + f"{prefix}Address:address "


_PEOPLE = {
    "Contact": ("003", "MasterRecordId>Contact~ AccountId>Account LastName! FirstName Salutation:picklist Name~ "
        + _address("Mailing") + _address("Other") + "Phone:phone Fax:phone MobilePhone:phone HomePhone:phone "
        "OtherPhone:phone AssistantPhone:phone AssistantName ReportsToId>Contact Email:email Title Department "
        "LeadSource:picklist Birthdate:date Description:longtext OwnerId>User HasOptedOutOfEmail:boolean "
        "HasOptedOutOfFax:boolean DoNotCall:boolean LastActivityDate:date~ EmailBouncedReason "
        "EmailBouncedDate:datetime PhotoUrl:url~ IndividualId>Individual IsPersonAccount:boolean~ "
        "Invoice_Email__c:email Interests__c:multipicklist Shoe_Size__c:double Notes__c:longtext Badge__c"),
    "Lead": ("00Q", "MasterRecordId>Lead~ LastName! FirstName Salutation:picklist Name~ Title Company! "
        + _address("") + "Phone:phone MobilePhone:phone Fax:phone "
        "Email:email Website:url Description:longtext LeadSource:picklist Status:picklist Industry:picklist "
        "Rating:picklist NumberOfEmployees:int OwnerId>Group|User HasOptedOutOfEmail:boolean "
        "HasOptedOutOfFax:boolean DoNotCall:boolean IsConverted:boolean ConvertedDate:date "
        "ConvertedAccountId>Account ConvertedContactId>Contact ConvertedOpportunityId>Opportunity "
        "LastActivityDate:date~ IndividualId>Individual Campaign_Note__c:longtext"),
    "Account": ("001", "MasterRecordId>Account~ Name! Type:picklist ParentId>Account " + _address("Billing")
        + _address("Shipping") + "Phone:phone Fax:phone AccountNumber Website:url Industry:picklist "
        "AnnualRevenue:currency NumberOfEmployees:int Description:longtext OwnerId>User IsPersonAccount:boolean~ "
        "PersonContactId>Contact~ PersonEmail:email PersonMobilePhone:phone PersonHomePhone:phone PersonTitle "
        "PersonBirthdate:date " + _address("PersonMailing") + "PersonHasOptedOutOfEmail:boolean "
        "PersonDoNotCall:boolean PersonIndividualId>Individual Organisation_Number__c"),
    "Individual": ("0PK", "LastName! FirstName Salutation:picklist Name~ BirthDate:date OwnerId>User "
        "HasOptedOutTracking:boolean HasOptedOutProfiling:boolean HasOptedOutProcessing:boolean "
        "HasOptedOutSolicit:boolean HasOptedOutGeoTracking:boolean CanStorePiiElsewhere:boolean "
        "ShouldForget:boolean SendIndividualData:boolean IndividualsAge:picklist MilitaryService:picklist "
        "Occupation Website:url"),
    "ContactPointEmail": ("9Vl", "Name~ ParentId>Account|Individual EmailAddress:email! EmailMailBox EmailDomain "
        "UsageType:picklist ActiveFromDate:date ActiveToDate:date IsPrimary:boolean IsActive:boolean "
        "PreferenceRank:int OwnerId>Group|User"),
    "ContactPointTypeConsent": ("0YC", "Name! PartyId>Account|Individual! ContactPointType:picklist! "
        "DataUsePurposeId>DataUsePurpose PrivacyConsentStatus:picklist CaptureDate:datetime CaptureSource "
        "CaptureContactPointType:picklist EffectiveFrom:datetime EffectiveTo:datetime "
        "DoubleConsentCaptureDate:datetime OwnerId>Group|User"),
    "ContactPointConsent": ("0ZX", "Name! ContactPointId>ContactPointEmail! DataUsePurposeId>DataUsePurpose "
        "PrivacyConsentStatus:picklist CaptureDate:datetime CaptureSource CaptureContactPointType:picklist "
        "EffectiveFrom:datetime EffectiveTo:datetime OwnerId>Group|User"),
}  # fmt: skip

_SALES = {
    "CampaignMember": ("00v", "CampaignId>Campaign! LeadId>Lead ContactId>Contact Status:picklist "
        "HasResponded:boolean FirstRespondedDate:date LeadOrContactId>Contact|Lead~ Type~ Name~ FirstName~ LastName~ "
        "Salutation:picklist~ Title~ Email:email~ Phone:phone~ MobilePhone:phone~ Street:textarea~ City~ "
        "PostalCode~ Country~ CompanyOrAccount~ LeadSource:picklist~ HasOptedOutOfEmail:boolean~ DoNotCall:boolean~ "
        "Description:longtext~"),
    "Campaign": ("701", "Name! Type:picklist Status:picklist StartDate:date EndDate:date"),
    "OpportunityContactRole": ("00K", "OpportunityId>Opportunity! ContactId>Contact! Role:picklist "
        "IsPrimary:boolean"),
    "Opportunity": ("006", "AccountId>Account Name! Description:longtext StageName:picklist! Amount:currency "
        "Probability:percent CloseDate:date! Type:picklist NextStep LeadSource:picklist IsClosed:boolean~ "
        "IsWon:boolean~ CampaignId>Campaign OwnerId>User ContactId>Contact"),
    "Quote": ("0Q0", "QuoteNumber~ Name! OpportunityId>Opportunity! AccountId>Account~ ContactId>Contact "
        "Status:picklist ExpirationDate:date Description:longtext Email:email Phone:phone Fax:phone "
        "BillingName " + _address("Billing") + "ShippingName " + _address("Shipping") + "QuoteToName "
        "GrandTotal:currency~ TotalPrice:currency~ OwnerId>Group|User"),
    "Order": ("801", "OrderNumber~ Name AccountId>Account OpportunityId>Opportunity QuoteId>Quote "
        "EffectiveDate:date! EndDate:date Status:picklist! Type:picklist Description:longtext PoNumber PoDate:date "
        "CustomerAuthorizedById>Contact BillToContactId>Contact ShipToContactId>Contact " + _address("Billing")
        + _address("Shipping") + "TotalAmount:currency~ OrderReferenceNumber OwnerId>Group|User"),
    "DuplicateRecordItem": ("0GL", "Name~ DuplicateRecordSetId>DuplicateRecordSet! "
        "RecordId>Account|Contact|Lead!"),
    "Certificate__c": ("a00", "Name Contact__c>Contact Level__c:picklist Issued__c:date Remark__c:longtext "
        "OwnerId>Group|User"),
}  # fmt: skip

_INTERACTIONS = {
    "Case": ("500", "CaseNumber~ ContactId>Contact AccountId>Account ParentId>Case SuppliedName SuppliedEmail:email "
        "SuppliedPhone SuppliedCompany Type:picklist Status:picklist Reason:picklist Origin:picklist Subject "
        "Priority:picklist Description:longtext IsClosed:boolean~ ClosedDate:datetime~ OwnerId>Group|User "
        "ContactPhone:phone~ ContactMobile:phone~ ContactEmail:email~ ContactFax:phone~ Comments:longtext~"),
    "CaseComment": ("00a", "ParentId>Case! IsPublished:boolean CommentBody:longtext"),
    "Task": ("00T", "WhoId>Contact|Lead WhatId>Account|Opportunity|Case|Order Subject:combobox ActivityDate:date "
        "Status:picklist! Priority:picklist! OwnerId>Group|User Description:longtext Type:picklist "
        "AccountId>Account~ IsClosed:boolean~ IsArchived:boolean~ CallDurationInSeconds:int CallType:picklist "
        "CallDisposition CompletedDateTime:datetime~ TaskSubtype:picklist"),
    "Event": ("00U", "WhoId>Contact|Lead WhatId>Account|Opportunity|Case|Order Subject:combobox Location "
        "IsAllDayEvent:boolean ActivityDateTime:datetime ActivityDate:date DurationInMinutes:int "
        "StartDateTime:datetime EndDateTime:datetime Description:longtext AccountId>Account~ OwnerId>User "
        "Type:picklist IsPrivate:boolean ShowAs:picklist IsArchived:boolean~"),
    "TaskRelation": ("0RT", "RelationId>Account|Contact|Lead|Opportunity TaskId>Task IsWhat:boolean "
        "AccountId>Account"),
    "EventRelation": ("0RE", "RelationId>Account|Contact|Lead|Opportunity|User EventId>Event IsWhat:boolean "
        "IsParent:boolean IsInvitee:boolean Status:picklist RespondedDate:datetime Response AccountId>Account"),
    "EmailMessage": ("02s", "ParentId>Case ActivityId>Task TextBody:longtext HtmlBody:longtext Headers:longtext "
        "Subject FromName FromAddress:email ValidatedFromAddress:picklist ToAddress:textarea CcAddress:textarea "
        "BccAddress:textarea Incoming:boolean HasAttachment:boolean Status:picklist MessageDate:datetime "
        "RelatedToId>Account|Case|Opportunity IsClientManaged:boolean MessageIdentifier ThreadIdentifier"),
    "EmailMessageRelation": ("0Ek", "EmailMessageId>EmailMessage RelationId>Contact|Lead|User "
        "RelationType:picklist RelationAddress RelationObjectType:picklist~"),
    "ContentVersion": ("068", "ContentDocumentId>ContentDocument~ IsLatest:boolean~ VersionNumber~ Title! "
        "Description:longtext PathOnClient FileType~ FileExtension~ ContentSize:int~ VersionData:base64 Checksum~ "
        "ContentModifiedDate:datetime~ FirstPublishLocationId>Account|Case|Contact|Lead OwnerId>User "
        "ReasonForChange SharingOption:picklist Origin:picklist"),
    "ContentDocument": ("069", "Title! FileType~ FileExtension~ ContentSize:int~ ContentModifiedDate:datetime~ "
        "LatestPublishedVersionId>ContentVersion~ IsArchived:boolean Description:longtext~ OwnerId>User"),
    "Note": ("002", "ParentId>Account|Case|Contact|Lead|Opportunity! Title! IsPrivate:boolean Body:longtext "
        "OwnerId>User"),
    "Attachment": ("00P", "ParentId>Account|Case|Contact|EmailMessage|Lead|Opportunity|Task! Name! "
        "IsPrivate:boolean ContentType BodyLength:int~ Body:base64! Description OwnerId>User"),
}  # fmt: skip

_LINKS = {
    "ContentDocumentLink": ("06A", "LinkedEntityId>Account|Case|Contact|Individual|Lead|Opportunity|Order|Quote|Task "
        "ContentDocumentId>ContentDocument ShareType:picklist Visibility:picklist SystemModstamp:datetime~"),
}  # fmt: skip

_LOGS = {
    "ContactHistory": ("017", "ContactId>Contact~ Field:picklist~ DataType:picklist~ OldValue:anyType~ "
        "NewValue:anyType~" + _CREATED),
    "LeadHistory": ("017", "LeadId>Lead~ Field:picklist~ DataType:picklist~ OldValue:anyType~ NewValue:anyType~"
        + _CREATED),
}  # fmt: skip

_NOT_ALONE = ("ContentVersion",)
"""What can't be deleted by itself: a file's versions go with the file."""

CATALOGUE: dict[str, ObjectType] = {
    **{
        name: ObjectType(name, prefix, parse_fields(_DELETED + text + _SYSTEM), deletable=name not in _NOT_ALONE)
        for name, (prefix, text) in {**_PEOPLE, **_SALES, **_INTERACTIONS}.items()
    },
    **{name: ObjectType(name, prefix, parse_fields(_DELETED + text)) for name, (prefix, text) in _LINKS.items()},
    **{
        name: ObjectType(name, prefix, parse_fields(_DELETED + text), deletable=False, writable=False)
        for name, (prefix, text) in _LOGS.items()
    },
}
"""All objects by their exact name."""

"""What Account Engagement says about itself.

Writing may have a connection of its own, `dsr_pardot_write`, with the same fields: its user may edit and delete
prospects, list memberships and tags, and use table actions (bulk actions); the one for reading need not.
"""

from typing import Final

from dsr.source import Dataset, Declaration, Exclusion
from extractors.pardot import instructions

_PROCESSING: Final = "marketing"
_PROFILING: Final = "marketing_profiling"

_DATASETS: Final = (
    Dataset(
        "pardot_prospect",
        "Marketing: you as a prospect",
        "contact-identification",
        "provided",
        ("pd:Name", "pd:EmailAddressWork", "pd:TelephoneNumber", "pd:PhysicalAddress", "pd:Language", "pd:Interest"),
        _PROCESSING,
        "delete",
        rectifiable=(
            "email", "salutation", "firstName", "lastName", "jobTitle", "department", "company", "website", "industry",
            "phone", "fax", "addressOne", "addressTwo", "city", "state", "zip", "country", "language__c",
        ),
        profile={
            "email": "email", "phone": "phone", "addressOne": "address", "company": "organisation",
            "language__c": "language", "jobTitle": "title",
        },
        instructions=instructions.PROSPECT,
        unchecked=True,
    ),
    Dataset(
        "pardot_lifecycle_history",
        "Marketing: stages of the customer's journey",
        "contact-identification",
        "derived",
        ("pd:Profile",),
        _PROFILING,
        "manual",
        instructions=instructions.PROFILE,
    ),
    Dataset(
        "pardot_tag",
        "Marketing: labels given to you",
        "contact-identification",
        "derived",
        ("pd:Profile",),
        _PROFILING,
        "delete",
        instructions=instructions.TAG,
    ),
    Dataset(
        "pardot_list_membership",
        "Marketing: mailing lists",
        "contact-identification",
        "provided",
        ("pd:Interest",),
        _PROCESSING,
        "delete",
        instructions=instructions.MEMBERSHIP,
    ),
    Dataset(
        "pardot_email",
        "Marketing: e-mails sent to you",
        "interactions",
        "observed",
        ("pd:EmailContent",),
        _PROCESSING,
        "manual",
        instructions=instructions.TRACKS,
    ),
    Dataset(
        "pardot_visitor_activity",
        "Marketing: forms, downloads, e-mails opened and clicked",
        "website",
        "observed",
        ("pd:LinkClicked", "pd:BrowsingBehaviour"),
        _PROCESSING,
        "manual",
        instructions=instructions.TRACKS,
    ),
    Dataset(
        "pardot_visitor",
        "Marketing: browsers recognised as yours",
        "device",
        "observed",
        ("pd:IPAddress",),
        _PROCESSING,
        "manual",
        instructions=instructions.TRACKS,
    ),
    Dataset(
        "pardot_visit",
        "Marketing: visits to the website",
        "website",
        "observed",
        ("pd:BrowsingBehaviour",),
        _PROCESSING,
        "manual",
        instructions=instructions.TRACKS,
    ),
    Dataset(
        "pardot_page_view",
        "Marketing: pages viewed",
        "website",
        "observed",
        ("pd:BrowsingBehaviour",),
        _PROCESSING,
        "manual",
        instructions=instructions.TRACKS,
    ),
    Dataset(
        "pardot_external_activity",
        "Marketing: activities reported by other tools",
        "events-webinars",
        "observed",
        ("pd:Interest",),
        _PROCESSING,
        "manual",
        instructions=instructions.TRACKS,
    ),
    Dataset(
        "pardot_opportunity",
        "Marketing: sales opportunities connected with you",
        "purchases",
        "observed",
        ("pd:Purchase",),
        _PROCESSING,
        "manual",
        instructions=instructions.OPPORTUNITY,
    ),
)  # fmt: skip

DECLARATION: Final = Declaration(
    name="pardot",
    title="Marketing automation (Account Engagement, formerly Pardot)",
    title_sv="Marknadsföringssystemet (Account Engagement, tidigare Pardot)",
    role="processor",
    connection_type="http",
    connection_fields={
        "host": "base address, https://pi.pardot.com",
        "login": "consumer key of the external client app (scope pardot_api)",
        "password": "consumer secret",
        "extra.business_unit_id": "id of the business unit, 0Uv…, 18 characters",
        "extra.token_url": "https://<my domain>.my.salesforce.com/services/oauth2/token",
        "extra.region": "country of phone numbers without a prefix, two letters; SE when absent",
        "extra.external_activities": "false when the edition has no external activities; true when absent",
        "extra.ca": "file with the authority to trust; the public ones when absent",
    },
    datasets=_DATASETS,
    finds_by=("email", "salesforce_contact", "salesforce_lead", "pardot_prospect"),
    exclusions=(
        Exclusion(
            "Ids of our own users on your records (created by, updated by, assigned to, owner)",
            "They identify our employees and say nothing about you beyond the record itself.",
        ),
        Exclusion(
            "The text of e-mails sent to a whole list",
            "It is the same for every recipient. Subject, name and time are included; the text of e-mails written to "
            "you alone is too.",
        ),
        Exclusion(
            "Visits of browsers that were never connected with you",
            "They can't be told from anybody else's.",
        ),
    ),
    concurrency=2,
    erase_after=("salesforce",),
    calls_of_list=(20, 25),
)

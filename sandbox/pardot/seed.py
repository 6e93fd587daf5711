"""Fills the business unit: one life story per person, a long one for the canary, a short one for the crowd.

The canary has a second prospect in the recycle bin: made under the former address before that was changed, linked
to the same Salesforce contact. A delete doesn't cascade, so everything that hung on it is still there.
"""

from datetime import date
from typing import Any

from sandbox.ids import salesforce_account_id, salesforce_contact_id, salesforce_lead_id
from sandbox.pardot import assets
from sandbox.pardot.book import Book, Entry
from sandbox.pardot.tracks import browse, correspond, progress, submit
from sandbox.people import Expected, Person, Population

PAGE_VIEWS_OF_CANARY = 1203
"""More than the largest page of results."""


def seed(population: Population, today: str) -> Book:
    """All records of the business unit; the same population and date give the same ones."""
    book = Book(date.fromisoformat(today))
    book.entries.extend(Entry(collection, document) for collection, document in assets.assets())
    _canary(book, population.canary)
    for person in population.neighbours:
        _neighbour(book, person)
    for person in population.crowd:
        _one_of_the_crowd(book, person)
    _shared_mailbox(book, population)
    return book


def _canary(book: Book, person: Person) -> None:
    prospect = _prospect(
        book, person, person.email, phone="070-174 06 05", fax="08-517 406 19",
        salesforceLeadId=salesforce_lead_id(person.key), **_everything(book, person),
    )  # fmt: skip
    browse(book, person, prospect, ip=person.ip, visits=12, page_views=PAGE_VIEWS_OF_CANARY, days_ago=300)
    browse(book, person, prospect, ip="2001:db8:17::c0de", visits=2, page_views=5, days_ago=40)
    _whole_story(book, person, prospect)
    former = _prospect(
        book, person, person.emails[1], made=700, isDeleted=True, comments="Replaced by the new address",
        productsInUse__c=["Card reader"], company="Bergfalk Konsult",
    )  # fmt: skip
    browse(book, person, former, ip="198.51.100.78", visits=1, page_views=4, days_ago=690)
    submit(book, person, former, days_ago=690)
    progress(book, person, former, ("Awareness",), days_ago=690)
    _membership(book, person, former, assets.NEWSLETTER, optedOut=True, days_ago=689)


def _neighbour(book: Book, person: Person) -> None:
    phone = person.company.switchboard if person.key in ("namesake_colleague", "colleague") else person.mobile
    topics = [f"{person.given} {person.family}", "PKI"]
    prospect = _prospect(book, person, person.email, phone=phone, favouriteTopics__c=topics, budgetBand__c="0-100 tkr")
    browse(book, person, prospect, ip=person.ip, visits=2, page_views=6, days_ago=120)
    _whole_story(book, person, prospect)


def _one_of_the_crowd(book: Book, person: Person) -> None:
    prospect = _prospect(book, person, person.email, phone=person.mobile)
    browse(book, person, prospect, ip=person.ip, visits=1, page_views=2, days_ago=60)
    submit(book, person, prospect, days_ago=60)
    progress(book, person, prospect, ("Awareness",), days_ago=60)
    _membership(book, person, prospect, assets.NEWSLETTER, optedOut=False, days_ago=60)


def _shared_mailbox(book: Book, population: Population) -> None:
    """Two prospects under one address that two people use: whose an activity on it is, nobody can tell."""
    for person in (population.canary, population.person("colleague")):
        shared = f"info@{person.company.domain}"
        prospect = _prospect(
            book, person, shared, phone=person.company.switchboard, expected="doubtful", linked=False, made=90
        )
        submit(book, person, prospect, days_ago=90, expected="doubtful")
        book.add(
            "external-activities", person.key, "doubtful", extension="Fairs", type="VisitedStand", email=shared,
            value="Stand C:17", activityDate=book.at(90, 15), createdAt=book.at(90, 16),
        )  # fmt: skip


def _whole_story(book: Book, person: Person, prospect: int) -> None:
    submit(book, person, prospect, days_ago=110)
    correspond(book, person, prospect)
    progress(book, person, prospect, ("Awareness", "Consideration", person.stage), days_ago=110)
    _membership(book, person, prospect, assets.NEWSLETTER, optedOut=False, days_ago=100)
    _membership(book, person, prospect, assets.BULLETIN, optedOut=True, days_ago=99)
    _membership(book, person, prospect, assets.CUSTOMERS, optedOut=False, days_ago=98, isDeleted=True)
    for tag, _ in assets.TAGS[:2]:
        book.add(
            "tagged-objects", person.key, "package", tagId=tag, objectType="Prospect", objectId=prospect,
            objectName=person.name, createdAt=book.at(97), createdById=12,
        )  # fmt: skip
    opportunity = book.add(
        "opportunities", person.key, "package", name=f"Kortläsare till {person.company.name}",
        campaignId=assets.AUTUMN, closedAt=None, value=125000.5, probability=60, stage="Proposal", status="open",
        type="New Business", salesforceId=None, isDeleted=False, createdAt=book.at(30), updatedAt=book.at(5),
        createdById=12, updatedById=12,
    )  # fmt: skip
    book.add(
        "visitor-activities", person.key, "package", prospectId=prospect, type=8, typeName="New Opportunity",
        details=f"Kortläsare till {person.company.name}", opportunityId=opportunity, createdAt=book.at(30),
        updatedAt=book.at(30),
    )  # fmt: skip
    book.add(
        "external-activities", person.key, "package", extension="Webinars", type="AttendedWebinar",
        email=person.email, value=f'42 min; "{person.given}"', activityDate=book.at(20, 14), createdAt=book.at(20, 16),
    )  # fmt: skip


def _membership(book: Book, person: Person, prospect: int, list_id: int, *, days_ago: int, **values: Any) -> None:
    document = {"isDeleted": False, **values, "createdById": 11, "updatedById": 12}
    times = {"createdAt": book.at(days_ago, 9, 30), "updatedAt": book.at(days_ago - 1, 9, 30)}
    book.add("list-memberships", person.key, "package", listId=list_id, prospectId=prospect, **document, **times)


def _prospect(
    book: Book, person: Person, email: str, *, made: int = 320, expected: Expected = "package", linked: bool = True,
    **values: Any,
) -> int:  # fmt: skip
    """A prospect; `linked`: synchronised with the person's Salesforce contact. `made` is in days ago."""
    contact = salesforce_contact_id(person.key) if linked else None
    document: dict[str, Any] = {
        "email": email, "firstName": person.given, "lastName": person.family, "jobTitle": person.title,
        "company": person.company.name, "addressOne": person.street, "zip": person.postal_code, "city": person.city,
        "country": person.country, "industry": person.industry, "language__c": person.language,
        "isDeleted": False, "optedOut": False, "isDoNotEmail": False, "isDoNotCall": False,
        "isEmailHardBounced": False, "isReviewed": True, "isStarred": False, "doNotSell": False,
        "campaignId": assets.CAMPAIGN, "profileId": assets.PROFILE,
        "lifecycleStageId": assets.stage_id(person.stage), "score": 25, "grade": "B", "employees": 40,
        "salesforceId": contact, "salesforceContactId": contact,
        "salesforceAccountId": salesforce_account_id(person.company.customer_number) if linked else None,
        "salesforceOwnerId": "0055g00000SANDAA", "userId": 12, "assignedToId": 12, "createdById": 11,
        "updatedById": 12, "createdAt": book.at(made, 8, 15, 7), "updatedAt": book.at(2, 23, 59, 59),
        "lastActivityAt": book.at(3, 7),
    }  # fmt: skip
    return book.add("prospects", person.key, expected, **{**document, **values})


def _everything(book: Book, person: Person) -> dict[str, Any]:
    """Values for all that a prospect can hold, hostile ones among them."""
    return {
        "salutation": "Fru", "addressTwo": "c/o Ägg & \"Åtta\"\nvåning 3", "state": "Stockholms län",
        "website": "https://kvarnberget.example/?q=<script>alert(1)</script>", "department": "Inköp; IT\tDrift",
        "annualRevenue": "12 500 000", "yearsInBusiness": "31", "territory": "Nord", "source": "Mässa",
        "comments": f"=HYPERLINK(\"http://x.example\",\"{person.given}\")\r\nRinger tillbaka på måndag.",
        "notes": f"{person.name} föredrar mejl. שלום – مرحبا", "recentInteraction": "Form success: guide",
        "sourceParameter": "linkedin", "campaignParameter": "höst26", "mediumParameter": "cpc",
        "contentParameter": "ad;1", "termParameter": "pki åäö", "firstActivityAt": book.at(319),
        "firstAssignedAt": book.at(318), "firstReferrerQuery": "kort läsare", "firstReferrerType": "Google",
        "firstReferrerUrl": "https://www.google.com/?q=kort+l%C3%A4sare", "convertedAt": book.at(317),
        "convertedFromObjectName": "White paper: certificates", "convertedFromObjectType": "Form",
        "salesforceCampaignId": "7015g00000SANDAA1", "salesforceLastSync": book.at(1, 4, 30),
        "salesforceUrl": f"https://sandbox.example/{salesforce_contact_id(person.key)}", "prospectAccountId": 990017,
        "emailBouncedAt": book.at(200), "emailBouncedReason": "452 4.2.2 mailbox full", "isStarred": True,
        "score": 187, "grade": "A+", "budgetBand__c": "@SUM(100;500) tkr",
        "favouriteTopics__c": ["IoT-säkerhet", "=1+1", 'Kort & "läsare"'], "productsInUse__c": ["PRIME", "Hermod"],
        "answersGiven__c": ["Ja, ring mig", "Nej\ninte nu"],
    }  # fmt: skip

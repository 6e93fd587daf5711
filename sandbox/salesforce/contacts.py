"""Who people are: Account, Contact, Lead, Individual, contact points, consent, and what changed in them."""

from collections.abc import Iterator
from typing import Any

from sandbox.salesforce.org import AGENT, Portrait, Record, Shown, company_account


def records(people: list[Portrait]) -> Iterator[Record]:
    """All records of this kind, of everybody."""
    yield from _accounts(people)
    for p in people:
        yield _contact(p, people)
        if p.person_account:
            yield _person_account(p)
        if p.known:
            yield from _points(p)
            yield from _histories(p, people)
        if p.known or p.index % 3 == 0:
            yield _lead(p)
    yield from _canary_leads(people[0])
    yield from _doubtful(people)


def _accounts(people: list[Portrait]) -> Iterator[Record]:
    members: dict[str, list[Portrait]] = {}
    for p in people:
        members.setdefault(p.person.company.customer_number, []).append(p)
    for staff in members.values():
        first, company = staff[0], staff[0].person.company
        about: dict[str, Shown] = {p.person.key: {} for p in staff if not p.person_account}
        yield first.record(
            "Account", "company", 900, id=company_account(first.person), about=about, Name=company.name,
            AccountNumber=company.customer_number, Phone=company.switchboard, Type="Customer",
            Website=f"https://{company.domain}", Industry=first.person.industry, NumberOfEmployees=250,
            AnnualRevenue=12500000.5, BillingCity="Sundsvall" if company.customer_number == "K-100533" else "Stockholm",
            BillingStreet="Fakturagränd 1", BillingPostalCode="111 11", BillingCountry="SE",
            Organisation_Number__c=company.org_no, Description=f"Kund: {company.name} \"A\" 'B' =2+2\nåäö",
        )  # fmt: skip


def _person_account(p: Portrait) -> Record:
    return p.record(
        "Account", "person", 700, id=p.account, Name=p.person.name, IsPersonAccount=True, PersonContactId=p.contact,
        PersonEmail=p.person.email, PersonMobilePhone=p.mobile(), PersonMailingStreet=p.person.street,
        PersonIndividualId=p.individual, Type="Consumer",
    )  # fmt: skip


def _contact(p: Portrait, people: list[Portrait]) -> Record:
    person = p.person
    fields: dict[str, Any] = {
        "FirstName": person.given, "LastName": person.family, "Name": person.name, "AccountId": p.account,
        "Email": person.email, "Phone": person.company.switchboard, "MobilePhone": p.mobile(), "Title": person.title,
        "MailingStreet": person.street, "MailingCity": person.city, "MailingPostalCode": person.postal_code,
        "MailingCountry": person.country, "IsPersonAccount": p.person_account,
    }  # fmt: skip
    if not p.known:
        return p.record("Contact", "", 400, id=p.contact, **fields)
    fields |= {"IndividualId": p.individual, "Department": p.text("Avdelning")[:80],
               "Description": p.text("Anteckning"), "LeadSource": "Web",
               "Birthdate": "1979-02-28", "Salutation": "Ms.", "DoNotCall": True}  # fmt: skip
    if not p.rich:
        shared: dict[str, Any] = (
            {"Invoice_Email__c": f"info@{person.company.domain}"} if person.key == "colleague" else {}
        )
        return p.record("Contact", "", 500, id=p.contact, **fields, **shared)
    boss = _colleague(people)
    fields |= {
        "OtherStreet": p.text("Sommarstuga"), "OtherCity": "Grisslehamn", "OtherPostalCode": "764 56",
        "OtherCountry": "SE", "OtherState": "AB", "MailingState": "AB", "HomePhone": person.mobile,
        "HasOptedOutOfEmail": True, "HasOptedOutOfFax": True, "LastActivityDate": p.clock.day(3),
        "EmailBouncedReason": p.text("550 no such user"), "EmailBouncedDate": p.clock.stamp(40),
        "PhotoUrl": "/services/images/photo/003A", "Invoice_Email__c": f"info@{person.company.domain}",
        "Interests__c": "Ädelträ;Svarvar", "Shoe_Size__c": 38.5, "Notes__c": p.text("Fritt fält"), "Badge__c": "=B-17",
    }  # fmt: skip
    theirs: dict[str, Any] = {
        "ReportsToId": boss.contact,
        "AssistantName": boss.person.name,
        "AssistantPhone": boss.person.mobile,
    }
    about = {person.key: dict.fromkeys(theirs)}
    return p.record("Contact", "", 800, id=p.contact, about=about, **fields, **theirs)


def _lead(p: Portrait) -> Record:
    person = p.person
    fields: dict[str, Any] = {
        "FirstName": person.given, "LastName": person.family, "Name": person.name, "Company": person.company.name,
        "Email": person.email, "MobilePhone": person.mobile, "Street": person.street, "City": person.city,
        "PostalCode": person.postal_code, "Country": person.country, "Status": "Open", "Industry": person.industry,
    }  # fmt: skip
    if p.rich:
        # The address is the former one: only the conversion leads here.
        fields |= {
            "Email": person.emails[1], "MobilePhone": None, "IsConverted": True, "ConvertedContactId": p.contact,
            "ConvertedAccountId": p.account, "ConvertedDate": p.clock.day(800), "Description": p.text("Mässa"),
            "Rating": "Hot", "Title": person.title, "Website": "https://kvarnberget.example/å?q='1'",
            "LeadSource": "Trade Show", "Campaign_Note__c": p.text("Monter 7"), "NumberOfEmployees": 12,
            "ConvertedOpportunityId": p.id("Opportunity"), "HasOptedOutOfEmail": True, "Salutation": "Ms.",
        }  # fmt: skip
    return p.record("Lead", "", 850, id=p.lead, **fields)


def _canary_leads(p: Portrait) -> Iterator[Record]:
    """One in the recycle bin, and a contact that was merged away: both are still held."""
    person = p.person
    name: dict[str, Any] = {"FirstName": person.given, "LastName": person.family, "Name": person.name}
    yield p.record("Lead", "binned", 300, deleted=True, Company="Eget", Email=person.email.upper(), Status="Closed",
                   Phone=person.mobile, **name)  # fmt: skip
    yield p.record("Contact", "merged", 790, deleted=True, MasterRecordId=p.contact, Email=person.emails[1], **name)


def _doubtful(people: list[Portrait]) -> Iterator[Record]:
    """Records that only a shared mailbox, a switchboard or a name ties to somebody."""
    canary, colleague = people[0], _colleague(people)
    info = f"info@{canary.person.company.domain}"
    for p, name, email, phone in (
        (canary, "shared mailbox", info, None),
        (canary, "switchboard", None, canary.person.company.switchboard),
        (colleague, "shared mailbox", info, None),
    ):
        yield p.record(
            "Lead", name, 200, expected="doubtful", FirstName=p.person.given, LastName=p.person.family,
            Name=p.person.name, Company=p.person.company.name, Email=email, Phone=phone, Status="Open",
        )  # fmt: skip


def _points(p: Portrait) -> Iterator[Record]:
    person = p.person
    flags: dict[str, Any] = {"HasOptedOutTracking": p.rich, "HasOptedOutSolicit": True, "ShouldForget": False}
    yield p.record("Individual", "1", 790, id=p.individual, FirstName=person.given, LastName=person.family,
                   Name=person.name, BirthDate="1979-02-28", Occupation=person.title, **flags)  # fmt: skip
    for n, email in enumerate(person.emails):
        yield p.record(
            "ContactPointEmail", str(n), 700 - n, ParentId=p.individual, EmailAddress=email, IsPrimary=n == 0,
            IsActive=n == 0, EmailDomain=email.partition("@")[2], EmailMailBox=email.partition("@")[0],
            ActiveFromDate=p.clock.day(900), ActiveToDate=p.clock.day(500) if n else None, Name=f"CPE-{n:04d}",
            UsageType="Work", PreferenceRank=n + 1,
        )  # fmt: skip
    for kind, status in (("Email", "OptOut"), ("Phone", "OptIn"))[: 2 if p.rich else 1]:
        yield p.record(
            "ContactPointTypeConsent", kind, 600, Name=f"Samtycke {kind}", PartyId=p.individual, ContactPointType=kind,
            PrivacyConsentStatus=status, CaptureDate=p.clock.stamp(600), CaptureSource=p.text("Webbformulär"),
            CaptureContactPointType="Web", EffectiveFrom=p.clock.stamp(600), EffectiveTo=p.clock.stamp(-600),
        )  # fmt: skip
    yield p.record(
        "ContactPointConsent", "1", 590, Name="Nyhetsbrev", ContactPointId=p.id("ContactPointEmail", "0"),
        PrivacyConsentStatus="OptIn", CaptureDate=p.clock.stamp(590), CaptureSource=p.text("Nyhetsbrev"),
        CaptureContactPointType="Email", EffectiveFrom=p.clock.stamp(590),
    )  # fmt: skip
    yield p.record("DuplicateRecordItem", "1", 100, Name=f"D-{p.index:05d}", RecordId=p.contact,
                   DuplicateRecordSetId="0GK5g0000000001AAA")  # fmt: skip
    yield p.record("Note", "1", 240, ParentId=p.contact, Title=p.text("Notering")[:80], Body=p.text("Att minnas"),
                   extra={"Object": "Note"})  # fmt: skip
    yield p.record(
        "Certificate__c", "1", 250, Name=p.text("Truckkort")[:80], Contact__c=p.contact, Level__c="B",
        Issued__c="2024-02-29", Remark__c=p.text("Utfärdat"), extra={"Object": "Certificate__c"},
    )  # fmt: skip


def _histories(p: Portrait, people: list[Portrait]) -> Iterator[Record]:
    person, both = p.person, ("OldValue", "NewValue")
    old = person.emails[-1] if p.rich else f"old.{person.email}"
    yield p.record("ContactHistory", "email", 500, ContactId=p.contact, Field="Email", DataType="Text",
                   OldValue=old, NewValue=person.email)  # fmt: skip
    yield p.record("LeadHistory", "status", 840, LeadId=p.lead, Field="Status", DataType="Text",
                   OldValue=p.text("Ny")[:200], NewValue="Open")  # fmt: skip
    hidden = {person.key: dict.fromkeys(both)}
    if p.rich:
        yield p.record("ContactHistory", "boss", 400, about=hidden, ContactId=p.contact, Field="ReportsTo",
                       DataType="Text", OldValue=AGENT, NewValue=_colleague(people).person.name)  # fmt: skip
    yield p.record("LeadHistory", "owner", 845, about=hidden, LeadId=p.lead, Field="Owner", DataType="Text",
                   OldValue="Säljkön", NewValue=AGENT)  # fmt: skip


def _colleague(people: list[Portrait]) -> Portrait:
    return next(p for p in people if p.person.key == "colleague")

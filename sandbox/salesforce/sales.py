"""What people bought and attended: campaigns, opportunities, quotes, orders, each reached by the person's own role."""

from collections.abc import Iterator
from typing import Any

from sandbox.ids import salesforce_id
from sandbox.salesforce.org import Portrait, Record, Shown

_CAMPAIGNS = (("Höstwebbinarium 2025", "Webinar", "2025-10-14"), ("Nyhetsbrev", "Email", "2024-01-08"))


def records(people: list[Portrait]) -> Iterator[Record]:
    """All records of this kind, of everybody."""
    for n, (name, kind, start) in enumerate(_CAMPAIGNS):
        yield people[0].record("Campaign", name, 900, id=_campaign(n), about={}, Name=name, Type=kind, StartDate=start,
                               Status="Completed")  # fmt: skip
    canary, colleague = people[0], next(p for p in people if p.person.key == "colleague")
    for p in people:
        if p.known or p.index % 4 == 0:
            yield _member(p, 0, ContactId=p.contact, LeadOrContactId=p.contact, Type="Contact")
        if p.known:
            yield from _deal(p)
    yield _member(canary, 1, LeadId=canary.lead, LeadOrContactId=canary.lead, Type="Lead", Name=canary.person.name,
                  Description=canary.text("Anmälan"))  # fmt: skip
    yield from _shared(canary, colleague)


def _campaign(n: int) -> str:
    return salesforce_id("701", f"campaign:{n}")


def _member(p: Portrait, campaign: int, **fields: Any) -> Record:
    name, kind, start = _CAMPAIGNS[campaign]
    shown: dict[str, Any] = {
        "Campaign": {"Name": name, "Type": kind, "StartDate": start, "EndDate": None, "Status": "Completed"}
    }
    return p.record(
        "CampaignMember", str(campaign), 60, extra=shown, CampaignId=_campaign(campaign), Status="Responded",
        HasResponded=True, FirstRespondedDate=p.clock.day(59), Email=p.person.email, FirstName=p.person.given,
        LastName=p.person.family, CompanyOrAccount=p.person.company.name, Title=p.person.title, **fields,
    )  # fmt: skip


def _deal(p: Portrait) -> Iterator[Record]:
    """An opportunity, a quote and an order of the person's own."""
    person, opportunity = p.person, p.id("Opportunity")
    yield p.record(
        "Opportunity", "1", 350, AccountId=p.account, Name=p.text("Affär")[:100], StageName="Closed Won",
        Amount=125000.5, Probability=100, CloseDate=p.clock.day(300), ContactId=p.contact, IsClosed=True, IsWon=True,
        Description=p.text("Behov"), LeadSource="Web", NextStep=p.text("Ring")[:200],
    )  # fmt: skip
    yield p.record("OpportunityContactRole", "1", 350, OpportunityId=opportunity, ContactId=p.contact,
                   Role="Decision Maker", IsPrimary=True)  # fmt: skip
    yield p.record(
        "Quote", "1", 340, QuoteNumber=f"{p.index:08d}", Name=p.text("Offert")[:100], OpportunityId=opportunity,
        ContactId=p.contact, AccountId=p.account, Status="Accepted", Email=person.email, Phone=person.mobile,
        BillingName=person.name if p.person_account else person.company.name, QuoteToName=person.name,
        GrandTotal=125000.5, TotalPrice=125000.5,
        Description=p.text("Offerttext"), ExpirationDate=p.clock.day(310), BillingStreet=person.street,
    )  # fmt: skip
    yield p.record(
        "Order", "1", 330, OrderNumber=f"{p.index:08d}", AccountId=p.account, EffectiveDate=p.clock.day(330),
        Status="Activated", BillToContactId=p.contact, ShipToContactId=p.contact, CustomerAuthorizedById=p.contact,
        ShippingStreet=person.street, ShippingCity=person.city, ShippingPostalCode=person.postal_code,
        ShippingCountry="SE", BillingStreet=person.street, TotalAmount=125000.5, PoNumber=f"PO-{p.index}",
        Description=p.text("Leverans"), QuoteId=p.id("Quote"), OpportunityId=opportunity,
    )  # fmt: skip


def _shared(canary: Portrait, colleague: Portrait) -> Iterator[Record]:
    """Deals in which both have a role, each package without the other's; and one that is the colleague's alone."""
    both = (canary, colleague)
    one, other = canary.person, colleague.person
    roles: dict[str, Shown] = {one.key: {}, other.key: {"ContactId": None}}
    deal = canary.id("Opportunity", "shared")
    yield canary.record(
        "Opportunity", "shared", 90, about=roles, AccountId=canary.account,
        Name="Ramavtal 2026", StageName="Negotiation/Review", Amount=2000000, Probability=60, ContactId=canary.contact,
        CloseDate=canary.clock.day(-60),
    )  # fmt: skip
    for p in both:
        yield p.record("OpportunityContactRole", "shared", 90, OpportunityId=deal, ContactId=p.contact,
                       Role="Evaluator")  # fmt: skip
    yield canary.record(
        "Quote", "shared", 80, about={one.key: {"ShippingName": None}}, QuoteNumber="00009001", Name="Ramavtal rev A",
        OpportunityId=deal, ContactId=canary.contact, AccountId=canary.account, Status="Draft", Email=one.email.upper(),
        BillingName=one.company.name, ShippingName=other.name, GrandTotal=2000000,
    )  # fmt: skip
    billing: dict[str, Any] = {
        "BillingStreet": one.street,
        "BillingCity": one.city,
        "BillingPostalCode": one.postal_code,
    }
    shipping: dict[str, Any] = {
        "ShippingStreet": other.street,
        "ShippingCity": other.city,
        "ShippingPostalCode": other.postal_code,
    }
    hidden: dict[str, Shown] = {
        one.key: {"ShipToContactId": None, **dict.fromkeys(shipping)},
        other.key: {"BillToContactId": None, **dict.fromkeys(billing)},
    }
    yield canary.record(
        "Order", "shared", 70, about=hidden, OrderNumber="00009001", AccountId=canary.account, Status="Draft",
        EffectiveDate=canary.clock.day(70), BillToContactId=canary.contact, ShipToContactId=colleague.contact,
        TotalAmount=99.25, **billing, **shipping,
    )  # fmt: skip

"""What was said: cases and comments, tasks and events, e-mail."""

from collections.abc import Iterator
from typing import Any

from sandbox.salesforce.org import AGENT, SUPPORT, Portrait, Record, Shown


def records(people: list[Portrait]) -> Iterator[Record]:
    """All records of this kind, of everybody."""
    canary, colleague = people[0], next(p for p in people if p.person.key == "colleague")
    for p in people:
        yield from _activities(p)
        if p.known:
            yield from _case(p)
            yield from _mail(p, "1", p.person.email, p.contact)
    yield from _canary_cases(canary, colleague)
    yield from _canary_activities(canary, colleague)
    yield from _mail(canary, "former", canary.person.emails[1], canary.contact)
    yield from _mail(canary, "unlinked", canary.person.email, None)
    yield from _mail_to_both(canary, colleague)


def _case(p: Portrait) -> Iterator[Record]:
    yield p.record(
        "Case", "1", 120, CaseNumber=f"{1000 + p.index:08d}", ContactId=p.contact, AccountId=p.account, Status="Closed",
        Origin="Phone", Subject=p.text("Reklamation")[:200], Description=p.text("Felet"), Priority="High",
        IsClosed=True, ClosedDate=p.clock.stamp(110), ContactEmail=p.person.email, ContactMobile=p.mobile(),
        Type="Problem", Comments=p.text("Internt"),
    )  # fmt: skip
    for n, published in enumerate((True, False)):
        yield p.record("CaseComment", str(n), 119 - n, ParentId=p.id("Case"), IsPublished=published,
                       CommentBody=p.text(f"Kommentar {n}"))  # fmt: skip


def _canary_cases(p: Portrait, colleague: Portrait) -> Iterator[Record]:
    person, other = p.person, colleague.person
    web: dict[str, Any] = {"Origin": "Web", "Status": "New", "SuppliedName": person.name, "SuppliedCompany": "Eget"}
    yield p.record("Case", "web", 50, CaseNumber="00009001", SuppliedEmail=person.email, SuppliedPhone=p.mobile(),
                   Subject=p.text("Från webben")[:200], **web)  # fmt: skip
    yield p.record(
        "Case", "former", 700, CaseNumber="00009002", SuppliedEmail=person.emails[1], Subject="Gammal", **web
    )
    yield p.record("Case", "info", 40, expected="doubtful", CaseNumber="00009003", Subject="Gemensam låda",
                   SuppliedEmail=f"info@{person.company.domain}", **web)  # fmt: skip
    supplied: dict[str, Any] = {"SuppliedName": other.name, "SuppliedEmail": other.email, "SuppliedPhone": other.mobile}
    linked: dict[str, Any] = {"ContactId": p.contact, "ContactEmail": person.email, "ContactMobile": p.mobile()}
    about: dict[str, Shown] = {person.key: dict.fromkeys(supplied), other.key: dict.fromkeys(linked)}
    yield p.record("Case", "on behalf", 30, about=about, CaseNumber="00009004", Subject="Frågan gäller en kollega",
                   Origin="Web", Status="New", AccountId=p.account, **supplied, **linked)  # fmt: skip


def _activities(p: Portrait) -> Iterator[Record]:
    yield p.record(
        "Task", "1", 20, WhoId=p.contact, WhatId=p.account, Subject=p.text("Ring")[:200], ActivityDate=p.clock.day(20),
        Status="Completed", Priority="Normal", Description=p.text("Samtal") if p.known else None, IsClosed=True,
        TaskSubtype="Call", CallDurationInSeconds=300, CallType="Outbound", AccountId=p.account,
        CompletedDateTime=p.clock.stamp(20),
    )  # fmt: skip
    yield p.record("TaskRelation", "1", 20, about={}, TaskId=p.id("Task"), RelationId=p.contact)
    if p.known:
        yield p.record(
            "Event", "1", 10, WhoId=p.contact, Subject=p.text("Möte")[:200], Location=p.person.street,
            StartDateTime=p.clock.stamp(10), EndDateTime=p.clock.stamp(10, 10), DurationInMinutes=60,
            ActivityDateTime=p.clock.stamp(10), ActivityDate=p.clock.day(10), Description=p.text("Protokoll"),
        )  # fmt: skip
        yield p.record("EventRelation", "1", 10, about={}, EventId=p.id("Event"), RelationId=p.contact, IsParent=True)


def _canary_activities(p: Portrait, colleague: Portrait) -> Iterator[Record]:
    yield p.record("Task", "lead", 840, WhoId=p.lead, Subject="Följ upp", Status="Completed", Priority="Low")
    yield p.record("TaskRelation", "lead", 840, about={}, TaskId=p.id("Task", "lead"), RelationId=p.lead)
    yield p.record("Task", "binned", 5, deleted=True, WhoId=p.contact, Subject=p.text("Raderad")[:200],
                   Status="Not Started", Priority="Normal")  # fmt: skip
    yield p.record("TaskRelation", "binned", 5, about={}, deleted=True, TaskId=p.id("Task", "binned"),
                   RelationId=p.contact)  # fmt: skip
    about: dict[str, Shown] = {p.person.key: {"WhoId": None}, colleague.person.key: {}}
    yield p.record("Task", "both", 15, about=about, WhoId=colleague.contact, Subject="Gemensam avstämning",
                   Status="Completed", Priority="Normal")  # fmt: skip
    for who in (p, colleague):
        yield who.record("TaskRelation", "both", 15, about={}, TaskId=p.id("Task", "both"), RelationId=who.contact)


def _mail(p: Portrait, name: str, address: str, relation: str | None) -> Iterator[Record]:
    """From the person to us."""
    message = p.id("EmailMessage", name)
    parent = p.id("Case") if name == "1" else None
    yield p.record(
        "EmailMessage", name, 100, ParentId=parent, Subject=p.text("Fråga")[:200], TextBody=p.text("Hej"),
        HtmlBody=f"<p>{p.text('Hej')}</p>", FromName=p.person.name, FromAddress=address, ToAddress=SUPPORT,
        Incoming=True, Status="3", MessageDate=p.clock.stamp(100), MessageIdentifier=f"<{p.index}.{name}@mail.example>",
    )  # fmt: skip
    yield p.record("EmailMessageRelation", name, 100, about={}, EmailMessageId=message, RelationId=relation,
                   RelationType="FromAddress", RelationAddress=address, RelationObjectType="Contact")  # fmt: skip


def _mail_to_both(p: Portrait, colleague: Portrait) -> Iterator[Record]:
    """From us to two people, and one on the canary's case that is between others."""
    one, other = p.person.email, colleague.person.email
    about: dict[str, Shown] = {
        p.person.key: {"ToAddress": one, "CcAddress": None, "FromName": None},
        colleague.person.key: {"ToAddress": None, "CcAddress": other, "FromName": None},
    }
    yield p.record(
        "EmailMessage", "both", 95, about=about, Subject="Till er båda", TextBody="Hej!", FromName=AGENT,
        FromAddress=SUPPORT, ToAddress=f"{one}; tredje.man@annat.example", CcAddress=other, Status="3",
        MessageDate=p.clock.stamp(95),
    )  # fmt: skip
    for who, kind in ((p, "ToAddress"), (colleague, "CcAddress")):
        yield who.record("EmailMessageRelation", "both", 95, about={}, EmailMessageId=p.id("EmailMessage", "both"),
                         RelationId=who.contact, RelationType=kind, RelationAddress=who.person.email)  # fmt: skip
    yield p.record(
        "EmailMessage", "internal", 94, expected="withheld", ParentId=p.id("Case"), Subject="Internt om ärendet",
        TextBody=f"Fråga {other}", FromName=AGENT, FromAddress=SUPPORT, ToAddress="lager@controller.example",
        MessageDate=p.clock.stamp(94), Status="3",
    )  # fmt: skip

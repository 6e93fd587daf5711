"""What a person leaves behind in marketing: visits, form submissions, e-mails opened and clicked, stages passed."""

from sandbox.pardot import assets
from sandbox.pardot.book import Book
from sandbox.people import Expected, Person

_PAGES = ("produkter/smart-id", "priser?valuta=SEK&x=1", "om-oss/åäö", "guide", "kontakt")


def browse(book: Book, person: Person, prospect: int, *, ip: str, visits: int, page_views: int, days_ago: int) -> None:
    """One browser's visits, its page views spread over them, and the activity of each visit."""
    visitor = book.add(
        "visitors", person.key, "package", prospectId=prospect, pageViewCount=page_views, isIdentified=True,
        doNotSell=False, hostname=f"host-{person.key.replace('_', '-')}.example", ipAddress=ip,
        campaignId=assets.CAMPAIGN, sourceParameter="newsletter", campaignParameter="höst26",
        createdAt=book.at(days_ago, 6), updatedAt=book.at(1, 6),
    )  # fmt: skip
    for number in range(visits):
        views = page_views // visits + (number < page_views % visits)
        _visit(book, person, prospect, visitor, views, days_ago=max(1, days_ago - number * 7))


def _visit(book: Book, person: Person, prospect: int, visitor: int, views: int, *, days_ago: int) -> None:
    start, end = book.at(days_ago, 11), book.at(days_ago, 11, 45)
    visit = book.add(
        "visits", person.key, "package", visitorId=visitor, prospectId=prospect, visitorPageViewCount=views,
        firstVisitorPageViewAt=start, lastVisitorPageViewAt=end, durationInSeconds=2700,
        sourceParameter="newsletter", mediumParameter="email", createdAt=start, updatedAt=end,
    )  # fmt: skip
    for number in range(views):
        page = _PAGES[number % len(_PAGES)]
        book.add(
            "visitor-page-views", person.key, "package", visitorId=visitor, visitId=visit,
            url=f"https://www.sandbox.example/{page}", title=f"{page.title()} – för {person.given}",
            campaignId=assets.CAMPAIGN, durationInSeconds=number % 90, salesforceId=None,
            createdAt=book.at(days_ago, 11, number // 60 % 45, number % 60),
        )  # fmt: skip
    book.add(
        "visitor-activities", person.key, "package", visitId=visit, prospectId=prospect, visitorId=visitor, type=20,
        typeName="Visit", details=f"{views} sidor", createdAt=start, updatedAt=start,
    )  # fmt: skip


def submit(book: Book, person: Person, prospect: int, *, days_ago: int, expected: Expected = "package") -> None:
    """A form opened, refused once, then sent."""
    for kind, name in ((2, "View"), (3, "Error"), (4, "Success")):
        book.add(
            "visitor-activities", person.key, expected, prospectId=prospect, type=kind, typeName=name,
            details=f'{person.name}: "White paper"; formulär', campaignId=assets.CAMPAIGN, formId=assets.FORM,
            landingPageId=assets.LANDING_PAGE, createdAt=book.at(days_ago, 12, kind),
            updatedAt=book.at(days_ago, 12, kind, 30),
        )  # fmt: skip


def correspond(book: Book, person: Person, prospect: int) -> None:
    """Two e-mails to a list, opened and clicked, one written to this person alone, and an unsubscription."""
    common = {"prospectId": prospect, "clientType": "Builder", "isOperational": False, "createdById": 12}
    for list_email, days_ago in ((assets.LIST_EMAIL, 45), (assets.SECOND_LIST_EMAIL, 17)):
        email = book.add(
            "emails", person.key, "package", **common, name=f"Utskick {list_email}", type="html",
            subject="Nyheter från oss: åäö", sentAt=book.at(days_ago, 8), campaignId=assets.CAMPAIGN,
            listEmailId=list_email, textMessage="Samma text till alla", htmlMessage="<p>Samma text till alla</p>",
        )  # fmt: skip
        for kind, name, more in (
            (6, "Sent", {}),
            (11, "Open", {}),
            (1, "Click", {"customRedirectId": assets.REDIRECT, "fileId": assets.FILE}),
        ):
            book.add(
                "visitor-activities", person.key, "package", prospectId=prospect, type=kind, typeName=name,
                emailId=email, listEmailId=list_email, details="https://www.sandbox.example/demo?a=1&b=2",
                campaignId=assets.CAMPAIGN, createdAt=book.at(days_ago, 9, kind), updatedAt=book.at(days_ago, 9, kind),
                **more,
            )  # fmt: skip
    book.add(
        "emails", person.key, "package", **common, name="Svar", type="htmlAndText", sentAt=book.at(12, 16, 5),
        subject=f"Till {person.name}", emailTemplateId=assets.TEMPLATE, listEmailId=None,
        textMessage=f"Hej {person.given}!\r\nTack för ditt intresse; =2+2.\n",
        htmlMessage=f"<p>Hej {person.given}!</p><script>x()</script>",
    )  # fmt: skip
    book.add(
        "visitor-activities", person.key, "package", prospectId=prospect, type=35, typeName="Unsubscribe",
        details="Bulletin", formHandlerId=assets.HANDLER, emailTemplateId=assets.TEMPLATE,
        createdAt=book.at(11), updatedAt=book.at(11),
    )  # fmt: skip


def progress(book: Book, person: Person, prospect: int, stages: tuple[str, ...], *, days_ago: int) -> None:
    """Stages of the customer's journey, one after another, ten days apart."""
    previous = None
    for number, stage in enumerate(stages):
        book.add(
            "lifecycle-histories", person.key, "package", prospectId=prospect, previousStageId=previous,
            nextStageId=assets.stage_id(stage), secondsElapsed=number * 864000 or None,
            createdAt=book.at(days_ago - 10 * number, 1, 2, 3),
        )  # fmt: skip
        previous = assets.stage_id(stage)

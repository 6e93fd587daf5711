"""The script of the sandbox's webinars: who signed up, came, asked, answered and chatted.

All people of the population sign up for something. The canary does everything once, the neighbours do it beside the
canary in the same webinars. Webinars out of the history's six months (`known=False`) have no truth, since no index
that starts today can learn of them.
"""

from datetime import date
from typing import Any

from sandbox.people import Person, Population
from sandbox.webinars.builder import HOST, Builder, Record, Webinar
from sandbox.webinars.media import m4a, mp4

FRAMEWORK = Webinar(84510000001, 'Ramavtal 2026: "så köper du"; del 1 & 2', -71, ("Qx7hTz3nQ1e0dK+5mPzA2g==",))
STEEL = Webinar(
    84510000002,
    "Stålpriser, frågestund",
    -37,
    (
        "/hN9q4mTSV2Yk0eJ8rWb1w==",
        "aB3//pLd9Qz7Vt1cXe5Kg==",
    ),
)
LAUNCH = Webinar(84510000003, "Produktlansering hösten", -15, ("mT4/sV2Yk0eJ8rWb1wQ9xA==",))
BUDGET = Webinar(84510000004, "Budgetarbete 2027", 13)
PARTNERS = Webinar(84510000005, "Partnerdag", 20)
DELETED = Webinar(84510000006, "Sommarens nyheter", -135, ("Zs8kLm2vR6a4dH+7qPzB3w==",), gone=True)
OLD = Webinar(84510000007, "Vinterns nyheter", -247, ("Wd5nCx1bT9e7fJ+2sRzD4y==",), known=False)
ANCIENT = Webinar(84510000008, "Förra årets nyheter", -430, ("Vg2pAy6mU3h8kL+4tQzF5x==",), known=False)
ALL = (FRAMEWORK, STEEL, LAUNCH, BUDGET, PARTNERS, DELETED, OLD, ANCIENT)

_LOGISTICS = "Vilken leveranstid gäller?"


def build(population: Population, today: date) -> Builder:
    """Documents and truth for that population around that date."""
    script = _Script(population, Builder(today))
    for webinar in ALL:
        script.book.webinar(webinar)
    script.book.documents["user"] = {str(HOST["id"]): HOST}
    script.framework()
    script.steel()
    script.launch()
    script.upcoming()
    script.deleted()
    script.crowd()
    script.book.finish()
    return script.book


class _Script:
    def __init__(self, population: Population, book: Builder) -> None:
        self.people, self.book = population, book
        self.canary = population.canary

    def other(self, key: str) -> Person:
        return self.people.person(key)

    def framework(self) -> None:
        """The canary does all there is; those of the same name stay away, so that the chat's name is one person's."""
        book, canary = self.book, self.canary
        rid = book.register(FRAMEWORK, canary, details=_full(canary))
        here = book.attend(FRAMEWORK, 0, canary, rid, (1, 25))
        again = book.attend(FRAMEWORK, 0, canary, rid, (27, 60), email="")
        ids = {}
        for key in ("same_name", "namesake_colleague", "colleague", "plus_address", "near_address", "formula",
                    "right_to_left"):  # fmt: skip
            ids[key] = book.register(FRAMEWORK, self.other(key), details={"phone": self.other(key).mobile})
        colleague = book.attend(FRAMEWORK, 0, self.other("colleague"), ids["colleague"], (0, 60))
        plus = book.attend(FRAMEWORK, 0, self.other("plus_address"), ids["plus_address"], (2, 59))
        formula = book.attend(FRAMEWORK, 0, self.other("formula"), ids["formula"], (3, 50))
        rtl = book.attend(FRAMEWORK, 0, self.other("right_to_left"), ids["right_to_left"], (4, 60))

        staff = (f"{HOST['first_name']} {HOST['last_name']}", str(HOST["email"]))
        helper = (colleague.name, colleague.email)
        book.ask(here, "Gäller rabatten även \"=SUM(A1)\" & <b>frakt</b>?\nOch momsen?",
                 [(*staff, "Ja, båda två."), (*helper, "Momsen tillkommer.")])  # fmt: skip
        book.ask(again, "När kommer del 2?", [])
        book.ask(colleague, "Får vi bilderna?", [(*staff, "Ja, i morgon.")])
        book.ask(rtl, "هل يوجد تسجيل؟", [(*staff, "نعم")])
        for guest, answer in ((here, "Två veckor; helst '=1+1'"), (colleague, "Fyra veckor"), (plus, "En dag")):
            book.answer_poll(guest, _LOGISTICS, answer)
        book.answer_poll(again, "Hur hittade du hit?", "@nyhetsbrevet", email="")
        book.answer_poll(formula, "Hur hittade du hit?", '=HYPERLINK("http://x")')
        book.answer_survey(here, [("Betyg?", "5"), ("Vad saknades?", 'Pauser, "fika"\noch ljud\u200f!')])
        book.answer_survey(plus, [("Betyg?", "2")])

        book.say(colleague, 15, "God morgon allihop")
        book.say(here, 61, "Hej! Hörs jag? =cmd|' /C'!A0")
        book.say(formula, 65, "+1 från mig\noch en rad till")
        book.say(rtl, 70, "صباح الخير")
        book.say(here, 122, 'Två rader:\n- den ena, "citat"\n- den andra: åäö')
        book.say(again, 1870, 'Replying to "God morgon allihop"\nDetsamma!', 'Replying to "[…]"\nDetsamma!')
        book.say(plus, 3599, "Tack och hej")
        transcript = f"WEBVTT\n\n1\n00:00:01.000 --> 00:00:04.000\n{staff[0]}: Välkomna\n\n2\n00:01:00.000 --> "
        transcript += f"00:01:03.000\n{canary.name}: Hörs jag?\n"
        files = {"MP4": ("video/mp4", mp4()), "M4A": ("audio/mp4", m4a())}
        book.record(FRAMEWORK, 0, {**files, "TRANSCRIPT": ("text/vtt", transcript.encode())})

    def steel(self) -> None:
        """Registered under the former address; a namesake and a nameless guest bear the same display name."""
        book, canary, namesake = self.book, self.canary, self.other("namesake_colleague")
        former = canary.emails[1]
        rid = book.register(STEEL, canary, email=former)
        theirs = book.register(STEEL, namesake)
        here = book.attend(STEEL, 0, canary, rid, (0, 58), email=former)
        other = book.attend(STEEL, 0, namesake, theirs, (1, 60))
        book.attend(STEEL, 0, canary, "", (30, 40), email="", expected="doubtful")
        book.answer_poll(here, _LOGISTICS, "Tre veckor")
        book.answer_poll(other, _LOGISTICS, "Fem veckor")
        book.ask(other, "Finns prislistan på engelska?", [])
        book.say(here, 30, "Är priset per ton?", expected="withheld")
        book.say(other, 45, "Jag undrar detsamma", expected="withheld")
        book.record(STEEL, 0, {"MP4": ("video/mp4", mp4())})
        book.attend(STEEL, 1, canary, rid, (5, 20), email=former)
        # The canary's personal link, forwarded: a colleague sat there.
        colleague = self.other("colleague")
        book.attend(STEEL, 1, colleague, rid, (25, 60))
        book.record(STEEL, 1, {"MP4": ("video/mp4", mp4())}, trashed=True)

    def launch(self) -> None:
        """The canary signed up and stayed away; the shared mailbox came under the canary's name."""
        book, canary = self.book, self.canary
        book.register(LAUNCH, canary, details={"phone": canary.mobile})
        shared = f"info@{canary.company.domain}"
        phone = {"phone": canary.company.switchboard}
        rid = book.register(LAUNCH, canary, email=shared, details=phone, expected="doubtful")
        book.attend(LAUNCH, 0, canary, rid, (0, 60), email=shared, expected="doubtful")
        for key in ("same_name", "near_address", "right_to_left"):
            person = self.other(key)
            guest = book.attend(LAUNCH, 0, person, book.register(LAUNCH, person), (2, 55))
            book.answer_poll(guest, _LOGISTICS, f"{len(person.given)} dagar")

    def upcoming(self) -> None:
        """Not over yet: pending and denied registrations, a panelist."""
        book, canary = self.book, self.canary
        book.register(BUDGET, canary, status="pending", details={"comments": 'Kräver faktura;\tPO "77"'})
        book.register(BUDGET, self.other("same_name"), status="denied")
        book.register(BUDGET, self.other("colleague"))
        book.register(PARTNERS, canary, status="denied", email=canary.emails[1])
        book.register(PARTNERS, self.other("plus_address"), status="pending")
        book.panelist(PARTNERS, canary)
        book.panelist(PARTNERS, self.other("formula"))

    def deleted(self) -> None:
        """Deleted at the vendor since: reports alone know who was there."""
        book, canary, formula = self.book, self.canary, self.other("formula")
        here = book.attend(DELETED, 0, canary, "gone0canary0registrant", (0, 30))
        other = book.attend(DELETED, 0, formula, "gone0other0registrant0", (0, 45))
        book.ask(here, "Finns det nyheter om ädelträ?", [("Petra Webbvärd", str(HOST["email"]), "I augusti.")])
        book.answer_poll(other, _LOGISTICS, "Ingen")
        book.answer_survey(here, [("Betyg?", "4")])

    def crowd(self) -> None:
        """Everybody else signs up for one of three webinars, half of them come; two were there long ago."""
        book = self.book
        for n, person in enumerate(self.people.crowd):
            webinar = (FRAMEWORK, STEEL, LAUNCH)[n % 3]
            rid = book.register(webinar, person)
            if n % 2:
                guest = book.attend(webinar, 0, person, rid, (n % 20, 40 + n % 20))
                if n % 5 == 0:
                    book.answer_poll(guest, _LOGISTICS, f"{n} dagar")
        for webinar in (OLD, ANCIENT):
            for person in self.people.people[-2:]:
                guest = book.attend(webinar, 0, person, book.register(webinar, person), (0, 60))
                book.answer_poll(guest, _LOGISTICS, "Vet ej")


def _full(person: Person) -> Record:
    """A registration with every field filled in."""
    details: dict[str, Any] = {
        "address": person.street, "city": person.city, "state": "Stockholms län", "zip": person.postal_code,
        "country": person.country, "phone": "070-174 06 05", "job_title": person.title, "industry": person.industry,
        "no_of_employees": "51-250", "purchasing_time_frame": "Within a month",
        "role_in_purchase_process": "Decision Maker", "comments": "Allergisk mot \"jordnötter\";\n=2+5\t|cmd",
        "custom_questions": [
            {"title": "Vad vill du lära dig?", "value": "Allt om 'ramavtal' & <script>rabatt</script>"},
            {"title": "Kundnummer?", "value": person.company.customer_number},
        ],
    }  # fmt: skip
    return details

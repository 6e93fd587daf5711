"""What the person is told before a request is worked on: that it was joined to an open one, who answers it instead,
which right was understood or is asked for; and the mails by which a customer or recruiting hear of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from email.message import EmailMessage
from typing import Any, Final

from dsr.referring import Customer
from dsr.report.acting import page
from dsr.report.answers import controller_values, envelope, filled
from dsr.report.letters import Texts
from dsr.report.ticket_text import day_in_words, ticket_text
from dsr.settings import Settings
from dsr.vocabulary import RIGHTS

OF: Final = "triage"


@dataclass(frozen=True)
class TriageLetter:
    """About one request in one language, "sv" or "en". `right`: one of `vocabulary.RIGHTS`, or UNCLEAR; `received`:
    when the request came in, aware."""

    request_id: str
    language: str
    settings: Settings
    right: str
    received: datetime

    @classmethod
    def of(cls, request: Mapping[str, Any], settings: Settings) -> "TriageLetter":
        """About the request of a case."""
        at = datetime.fromisoformat(request["received_at"])
        return cls(request["request_id"], request["language"], settings, request["right"], at)

    def acknowledged(self, until: date) -> str:
        """That the request has come, by which day it is answered and what happens next (Art. 12(3) GDPR). The same for
        everybody: nothing in it depends on whether anything is held."""
        texts = self._texts()
        intro = texts("acknowledged.intro", right=texts(f"right.{self.right}"), received=self._day(self.received))
        more = [texts(f"acknowledged.{name}") for name in ("next", "identity", "free")]
        return self._rendered([intro, texts("acknowledged.until", until=self._day(until)), *more])

    def joined(self, received: datetime, until: date) -> str:
        """That the same request, received then and to be answered by that day, is open, so that this one was joined to
        it. Nothing by which it could be got at."""
        texts = self._texts()
        intro = texts("joined.intro", right=texts(f"right.{self.right}"), received=self._day(received))
        return self._rendered([intro, texts("joined.until", until=self._day(until)), texts("joined.other")])

    def customer(self, customer: Customer | None) -> str:
        """That a customer of ours answers, with whom to turn to; None = it isn't known which."""
        texts = self._texts()
        to = texts("customer.named", customer=customer.name, mail=customer.mail) if customer else ""
        paragraphs = [texts("customer.intro"), to or texts("customer.unnamed"), texts("customer.here")]
        return self._rendered([*paragraphs, texts("referred.remedy")])

    def recruiting(self, until: date) -> str:
        """That those who handle applications answer, by that day, and where their notice stands."""
        texts, to = self._texts(), self.settings.recruiting
        paragraphs = [texts("recruiting.intro", mail=self._recruiting)]
        paragraphs += [texts("recruiting.notice", notice=to.notice)] if to.notice else []
        days = {"until": self._day(until), "received": self._day(self.received)}
        paragraphs += [texts("recruiting.until", **days), texts("recruiting.here")]
        return self._rendered([*paragraphs, texts("referred.remedy")])

    def which(self, rights: Sequence[str]) -> str:
        """The question which of these rights is meant."""
        texts = self._texts()
        listed = "\n".join([texts("which.intro"), *(f"- {texts(f'right.{right}')}" for right in rights)])
        return self._rendered([listed, texts("which.next", received=self._day(self.received))])

    def taken(self, right: str, until: date) -> str:
        """Which right was understood, and by which day it is answered."""
        texts = self._texts()
        intro = texts("taken.intro", right=texts(f"right.{right}"), until=self._day(until))
        return self._rendered([intro, texts("taken.other")])

    def to_customer(self, customer: Customer, at: datetime) -> EmailMessage:
        """Tells the customer that somebody has turned to us; not who."""
        return self._handover("customer", customer.mail, at, {})

    def to_recruiting(self, ticket_id: str, until: date, at: datetime) -> EmailMessage:
        """Hands the request over; who it is stands in the ticket."""
        return self._handover("recruiting", self._recruiting, at, {"ticket": ticket_id, "until": self._day(until)})

    @property
    def _recruiting(self) -> str:
        return self.settings.recruiting.mail or self.settings.controller.mail

    def _handover(self, kind: str, to: str, at: datetime, more: Mapping[str, str]) -> EmailMessage:
        texts = self._texts()
        right = texts(f"right.{self.right}") if self.right in RIGHTS else texts("handover.none")
        values = {"right": right, "received": self._day(self.received), "reference": self.request_id, **more}
        subject = texts(f"handover.subject_{kind}", reference=self.request_id)
        parts = [texts(f"handover.{kind}", **values), texts(f"handover.{kind}_next")]
        text = "\n\n".join([*parts, texts("handover.reference", reference=self.request_id)]) + "\n"
        message = envelope(self.settings, to, subject, at, f"{self.request_id}.{kind}")
        return filled(message, self.language, text, page(text, subject, self.language))

    def _day(self, day: date) -> str:
        return day_in_words(self.settings, self.language, day)

    def _texts(self) -> Texts:
        return Texts(self.language, controller_values(self.settings), OF)

    def _rendered(self, paragraphs: Sequence[str]) -> str:
        return ticket_text(self.settings, self.language, self.request_id, paragraphs, self.received)

"""The question whether it is really them who asks: mails to the contact on file, and what the ticket says of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Any, Final

from dsr.report.acting import page
from dsr.report.answers import Summary, controller_values, envelope, filled, nothing_found
from dsr.report.letters import Texts
from dsr.report.ticket_text import ticket_text
from dsr.settings import Settings

OF: Final = "identity"


@dataclass(frozen=True)
class IdentityLetter:
    """About one request in one language, "sv" or "en". `right`: erasure, restriction or rectification; `received`: when
    it came, aware, None = it isn't said."""

    request_id: str
    language: str
    settings: Settings
    right: str
    received: datetime | None = None

    @classmethod
    def of(cls, request: Mapping[str, Any], settings: Settings) -> "IdentityLetter":
        """About the request of a case."""
        at = datetime.fromisoformat(request["received_at"])
        return cls(request["request_id"], request["language"], settings, request["right"], at)

    def asking(
        self, to: str, url: str, expires_at: datetime, at: datetime, *, second: bool, reminder: int = 0
    ) -> EmailMessage:
        """The mail with the link, which opens until `expires_at`. `second`: a code in the ticket is needed too;
        `reminder`: 0 = the first mail, 1, 2 … those that remind of it. No value from the ticket goes into it."""
        texts = self._texts()
        paragraphs = [texts("mail.asked", what=texts(f"mail.{self.right}")), texts("mail.open"), url]
        paragraphs += [texts("mail.second")] if second else []
        paragraphs += [texts("mail.until", expires=self._moment(expires_at)), texts("mail.not_you")]
        subject = texts("mail.subject_reminder" if reminder else "mail.subject")
        identity = f"{self.request_id}.identity.{int(expires_at.timestamp())}.{reminder}"
        return self._mail(to, subject, paragraphs, at, identity)

    def code(self, to: str, code: str, until: datetime, at: datetime) -> EmailMessage:
        """The mail with the code, which is good until then."""
        texts = self._texts()
        paragraphs = [texts("mail.code"), code, texts("mail.code_until", expires=self._moment(until))]
        identity = f"{self.request_id}.code.{int(at.timestamp() * 1000)}"
        return self._mail(to, texts("mail.subject_code"), paragraphs, at, identity)

    def ticket(self, second: str) -> str:
        """What the ticket says: the same whether anything is held or not. `second`: the code that is needed besides
        the one by mail, "" for none."""
        texts = self._texts()
        paragraphs = [texts("ticket.asked")]
        paragraphs += [texts("ticket.second"), second] if second else []
        return self._rendered([*paragraphs, texts("ticket.nothing"), texts("ticket.none")])

    def unknown(self, to: str, summary: Summary, at: datetime) -> EmailMessage:
        """The mail to the stated address that nothing is held that surely is theirs, as `summary` has it. It is told
        there and not in the ticket: whoever reads only that learns nothing about anybody."""
        own, texts = self._texts(), Texts(self.language, controller_values(self.settings))
        paragraphs = [own("mail.unknown", what=own(f"mail.{self.right}"))]
        paragraphs += [texts("answer.only_doubtful")] if summary.doubtful else nothing_found(texts, summary)
        paragraphs += [own("mail.unknown_next"), own("mail.unknown_not_you")]
        return self._mail(to, own("mail.subject_unknown"), paragraphs, at, f"{self.request_id}.unknown")

    def _mail(self, to: str, subject: str, paragraphs: list[str], at: datetime, identity: str) -> EmailMessage:
        text = self._rendered(paragraphs)
        message = envelope(self.settings, to, subject, at, identity, self.request_id)
        return filled(message, self.language, text, page(text, subject, self.language))

    def _moment(self, at: datetime) -> str:
        return self._texts().moment(at.astimezone(self.settings.zone))

    def _texts(self) -> Texts:
        return Texts(self.language, controller_values(self.settings), OF)

    def _rendered(self, paragraphs: list[str]) -> str:
        return ticket_text(self.settings, self.language, self.request_id, paragraphs, self.received)

"""The question whether somebody holds the phone of a number: the mail with the links, and the text with the code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Any, Final

from dsr.report.acting import page
from dsr.report.answers import controller_values, envelope, filled
from dsr.report.letters import Texts
from dsr.report.ticket_text import ticket_text
from dsr.settings import Settings

OF: Final = "number"


@dataclass(frozen=True)
class NumberLetter:
    """About one request in one language, "sv" or "en". `received`: when it came, aware, None = it isn't said."""

    request_id: str
    language: str
    settings: Settings
    received: datetime | None = None

    @classmethod
    def of(cls, request: Mapping[str, Any], settings: Settings) -> "NumberLetter":
        """About the request of a case."""
        at = datetime.fromisoformat(request["received_at"])
        return cls(request["request_id"], request["language"], settings, at)

    def asking(self, to: str, pages: Sequence[tuple[str, str]], expires_at: datetime, at: datetime) -> EmailMessage:
        """The mail with a link for each number, which open until `expires_at`. `pages`: the last two digits of a
        number, and the link; no more of it, since who reads the mail may not be whose it is."""
        texts = self._texts()
        paragraphs = [texts("mail.asked"), texts("mail.why")]
        for ends, url in pages:
            paragraphs += [texts("mail.number", ends=ends), url]
        until = texts.moment(expires_at.astimezone(self.settings.zone))
        paragraphs += [texts("mail.until", expires=until), texts("mail.not_you")]
        rendered = ticket_text(self.settings, self.language, self.request_id, paragraphs, self.received)
        subject, identity = texts("mail.subject"), f"{self.request_id}.number.{int(at.timestamp() * 1000)}"
        message = envelope(self.settings, to, subject, at, identity, self.request_id)
        return filled(message, self.language, rendered, page(rendered, subject, self.language))

    def text(self, code: str) -> str:
        """What is sent to the phone. No link in it, and no word of what is held: its reader may not be who asks."""
        return self._texts()("text.code", code=code)

    def _texts(self) -> Texts:
        return Texts(self.language, controller_values(self.settings), OF)

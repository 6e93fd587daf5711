"""What the person is told in the ticket about sending their data to another controller."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from babel.numbers import format_decimal

from dsr.report.answers import controller_values
from dsr.report.letters import Texts
from dsr.report.ticket_text import ticket_text
from dsr.settings import Settings
from dsr.transmission.receipt import Receipt

_LOCALES: Final[Mapping[str, str]] = {"sv": "sv", "en": "en_GB"}


@dataclass(frozen=True)
class Sent:
    """A package that has arrived. `title`: the recipient in words; `at`: in the controller's zone; `sealed`: it needs
    a password or a key that only the person has."""

    title: str
    at: datetime
    receipt: Receipt
    sealed: bool


@dataclass(frozen=True)
class TransmissionLetter:
    """The answers for one request in one language, "sv" or "en". `received`: when it came, aware; None = not said."""

    request_id: str
    language: str
    settings: Settings
    received: datetime | None = None

    @classmethod
    def of(cls, request: Mapping[str, Any], settings: Settings) -> "TransmissionLetter":
        """About the request of a case."""
        at = datetime.fromisoformat(request["received_at"])
        return cls(request["request_id"], request["language"], settings, at)

    def sent(self, sent: Sent) -> str:
        """Where it went and when, and what both sides can compare: size, SHA-256, number of the receipt."""
        texts, size = self._texts(), format_decimal(sent.receipt.bytes, locale=_LOCALES[self.language])
        intro = texts("sent.intro", recipient=sent.title, moment=texts.moment(sent.at))
        facts = texts("sent.facts", bytes=size, sha256=sent.receipt.sha256, receipt_id=sent.receipt.receipt_id)
        sealed = [texts("sent.sealed")] if sent.sealed else []
        return self._rendered([intro, facts, *sealed, texts("sent.theirs", recipient=sent.title)])

    def declined(self) -> str:
        """That it can't be sent directly, and what the person can do."""
        texts = self._texts()
        return self._rendered([texts(f"declined.{name}") for name in ("intro", "instead", "readable")])

    def _texts(self) -> Texts:
        return Texts(self.language, controller_values(self.settings), "transmission")

    def _rendered(self, paragraphs: Sequence[str]) -> str:
        return ticket_text(self.settings, self.language, self.request_id, paragraphs, self.received)

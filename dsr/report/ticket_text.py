"""What every text in a ticket has in common: the frame with complaint and contact, and how a day is written."""

from collections.abc import Sequence
from datetime import date, datetime

from dsr.report.answers import controller_values
from dsr.report.letters import Texts, render
from dsr.settings import Settings


def ticket_text(
    settings: Settings,
    language: str,
    request_id: str,
    paragraphs: Sequence[str],
    received: datetime | None = None,
) -> str:
    """The paragraphs with what Art. 12(4) GDPR wants beside them, in plain text. `received`: when the request came,
    aware; None = it isn't said."""
    texts = Texts(language, controller_values(settings))
    reference = texts.reference(request_id, received.astimezone(settings.zone) if received else None)
    authority = texts.authority(settings.country)
    return render("answer.txt.j2", paragraphs=paragraphs, t=texts, authority=authority, reference=reference)


def day_in_words(settings: Settings, language: str, day: date) -> str:
    """A day, or the day of an aware moment in the controller's time zone: "3 December 2026"."""
    return Texts(language, {}).day(day.astimezone(settings.zone) if isinstance(day, datetime) else day)

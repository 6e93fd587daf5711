"""What every text in a ticket has in common: the frame with complaint and contact, and how a day is written."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from babel.dates import format_date

from dsr.report.answers import controller_values
from dsr.report.letters import Texts, render
from dsr.settings import Settings

_LOCALES: Final = {"sv": "sv", "en": "en_GB"}


def ticket_text(settings: Settings, language: str, request_id: str, paragraphs: Sequence[str]) -> str:
    """The paragraphs with what Art. 12(4) GDPR wants beside them, in plain text."""
    texts = Texts(language, controller_values(settings))
    authority = texts.authority(settings.country)
    return render("answer.txt.j2", paragraphs=paragraphs, t=texts, authority=authority, request_id=request_id)


def day_in_words(settings: Settings, language: str, day: date) -> str:
    """A day, or the day of an aware moment in the controller's time zone: "3 December 2026"."""
    local = day.astimezone(settings.zone) if isinstance(day, datetime) else day
    return format_date(local, "long", locale=_LOCALES[language])

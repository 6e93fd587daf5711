"""What a ticket says of how far its request has come: notes for those who work on tickets, and, stage by stage, words
for the person."""

from collections.abc import Mapping
from typing import Any, Final

from dsr.channels import opendsr, staff
from dsr.progress import Stage, Words
from dsr.report.letters import catalogue
from dsr.report.ticket_text import day_in_words
from dsr.report.triage import TriageLetter
from dsr.settings import Settings

OF: Final = "progress"


def note_words(settings: Settings) -> Words:
    """The notes, in the request's language."""

    def words(stage: Stage, request: Mapping[str, Any]) -> str:
        language = request["language"]
        texts = catalogue(language, OF)["note"]
        until = day_in_words(settings, language, stage.until) if stage.until else ""
        return texts["frame"].format(request_id=request["request_id"], text=texts[stage.code].format(until=until))

    return words


def public_words(settings: Settings) -> Mapping[str, Words]:
    """Stage → what the person is told in the ticket when it is reached; stages without an entry aren't told. Whom an
    officer has entered a request for has no ticket: they confirm it by the way in which it came. Nor has whose request
    another system sent: that has its own receipt, and tells them."""

    def received(stage: Stage, request: Mapping[str, Any]) -> str:
        if stage.until is None or request["channel"] in (staff.NAME, opendsr.NAME):
            return ""
        return TriageLetter.of(request, settings).acknowledged(stage.until)

    return {"received": received}

"""`erase`: registrations, invitations to speak, and chats that nobody else wrote in. The API has no way to the rest.

Cancelling a registration keeps all of it, so it is deleted. Reports on attendance, questions, polls and surveys can
only be read. A chat is one file of a recording, and a recording shows others: its file is deleted for good
(`action=delete`; without it the vendor keeps it 30 days in a bin) only if every message in it is selected.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from dsr.errors import PermanentError
from dsr.model import Outcome
from dsr.selection import Selection
from extractors.tally import Tally
from extractors.webinars.client import NO_REGISTRANT, NO_WEBINAR, PLACE, segment
from extractors.webinars.meetings import Meetings
from extractors.webinars.references import PANELIST, REGISTRANT, Reference

REGISTRATION: Final = "webinar_registration"
PANELISTS: Final = "webinar_panelist"
CHAT: Final = "webinar_chat_message"
_EFFECT: Final = "erase"
_SINGLE: Final = {REGISTRATION: (REGISTRANT, "registrants"), PANELISTS: (PANELIST, "panelists")}
_CLOSED: Final = "zoom.3000"
"""The vendor does not let it be changed (any more)."""
_DELETED: Final = "webinar.deleted"


def erase(meetings: Meetings, selections: Sequence[Selection]) -> Iterator[Outcome]:
    """See `dsr.source.Acting`. "manual": api.none where nothing can be deleted; chat.shared, others wrote in the same
    file; chat.unclear, it isn't as long as the vendor says, or not what was read before; chat.in_bin, the recording
    lies in the vendor's bin; zoom.3000, the vendor doesn't allow it; webinar.deleted, nothing below a deleted webinar
    can be reached, and nobody knows what the vendor keeps of it."""
    tally = Tally(PLACE)
    for dataset, (kind, part) in _SINGLE.items():
        for key, requests in _owners(selections, dataset).items():
            outcome, reason = _delete(meetings, key, kind, part)
            for request_id in requests:
                tally.add(request_id, dataset, _EFFECT, outcome, reason)
    _chats(meetings, selections, tally)
    for selection in selections:
        for dataset in selection.datasets(_EFFECT):
            if dataset not in (*_SINGLE, CHAT):
                tally.rest(selection, dataset, _EFFECT, "manual", "api.none")
        for dataset in selection.datasets("anonymise"):
            tally.rest(selection, dataset, "anonymise", "manual", "api.none")
    yield from tally.outcomes()


def _delete(meetings: Meetings, key: str, kind: str, part: str) -> tuple[str, str]:
    reference = Reference.parse(key)
    if reference is None or reference.kind != kind:
        raise PermanentError("reference.invalid", PLACE)
    path = f"/webinars/{segment(reference.webinar)}/{part}/{segment(reference.person)}"
    try:
        meetings.delete(path)
    except PermanentError as error:
        if error.code == NO_REGISTRANT:
            return "absent", ""
        if error.code == NO_WEBINAR:  # a panelist that there isn't comes under the same number
            gone = kind == REGISTRANT or meetings.webinar(reference.webinar) is None
            return ("manual", _DELETED) if gone else ("absent", "")
        if error.code == _CLOSED:
            return "manual", _CLOSED
        raise
    return "done", ""


def _owners(selections: Sequence[Selection], dataset: str) -> dict[str, list[str]]:
    owners: dict[str, list[str]] = {}
    for selection in selections:
        for key in selection.ids(dataset, _EFFECT):
            owners.setdefault(key, []).append(selection.request_id)
    return owners


def _chats(meetings: Meetings, selections: Sequence[Selection], tally: Tally) -> None:
    """Chat files, each once for all who wrote in it."""
    files: dict[tuple[str, str], dict[str, set[str]]] = {}
    about: dict[tuple[str, str], tuple[str, str]] = {}
    for selection in selections:
        for batch in selection.batches(CHAT, _EFFECT):
            for row in batch.to_pylist():
                uuid = str(row["webinar_uuid"])
                file_id, _, number = str(row["_source_id"]).removeprefix(f"{uuid}:chat:").rpartition(":")
                files.setdefault((uuid, file_id), {}).setdefault(selection.request_id, set()).add(number)
                about[uuid, file_id] = str(row["webinar_id"]), str(row["recording_start"] or "")
    for (uuid, file_id), lines in files.items():
        selected = set().union(*lines.values())
        outcome, reason = _chat(meetings, uuid, file_id, selected, about[uuid, file_id])
        for request_id, numbers in lines.items():
            tally.add(request_id, CHAT, _EFFECT, outcome, reason, count=len(numbers))


def _chat(
    meetings: Meetings, uuid: str, file_id: str, selected: set[str], about: tuple[str, str]
) -> tuple[str, str]:  # fmt: skip
    files = meetings.recording(uuid).get("recording_files") or []
    file = next((f for f in files if str(f.get("id")) == file_id), None)
    if file is None:
        return ("manual", "chat.in_bin") if _is_binned(meetings, uuid, *about) else ("absent", "")
    found = meetings.chat(file)
    written = {str(message.number) for message in found.messages}
    if written - selected:
        return "manual", "chat.shared"
    if written != selected or not found.whole:  # of a part of it, or of another file, nobody knows who else wrote in it
        return "manual", "chat.unclear"
    path = f"/meetings/{segment(uuid)}/recordings/{segment(file_id)}"
    return ("done", "") if meetings.delete_file(path) else ("absent", "")


def _is_binned(meetings: Meetings, uuid: str, webinar: str, start: str) -> bool:
    """Whether anything of the recording lies in the vendor's bin; unknown counts as so."""
    host = str((meetings.webinar(webinar) or meetings.report(uuid)).get("host_id") or "")
    return not host or not start or meetings.trashed_files(uuid, host, start[:10]) > 0

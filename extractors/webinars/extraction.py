"""Extracting: all that hangs on the matches, webinar by webinar, each report read once for all subjects."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, Final

from dsr.errors import TransientError
from dsr.model import Match, Piece, Rows, Withheld
from dsr.schema import batch
from extractors.ahead import Ahead
from extractors.webinars import chat
from extractors.webinars.carried import email
from extractors.webinars.client import PLACE, Record, moment
from extractors.webinars.meetings import Meetings
from extractors.webinars.seats import Guest, Seat, guests, seat

THIRD_PARTY = "third_party"
_WEBINARS: Final = 3
_CALLS: Final = 4
"""So many webinars, and so many calls for all of them, of one request at a time."""
_ANSWER_FIELDS = ("type", "content", "create_time")
"""What of an answer to a person's question isn't about the one who answered."""


@dataclass
class _Harvest:
    """What one subject gets out of one webinar or instance."""

    request_id: str
    records: dict[str, list[tuple[str, Record]]] = field(default_factory=dict)
    withheld: dict[str, int] = field(default_factory=dict)

    def add(self, dataset: str, source_id: str, *parts: Mapping[str, Any]) -> None:
        """Keep a record made of `parts`; the vendor's empty texts and lists mean absence."""
        record = {k: v for part in parts for k, v in part.items() if v not in ("", None, [])}
        self.records.setdefault(dataset, []).append((source_id, record))

    def withhold(self, dataset: str, count: int) -> None:
        """Count what is not disclosed, since it is or may be about somebody else."""
        self.withheld[dataset] = self.withheld.get(dataset, 0) + count

    def pieces(self) -> Iterator[Piece]:
        """As the contract wants it."""
        for dataset, records in self.records.items():
            yield Rows(self.request_id, dataset, batch(dataset, records))
        for dataset, count in self.withheld.items():
            if count:
                yield Withheld(self.request_id, dataset, THIRD_PARTY, count)


def extract(meetings: Meetings, matches: Sequence[Match]) -> Iterator[Piece]:
    """Pieces of all subjects. Calls depend on the webinars and their instances, not on how many subjects there are."""
    with Ahead(_WEBINARS) as webinars, Ahead(_CALLS) as calls:
        tables = guests(matches).items()
        yield from webinars.whole(
            _Webinar(meetings, calls, key, list(table.values())).pieces() for key, table in tables
        )


class _Webinar:
    def __init__(self, meetings: Meetings, calls: Ahead, webinar: str, table: list[Guest]) -> None:
        self._meetings, self._calls, self._id, self._table = meetings, calls, webinar, table
        self._info: Record = {}
        self._registrants: dict[str, Record] = {}

    def pieces(self) -> Iterator[Piece]:
        past, info = (
            self._calls.ask(self._meetings.instances, self._id),
            self._calls.ask(self._meetings.webinar, self._id),
        )
        wanted = {key for guest in self._table for key in guest.registrants}
        signed_up = self._calls.ask(self._meetings.registrants, self._id, wanted) if wanted else None
        speaking = any(guest.panelists for guest in self._table)
        invited = self._calls.ask(self._meetings.panelists, self._id) if speaking else None
        instances = past.result()
        instances |= {uuid: "" for guest in self._table for uuid, _ in guest.users if uuid not in instances}
        self._info = info.result() or self._from_report(instances)
        self._registrants = (signed_up.result() if signed_up else None) or {}
        yield from self._invitations(invited.result() if invited else [])
        came = self._calls.one_by_one(map(self._came, instances))
        for (uuid, start), (participants, reported) in zip(instances.items(), came, strict=True):
            yield from self._instance(uuid, start, participants, reported)

    def _came(self, uuid: str) -> Iterator[tuple[list[Record], bool]]:
        yield self._meetings.participants(uuid)

    def _from_report(self, instances: Mapping[str, str]) -> Record:
        """Topic of a webinar that the vendor has deleted."""
        report = self._meetings.report(next(iter(instances))) if instances else {}
        return {"topic": report.get("topic"), "start_time": report.get("start_time")}

    def _about(self, uuid: str = "") -> Record:
        return {"webinar_id": int(self._id), "webinar_topic": self._info.get("topic"), "webinar_uuid": uuid}

    def _invitations(self, invited: Sequence[Record]) -> Iterator[Piece]:
        """Registrations and invitations to speak."""
        panelists = {str(p.get("id")): p for p in invited}
        about = {**self._about(), "webinar_start_time": self._info.get("start_time")}
        for guest in self._table:
            harvest = _Harvest(guest.request_id)
            for key in sorted(guest.registrants & self._registrants.keys()):
                guest.registered[key] = email(self._registrants[key].get("email"))
                harvest.add("webinar_registration", f"{self._id}:r:{key}", about, self._registrants[key])
            for key in sorted(guest.panelists & panelists.keys()):
                harvest.add("webinar_panelist", f"{self._id}:p:{key}", about, panelists[key])
            yield from harvest.pieces()

    def _instance(self, uuid: str, start: str, participants: list[Record], reported: bool) -> Iterator[Piece]:
        seats = [seat(guest, uuid, participants) for guest in self._table]
        harvests = [_Harvest(guest.request_id) for guest in self._table]
        about, ask, meetings = self._about(uuid), self._calls.ask, self._meetings
        questions, polls = (ask(meetings.questions, uuid, part, reported) for part in ("qa", "polls"))
        survey = ask(meetings.survey, uuid) if reported else None
        there = any(place.rows for place in seats)
        recording = _Recording(meetings, self._calls, uuid, self._host(), start) if there else None
        self._attendance(about, participants, seats, harvests)
        for place, harvest in zip(seats, harvests, strict=True):
            _questions(harvest, place, about, questions.result())
            _poll_answers(harvest, place, about, polls.result())
            _survey_answers(harvest, place, about, survey.result() if survey else {})
            if recording is not None and place.rows:
                recording.reap(harvest, place, about)
            yield from harvest.pieces()

    def _host(self) -> str:
        return str(self._info.get("host_id") or "")

    def _attendance(
        self, about: Record, participants: list[Record], seats: list[Seat], harvests: list[_Harvest]
    ) -> None:
        uuid = str(about["webinar_uuid"])
        present = {str(row.get("registrant_id") or "") for row in participants}
        approved = {key for key, r in self._registrants.items() if r.get("status") == "approved"}
        missing = [sorted((place.guest.registrants & approved) - present) for place in seats]
        absentees = self._meetings.absentees(uuid) if any(missing) else set()
        for place, harvest, keys in zip(seats, harvests, missing, strict=True):
            for row in place.rows:
                source_id = f"{self._id}:a:{uuid}:{row.get('user_id')}:{row.get('join_time')}"
                harvest.add("webinar_attendance", source_id, about, row, {"attended": True})
            for key in absentees.intersection(keys):
                absence = {"registrant_id": key, "attended": False}
                harvest.add("webinar_attendance", f"{self._id}:x:{uuid}:{key}", about, absence)
            harvest.withhold("webinar_attendance", len(place.unsure))


def _questions(harvest: _Harvest, place: Seat, about: Record, rows: Sequence[Record]) -> None:
    """Own questions with their answers; who answered is left out and counted."""
    for who, number, _, detail in _details(harvest, "webinar_question", place, rows):
        given = detail.pop("answer_details", None) or []
        answers = [{k: a[k] for k in _ANSWER_FIELDS if k in a} for a in given]
        harvest.withhold("webinar_question", sum(1 for a in given if set(a) - set(_ANSWER_FIELDS)))
        source_id = f"{about['webinar_uuid']}:q:{detail.get('question_id') or number}"
        harvest.add("webinar_question", source_id, about, who, detail, {"answers": answers})


def _poll_answers(harvest: _Harvest, place: Seat, about: Record, rows: Sequence[Record]) -> None:
    for who, row, number, detail in _details(harvest, "webinar_poll_answer", place, rows):
        harvest.add("webinar_poll_answer", f"{about['webinar_uuid']}:poll:{row}:{number}", about, who, detail)


def _survey_answers(harvest: _Harvest, place: Seat, about: Record, survey: Record) -> None:
    """Surveys are open to anyone with the link, who types a name: only an address tells whose an answer is, and
    only one that is the person's alone."""
    head = {k: survey.get(k) for k in ("survey_id", "survey_name")}
    rows = [r if email(r.get("email")) in place.guest.emails else {} for r in survey.get("survey_answers") or []]
    for who, row, number, detail in _details(harvest, "webinar_survey_answer", place, rows, "answer_details"):
        source_id = f"{about['webinar_uuid']}:survey:{row}:{number}"
        harvest.add("webinar_survey_answer", source_id, about, head, who, detail)


def _details(
    harvest: _Harvest, dataset: str, place: Seat, rows: Sequence[Record], key: str = "question_details"
) -> Iterator[tuple[Record, int, int, Record]]:
    """The guest's entries of a report: person fields, number of the row, number within it, entry. What may be
    theirs but can't be told from somebody else's is counted as withheld."""
    for row_number, row in enumerate(rows, 1):
        entries = row.get(key) or []
        owned = place.owns(row)
        if owned is None:
            harvest.withhold(dataset, len(entries))
        if owned:
            who = {k: v for k, v in row.items() if k != key}
            for number, entry in enumerate(entries, 1):
                yield who, row_number, number, dict(entry)


class _Recording:
    """The recording of an instance, read once: chat for those who were there, the rest withheld."""

    def __init__(self, meetings: Meetings, calls: Ahead, uuid: str, host: str, start: str) -> None:
        self._meetings, self._calls, begun = meetings, calls, moment(start)
        self._recording = calls.ask(meetings.recording, uuid)
        day = begun.strftime("%Y-%m-%d") if host and begun else ""
        self._binned = calls.ask(meetings.trashed_files, uuid, host, day) if day else None

    @cached_property
    def _files(self) -> list[Record]:
        files: list[Record] = self._recording.result().get("recording_files") or []
        if any(f.get("status") == "processing" for f in files if f.get("file_type") == "CHAT"):
            raise TransientError("recording.processing", PLACE, timedelta(minutes=15))
        return files

    @cached_property
    def _chats(self) -> list[tuple[Record, list[chat.Message]]]:
        texts = [f for f in self._files if f.get("file_type") == "CHAT"]
        read = self._calls.each(self._meetings.chat, texts)
        return [(f, list(found.messages)) for f, found in zip(texts, read, strict=True)]

    @cached_property
    def _others(self) -> int:
        return len(self._files) - len(self._chats) + (self._binned.result() if self._binned else 0)

    def reap(self, harvest: _Harvest, place: Seat, about: Record) -> None:
        """Own lines; others' lines and the files that show others are counted."""
        harvest.withhold("webinar_attendance", self._others)
        for file, messages in self._chats:
            for message in messages:
                if not place.is_named(message.name):
                    harvest.withhold("webinar_chat_message", 1)
                    continue
                text, quotes = chat.own_words(message.text)
                harvest.withhold("webinar_chat_message", int(quotes))
                source_id = f"{about['webinar_uuid']}:chat:{file.get('id')}:{message.number}"
                line = {"name": message.name, "offset": message.offset, "message": text}
                line["recording_start"] = str(file.get("recording_start") or "")
                harvest.add("webinar_chat_message", source_id, about, line)

"""Typed reads of the vendor's objects, each with what a missing one means."""

from collections.abc import Collection, Iterator
from typing import Any

from dsr.errors import PermanentError, TransientError
from extractors.webinars.chat import Chat, messages
from extractors.webinars.client import (
    NO_RECORDING,
    NO_REGISTRANT,
    NO_WEBINAR,
    OUT_OF_REACH,
    PLACE,
    Record,
    Zoom,
    segment,
)

STATUSES = ("approved", "pending", "denied")
_PER_PAGE = 300
_ABOUT = frozenset({"id", "uuid", "start_time", "total_records"})
"""What an answer says of the webinar that it is about."""


class Meetings:
    """Reads, and deletes, through a `Zoom` client. Webinars are named by id, their past instances by UUID."""

    def __init__(self, zoom: Zoom) -> None:
        self._zoom = zoom

    def reach(self, hosts: Collection[str]) -> None:
        """One call, for one user or for one webinar of the first of these hosts: whether the vendor lets us in."""
        path = f"/users/{segment(next(iter(hosts)))}/webinars" if hosts else "/users"
        self._zoom.get(path, {"page_size": 1})

    def webinar(self, webinar: str) -> Record | None:
        """The webinar; None when the vendor has deleted it."""
        return _about(self._unless((NO_WEBINAR,), f"/webinars/{segment(webinar)}"), "id")

    def instances(self, webinar: str) -> dict[str, str]:
        """Start times of the past instances by UUID; {} when there was none yet."""
        answer = self._unless((NO_WEBINAR,), f"/past_webinars/{segment(webinar)}/instances")
        return {str(i["uuid"]): str(i.get("start_time") or "") for i in _listed(answer, "webinars") if i.get("uuid")}

    def registrants(self, webinar: str, wanted: Collection[str]) -> dict[str, Record] | None:
        """Registrants by id, as few calls as it takes; those that are gone are absent. None when the webinar is.

        One by one for a few. For many the lists of three statuses, if those are fewer pages; who isn't there (a
        cancelled registration is in none) is asked for alone.
        """
        found: dict[str, Record] = {}
        if len(wanted) > len(STATUSES) and self._listing_pays(webinar, len(wanted)):
            everybody = self.all_registrants(webinar)
            if everybody is None:
                return None
            found = {str(r.get("id")): r for r in everybody if r.get("id") in wanted}
        for registrant in sorted(set(wanted) - found.keys()):
            path = f"/webinars/{segment(webinar)}/registrants/{segment(registrant)}"
            try:
                found[registrant] = _of(registrant, self._zoom.get(path))
            except PermanentError as error:
                if error.code == NO_WEBINAR:
                    return None
                if error.code != NO_REGISTRANT:
                    raise
        return found

    def _listing_pays(self, webinar: str, wanted: int) -> bool:
        """Whether the three lists are fewer calls than `wanted`; asks how many were approved."""
        answer = self._unless((NO_WEBINAR,), f"/webinars/{segment(webinar)}/registrants", {"page_size": 1})
        total = (answer or {}).get("total_records", 0)
        return isinstance(total, int) and total // _PER_PAGE + len(STATUSES) < wanted

    def all_registrants(self, webinar: str) -> list[Record] | None:
        """Everybody who signed up, in all three statuses: the vendor's default gives the approved only. None when
        the webinar is gone."""
        path, everybody = f"/webinars/{segment(webinar)}/registrants", []
        try:
            for status in STATUSES:
                everybody += list(self._zoom.list(path, "registrants", {"status": status}))
        except PermanentError as error:
            if error.code != NO_WEBINAR:
                raise
            return None
        return everybody

    def panelists(self, webinar: str) -> list[Record]:
        """Those who were invited to speak; [] also when the webinar is gone."""
        answer = self._unless((NO_WEBINAR,), f"/webinars/{segment(webinar)}/panelists")
        return _listed(answer, "panelists")

    def participants(self, uuid: str) -> tuple[list[Record], bool]:
        """Who was there, every stay a row, and whether `/report` reaches back so far. Older ones come from
        `/past_webinars`; beyond its year there are none."""
        try:
            path = f"/report/webinars/{segment(uuid)}/participants"
            return list(self._zoom.list(path, "participants", {"include_fields": "registrant_id"})), True
        except PermanentError as error:
            if error.code not in OUT_OF_REACH:
                raise
        try:
            return list(self._zoom.list(f"/past_webinars/{segment(uuid)}/participants", "participants")), False
        except PermanentError as error:
            if error.code not in OUT_OF_REACH:
                raise
        return [], False

    def absentees(self, uuid: str) -> set[str]:
        """Ids of registrants who did not come; empty when the vendor no longer tells."""
        try:
            rows = self._zoom.list(f"/past_webinars/{segment(uuid)}/absentees", "registrants")
            return {str(row["id"]) for row in rows if row.get("id")}
        except PermanentError as error:
            if error.code not in (NO_WEBINAR, *OUT_OF_REACH):
                raise
        return set()

    def questions(self, uuid: str, part: str, reported: bool) -> list[Record]:
        """`qa` or `polls` of an instance: people, each with `question_details`. `reported` as of `participants`."""
        base = "report/webinars" if reported else "past_webinars"
        answer = self._unless(OUT_OF_REACH, f"/{base}/{segment(uuid)}/{part}")
        return _listed(answer, "questions")

    def survey(self, uuid: str) -> Record:
        """The survey's report; {} when it is out of reach."""
        answer = self._unless(OUT_OF_REACH, f"/report/webinars/{segment(uuid)}/survey")
        return _about(answer, "webinar_id", "webinar_uuid", "survey_id", "survey_answers") or {}

    def report(self, uuid: str) -> Record:
        """Head of an instance's report (topic, times, host); {} when it is out of reach."""
        return (
            _about(self._unless((NO_WEBINAR, *OUT_OF_REACH), f"/report/webinars/{segment(uuid)}"), "uuid", "id") or {}
        )

    def recording(self, uuid: str) -> Record:
        """The instance's recording with `recording_files`; {} when it wasn't recorded or is deleted."""
        return _about(self._unless((NO_RECORDING,), f"/meetings/{segment(uuid)}/recordings"), "uuid", "id") or {}

    def trashed_files(self, uuid: str, host: str, day: str) -> int:
        """How many files of the instance's recording lie in the vendor's bin, where they stay for 30 days and can't
        be downloaded. `day`: the date of the recording."""
        params = {"trash": "true", "trash_type": "meeting_recordings", "from": day, "to": day}
        meetings = self._zoom.list(f"/users/{segment(host)}/recordings", "meetings", params)
        return sum(len(m.get("recording_files") or []) for m in meetings if m.get("uuid") == uuid)

    def chat(self, file: Record) -> Chat:
        """What is in a recording's chat file. TransientError("body.invalid") when no message can be told in what came,
        since there is no such file where nobody wrote."""
        content, size = self._zoom.content(str(file.get("download_url"))), file.get("file_size")
        found = Chat(tuple(messages(content)), size is None or size == len(content))
        if size != 0 and not any(message.offset for message in found.messages):
            raise TransientError("body.invalid", PLACE)
        return found

    def delete(self, path: str) -> None:
        """Deletes what is at that path. PermanentError("zoom.<number>") when the vendor says why not."""
        self._zoom.delete(path)

    def delete_file(self, path: str) -> bool:
        """Deletes a recording's file for good, past the bin; False when there is none."""
        try:
            self._zoom.delete(path, {"action": "delete"})
        except PermanentError as error:
            if error.code != NO_RECORDING:
                raise
            return False
        return True

    def users(self) -> Iterator[str]:
        """Ids of the account's users."""
        return (str(u["id"]) for u in self._zoom.list("/users", "users", {"status": "active"}) if u.get("id"))

    def webinars(self, user: str) -> Iterator[Record]:
        """A user's webinars; about 30 days after its date one drops out of this list."""
        return self._zoom.list(f"/users/{segment(user)}/webinars", "webinars", {"type": "scheduled"})

    def history(self, start: str, end: str) -> list[Record] | None:
        """Past instances between two dates, a month at most; None when that is too long ago for the vendor."""
        params = {"from": start, "to": end, "meeting_type": "webinar"}
        try:
            return list(self._zoom.list("/report/history_meetings", "history_meetings", params))
        except PermanentError as error:
            if error.code not in OUT_OF_REACH:
                raise
        return None

    def _unless(self, codes: Collection[str], path: str, params: dict[str, Any] | None = None) -> Record | None:
        """One object; None when the vendor answers one of `codes`."""
        try:
            return self._zoom.get(path, params)
        except PermanentError as error:
            if error.code not in codes:
                raise
        return None


def _about(answer: Record | None, *names: str) -> Record | None:
    """The same. TransientError("body.invalid") when it doesn't even say, by one of these names, what it is about."""
    if answer is not None and not answer.keys() & set(names):
        raise TransientError("body.invalid", PLACE)
    return answer


def _of(record_id: str, answer: Record) -> Record:
    """The same. TransientError("body.invalid") when it is another's than was asked for."""
    if str(answer.get("id")) != record_id:
        raise TransientError("body.invalid", PLACE)
    return answer


def _listed(answer: Record | None, key: str) -> list[Record]:
    """The records of a list; [] without an answer. TransientError("body.invalid") for one of another form: only one
    that says what it is of may lack an empty list."""
    rows = [] if answer is None else answer.get(key)
    if rows is None and answer is not None and answer.keys() & _ABOUT:
        rows = []
    if not isinstance(rows, list):
        raise TransientError("body.invalid", PLACE)
    return [row for row in rows if isinstance(row, dict)]

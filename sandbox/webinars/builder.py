"""Builds the vendor's documents and the truth about them side by side, so that neither is read from the other."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sandbox.people import Expected, Person, Truth

HOST = {"id": "KdYKjnimT4KPd8FFgQt9FQ", "email": "petra.webbvard@arrangor.example", "first_name": "Petra",
        "last_name": "Webbvärd", "type": 2, "status": "active"}  # fmt: skip
Record = dict[str, Any]


@dataclass(frozen=True)
class Webinar:
    """One webinar of the script. `days`: its first date, counted from today. `gone`: deleted at the vendor, so that
    only history and reports know it. `instances`: uuid of each date, a week apart; () = still to come."""

    number: int
    topic: str
    days: int
    instances: tuple[str, ...] = ()
    gone: bool = False
    known: bool = True


@dataclass(frozen=True)
class Attendee:
    """One row of a participants report, as later events in the same instance refer to it."""

    webinar: Webinar
    uuid: str
    person: Person
    name: str
    email: str
    user_id: str
    expected: Expected


@dataclass
class Line:
    """One chat message; `shown`: what of it is the writer's own, "" = as written."""

    second: int
    attendee: Attendee
    text: str
    expected: Expected
    shown: str = ""


@dataclass
class Builder:
    """Collects `documents` (collection → id → document) and `truths`. Times are counted from `today`, 08:00 UTC."""

    today: date
    documents: dict[str, dict[str, Record]] = field(default_factory=dict)
    truths: list[Truth] = field(default_factory=list)
    _chat: dict[str, list[Line]] = field(default_factory=dict)
    _counts: dict[tuple[str, ...], int] = field(default_factory=dict)
    _registered: list[tuple[Webinar, Person, Record, Expected]] = field(default_factory=list)
    _present: set[tuple[str, str]] = field(default_factory=set)

    def webinar(self, webinar: Webinar) -> None:
        """Add a webinar and its instances."""
        start = self.at(webinar, 0)
        common = {"topic": webinar.topic, "duration": 60}
        document = {
            "uuid": webinar.instances[-1] if webinar.instances else f"upcoming{webinar.number}==",
            "id": webinar.number, "host_id": HOST["id"], **common, "agenda": "", "start_time": start,
            "type": 9 if len(webinar.instances) > 1 else 5, "timezone": "Europe/Stockholm", "gone": webinar.gone,
            "created_at": self.at(webinar, -30 * 1440), "join_url": f"https://zoom.example/j/{webinar.number}",
        }  # fmt: skip
        self._put("webinar", str(webinar.number), document)
        for n, uuid in enumerate(webinar.instances):
            times = {"start_time": self.at(webinar, n * 10080), "end_time": self.at(webinar, n * 10080 + 60)}
            self._put("instance", uuid, {"uuid": uuid, "webinar_id": webinar.number, **common, **times})
            report: Record = {"participants": [], "qa": {"questions": []}, "polls": {"questions": []}}
            survey = {"survey_id": f"survey{webinar.number}", "survey_name": "Utvärdering", "survey_answers": []}
            self._put("report", uuid, report | {"survey": survey})

    def register(
        self, webinar: Webinar, person: Person, *, email: str = "", status: str = "approved",
        expected: Expected = "package", details: Mapping[str, Any] | None = None,
    ) -> str:  # fmt: skip
        """Sign a person up. → the registrant's id."""
        rid = hashlib.sha256(f"{webinar.number}:{person.key}:{email}".encode()).hexdigest()[:22]
        address = email or person.email
        registrant = {
            "id": rid, "email": address, "first_name": person.given, "last_name": person.family, "address": "",
            "city": "", "state": "", "zip": "", "country": "", "phone": "", "org": person.company.name,
            "job_title": "", "industry": "", "no_of_employees": "", "purchasing_time_frame": "",
            "role_in_purchase_process": "", "comments": "", "custom_questions": [], "status": status,
            "create_time": self.at(webinar, -7 * 1440), "join_url": f"https://zoom.example/w/{webinar.number}?tk={rid}",
            **(details or {}),
        }  # fmt: skip
        self._put(
            "registrant", f"{webinar.number}:{rid}", {"webinar_id": str(webinar.number), "registrant": registrant}
        )
        shown = {**self._about(webinar), "webinar_start_time": self.at(webinar, 0), **registrant}
        self._tell(webinar, person, "webinar_registration", f"{webinar.number}:r:{rid}", shown, expected)
        if status == "approved":
            self._registered.append((webinar, person, registrant, expected))
        return rid

    def panelist(self, webinar: Webinar, person: Person) -> None:
        """Invite a person to speak."""
        pid = hashlib.sha256(f"panelist:{webinar.number}:{person.key}".encode()).hexdigest()[:22]
        panelist = {"id": pid, "email": person.email, "name": person.name}
        panelist["join_url"] = f"https://zoom.example/w/{webinar.number}?tk={pid}"
        self._put("panelist", f"{webinar.number}:{pid}", {"webinar_id": str(webinar.number), "panelist": panelist})
        shown = {**self._about(webinar), "webinar_start_time": self.at(webinar, 0), **panelist}
        self._tell(webinar, person, "webinar_panelist", f"{webinar.number}:p:{pid}", shown, "package")

    def attend(
        self, webinar: Webinar, nth: int, person: Person, rid: str, minutes: tuple[int, int], *,
        email: str | None = None, name: str = "", expected: Expected = "package",
    ) -> Attendee:  # fmt: skip
        """Add a row to the participants report: from and to which minute somebody was there."""
        uuid = webinar.instances[nth]
        user_id = str(16778240 + 1024 * self._next("user", uuid))
        begin = nth * 10080
        address = person.email if email is None else email
        row = {
            "id": "", "user_id": user_id, "name": name or person.name, "user_email": address,
            "join_time": self.at(webinar, begin + minutes[0]), "leave_time": self.at(webinar, begin + minutes[1]),
            "duration": (minutes[1] - minutes[0]) * 60, "registrant_id": rid, "status": "in_meeting",
            "failover": False, "internal_user": False,
        }  # fmt: skip
        self.documents["report"][uuid]["participants"].append(row)
        self._present.add((uuid, rid))
        shown = {**self._about(webinar, uuid), **row, "attended": True}
        source_id = f"{webinar.number}:a:{uuid}:{user_id}:{row['join_time']}"
        self._tell(webinar, person, "webinar_attendance", source_id, shown, expected)
        return Attendee(webinar, uuid, person, str(row["name"]), address, user_id, expected)

    def ask(self, attendee: Attendee, question: str, answers: Iterable[tuple[str, str, str]]) -> None:
        """Put a question; `answers`: (name, e-mail, text) of those who answered."""
        number = self._next("question", attendee.uuid)
        moment = self._moment(attendee, 10 + number)
        details = [
            {"user_id": f"staff{n}", "name": name, "email": address, "type": "answered live" if n else "text",
             "content": text, "create_time": moment}
            for n, (name, address, text) in enumerate(answers)
        ]  # fmt: skip
        head = {"question": question, "question_id": f"q{number}", "create_time": moment}
        head |= {
            "question_status": "answered" if details else "open",
            "answer": "; ".join(d["content"] for d in details),
        }
        who = {"user_id": attendee.user_id, "name": attendee.name, "email": attendee.email}
        detail = {**head, "answer_details": details}
        self.documents["report"][attendee.uuid]["qa"]["questions"].append({**who, "question_details": [detail]})
        open_answers = [{k: d[k] for k in ("type", "content", "create_time")} for d in details]
        shown = {**self._about(attendee.webinar, attendee.uuid), **who, **head, "answers": open_answers}
        source_id = f"{attendee.uuid}:q:q{number}"
        self._tell(attendee.webinar, attendee.person, "webinar_question", source_id, shown, attendee.expected)

    def answer_poll(self, attendee: Attendee, question: str, answer: str, *, email: str | None = None) -> None:
        """Answer a poll question; polls know no ids of people."""
        polling_id = f"poll-{hashlib.sha256(question.encode()).hexdigest()[:8]}"
        who = {"name": attendee.name, "email": attendee.email if email is None else email}
        detail = {"answer": answer, "date_time": self._moment(attendee, 20), "polling_id": polling_id,
                  "question": question}  # fmt: skip
        rows = self.documents["report"][attendee.uuid]["polls"]["questions"]
        rows.append({**who, "question_details": [detail]})
        shown = {**self._about(attendee.webinar, attendee.uuid), **who, **detail}
        source_id = f"{attendee.uuid}:poll:{len(rows)}:1"
        self._tell(attendee.webinar, attendee.person, "webinar_poll_answer", source_id, shown, attendee.expected)

    def answer_survey(self, attendee: Attendee, answers: Iterable[tuple[str, str]]) -> None:
        """Fill in the survey after the webinar."""
        survey = self.documents["report"][attendee.uuid]["survey"]
        moment = self._moment(attendee, 90)
        who = {"name": attendee.name, "email": attendee.email}
        details = [{"question": q, "answer": a, "date_time": moment} for q, a in answers]
        survey["survey_answers"].append({**who, "answer_details": details})
        names = {k: survey[k] for k in ("survey_id", "survey_name")}
        for n, detail in enumerate(details, 1):
            shown = {**self._about(attendee.webinar, attendee.uuid), **names, **who, **detail}
            source_id = f"{attendee.uuid}:survey:{len(survey['survey_answers'])}:{n}"
            self._tell(attendee.webinar, attendee.person, "webinar_survey_answer", source_id, shown, attendee.expected)

    def say(
        self, attendee: Attendee, second: int, text: str, shown: str = "", expected: Expected | None = None
    ) -> None:
        """Write into the chat, that many seconds after the recording began."""
        line = Line(second, attendee, text, expected or attendee.expected, shown)
        self._chat.setdefault(attendee.uuid, []).append(line)

    def record(self, webinar: Webinar, nth: int, files: Mapping[str, tuple[str, bytes]], trashed: bool = False) -> None:
        """Keep a recording: file type → (media type, bytes); the chat file is made of what was said."""
        uuid = webinar.instances[nth]
        begin, end = self.at(webinar, nth * 10080), self.at(webinar, nth * 10080 + 60)
        names = []
        for kind, (media_type, content) in {**files, **self._chat_file(webinar, uuid, begin)}.items():
            file_id = hashlib.sha256(f"{uuid}:{kind}".encode()).hexdigest()[:24]
            names.append(file_id)
            row = {"id": file_id, "meeting_id": uuid, "recording_start": begin, "recording_end": end,
                   "file_type": kind, "file_extension": _EXTENSIONS[kind], "file_size": len(content),
                   "status": "completed", "recording_type": _RECORDING_TYPES[kind]}  # fmt: skip
            text = base64.b64encode(content).decode()
            self._put("file", file_id, {"row": row, "content": text, "media_type": media_type, "trashed": trashed})
        head = {"uuid": uuid, "id": webinar.number, "host_id": HOST["id"], "topic": webinar.topic, "type": 5}
        head |= {"start_time": begin, "duration": 60, "timezone": "Europe/Stockholm"}
        self._put("recording", uuid, {**head, "files": names})

    def _chat_file(self, webinar: Webinar, uuid: str, begin: str) -> dict[str, tuple[str, bytes]]:
        lines = sorted(self._chat.get(uuid, []), key=lambda line: line.second)
        file_id = hashlib.sha256(f"{uuid}:CHAT".encode()).hexdigest()[:24]
        text = ""
        for number, line in enumerate(lines, 1):
            clock = str(timedelta(seconds=line.second)).rjust(8, "0")
            text += f"{clock}\t{line.attendee.name}:\t" + line.text.replace("\n", "\r\n") + "\r\n"
            about = self._about(webinar, uuid)
            shown = {**about, "name": line.attendee.name, "recording_start": begin, "offset": clock}
            shown["message"] = line.shown or line.text
            source_id = f"{uuid}:chat:{file_id}:{number}"
            self._tell(webinar, line.attendee.person, "webinar_chat_message", source_id, shown, line.expected)
        return {"CHAT": ("text/plain", text.encode())} if text else {}

    def finish(self) -> None:
        """Those who signed up and did not come are absentees of every instance."""
        for webinar, person, registrant, expected in self._registered:
            for uuid in webinar.instances:
                if (uuid, registrant["id"]) not in self._present:
                    shown = {**self._about(webinar, uuid), "registrant_id": registrant["id"], "attended": False}
                    source_id = f"{webinar.number}:x:{uuid}:{registrant['id']}"
                    self._tell(webinar, person, "webinar_attendance", source_id, shown, expected)

    def at(self, webinar: Webinar, minute: int) -> str:
        """A vendor time, that many minutes after the webinar began."""
        begin = datetime.combine(self.today + timedelta(days=webinar.days), time(8), UTC)
        return (begin + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _moment(self, attendee: Attendee, minute: int) -> str:
        return self.at(attendee.webinar, attendee.webinar.instances.index(attendee.uuid) * 10080 + minute)

    def _about(self, webinar: Webinar, uuid: str = "") -> Record:
        about: Record = {"webinar_id": webinar.number, "webinar_topic": webinar.topic}
        return {**about, "webinar_uuid": uuid} if uuid else about

    def _put(self, collection: str, key: str, document: Record) -> None:
        self.documents.setdefault(collection, {})[key] = document

    def _next(self, *what: str) -> int:
        self._counts[what] = self._counts.get(what, 0) + 1
        return self._counts[what]

    def _tell(
        self, webinar: Webinar, person: Person, dataset: str, source_id: str, fields: Record, expected: Expected
    ) -> None:
        """Add to the truth what the package should show: nothing where the vendor holds an empty text."""
        if webinar.known:
            shown = {k: v for k, v in fields.items() if v not in ("", [], None)}
            self.truths.append(Truth(person.key, dataset, source_id, shown, expected))


_EXTENSIONS = {"MP4": "MP4", "M4A": "M4A", "TRANSCRIPT": "VTT", "CHAT": "TXT"}
_RECORDING_TYPES = {"MP4": "shared_screen_with_speaker_view", "M4A": "audio_only", "TRANSCRIPT": "audio_transcript",
                    "CHAT": "chat_file"}  # fmt: skip

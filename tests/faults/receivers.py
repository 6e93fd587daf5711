"""Who is told or sent something, and our own store, as the tests of faults use them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from airflow.sdk.exceptions import AirflowException
from dispatch import Dispatch, noise
from front_desk import FakeAirflow
from notice_office import Office as NoticeOffice
from parties import Party, moved, replaced
from ticket_office import Comment
from ticket_office import Office as TicketOffice

from dsr.airflow_client import AirflowClient
from dsr.casefile import CaseFile, CaseStore
from dsr.errors import TransientError
from dsr.texting import Texting, text_sender
from sandbox.sms.system import PASSWORD, USER, Texts
from sandbox.wire import Wiretap

TEXT = "Hej Åsa, här är svaret."
AT = datetime.fromisoformat("2026-11-20T09:30:00+00:00")
_PHONE = "+46701740605"
_SIZE = 200_000


class Waits(AirflowException):
    """A step put down that a person has to see to something: `code`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Ticket(Party):
    """An answer written into a ticket, by way of the outbox: a failure keeps it there and is no task's failure."""

    def __init__(self, office: TicketOffice) -> None:
        self.office, self.channel = office, self.key
        self._first = True

    def begin(self) -> None:
        self._case, self._ticket = self.office.case(), self.office.systems.open(self.channel)

    def attempt(self) -> None:
        """The DAG that writes into tickets says by code what still waits; so does this, as an error."""
        if self._first:
            self._first = False
            code = self.office.post(self._case, self.channel, self._ticket, TEXT, close=True)
        else:
            # Limits of the other side are kept for as long as it said; what a person has to see to, an hour.
            code = next(iter(self.office.pass_(hours=25)), "")
        if code:
            waits = self.office.waiting.limited_until(self.channel, self.office.at)
            raise TransientError(code, self.channel, None if waits is None else waits - self.office.at)

    def _written(self) -> list[Comment]:
        return self.office.systems.comments(self.channel, self._ticket)

    def assert_nothing(self) -> None:
        assert self.office.written(self._case) == []

    def assert_once(self) -> None:
        assert [" ".join(c.text.split()) for c in self._written()] == [TEXT]
        assert self.office.systems.closed(self.channel, self._ticket)
        assert self.office.written(self._case) == ["answer"]

    @contextmanager
    def elsewhere(self, port: int) -> Iterator[None]:
        name = f"dsr_{self.channel}"
        connections = self.office.systems.connections
        there = replace(connections[name], **moved({"host": connections[name].host}, port))
        with replaced(connections, name, there):
            yield


class Zendesk(Ticket):
    key, title, system = "zendesk", "Zendesk", "zendesk"
    hit: ClassVar = {"method": "PUT"}


class Jira(Ticket):
    key, title, system = "jira", "Jira", "jira"
    hit: ClassVar = {"method": "POST"}


class Freshdesk(Ticket):
    key, title, system = "freshdesk", "Freshdesk", "freshdesk"
    hit: ClassVar = {"method": "POST"}


class Callback(Ticket):
    key, title, system = "standard_webhooks", "a ticket system by Standard Webhooks", "callback"


TICKETS: tuple[type[Ticket], ...] = (Zendesk, Jira, Freshdesk, Callback)


class Processor(Party):
    """A recipient told over OpenDSR (Art. 19 GDPR)."""

    key, title, system = "processor", "a processor by OpenDSR", "processor"
    hit: ClassVar = {"method": "POST"}

    def __init__(self, office: NoticeOffice) -> None:
        self.office = office

    def begin(self) -> None:
        self._case = self.office.case()

    def attempt(self) -> None:
        done = self.office.notify(self._case, ("salesforce_contact", "erase", "done"))
        if done.failed:
            raise Waits(done.failed[0][1])

    def assert_nothing(self) -> None:
        assert "notified" not in [kind for kind, _ in self.office.events(self._case)]

    def assert_once(self) -> None:
        (kept,) = self.office.requests()
        assert kept["request"]["subject_request_type"] == "erasure"
        assert [kind for kind, _ in self.office.events(self._case)].count("notified") == 1

    def elsewhere(self, port: int) -> Any:
        connections = self.office.sandbox.endpoints["connections"]
        return replaced(connections, "dsr_notice_salesforce", moved(connections["dsr_notice_salesforce"], port))


class Mailed(Party):
    """A mail: here a recipient told by mail, which notes what it has told."""

    key, title, system = "mail", "the mail relay (SMTP)", "mail"
    may_repeat = 0

    def __init__(self, office: NoticeOffice) -> None:
        self.office = office

    def begin(self) -> None:
        self.office.told_by("salesforce", "    by: mail\n    to: privacy@crm.example\n    language: sv")
        self._case = self.office.case()

    def attempt(self) -> None:
        done = self.office.notify(self._case, ("salesforce_contact", "erase", "done"))
        if done.failed:
            raise Waits(done.failed[0][1])

    def assert_nothing(self) -> None:
        assert "notified" not in [kind for kind, _ in self.office.events(self._case)]

    def assert_once(self) -> None:
        """Where the relay's last word was lost, the mail goes out once more: SMTP has nothing against that."""
        mails = self.office.mails()
        assert len(mails) in (1, 1 + self.may_repeat)
        assert len({mail["text"] for mail in mails}) == 1
        assert [kind for kind, _ in self.office.events(self._case)].count("notified") == 1

    def elsewhere(self, port: int) -> Any:
        connections = self.office.sandbox.endpoints["connections"]
        fields = moved(connections["dsr_mail"], port)
        fields["extra"]["timeout"] = 0.6
        return replaced(connections, "dsr_mail", fields)


class Sent(Party):
    """A package sent to another controller (Art. 20(2) GDPR)."""

    to: ClassVar[str]

    def __init__(self, dispatch: Dispatch) -> None:
        self.dispatch = dispatch

    def begin(self) -> None:
        self._content = noise(_SIZE)
        self._case = self.dispatch.case(self._content, to=self.to)

    def attempt(self) -> None:
        self.dispatch.transmit(self._case)

    def assert_nothing(self) -> None:
        assert "transmitted" not in [kind for kind, _ in self.dispatch.events(self._case)]
        assert self.dispatch.answers == []

    def assert_once(self) -> None:
        assert [kind for kind, _ in self.dispatch.events(self._case)].count("transmitted") == 1
        assert len(self.dispatch.answers) == 1

    def elsewhere(self, port: int) -> Any:
        connections, name = self.dispatch.sandbox.endpoints["connections"], f"dsr_recipient_{self.to}"
        return replaced(connections, name, moved(connections[name], port))


class Receiver(Sent):
    key, title, system, to = "receiver", "another controller by tus", "receiver", "example"
    hit: ClassVar = {"method": "PATCH"}

    def assert_once(self) -> None:
        super().assert_once()
        (upload,) = self.dispatch.uploads()
        assert self.dispatch.content(upload["id"]) == self._content


class Bucket(Sent):
    key, title, system, to = "bucket", "another controller's bucket (S3)", "receiver_bucket", "bucket"
    hit: ClassVar = {"method": "PUT", "path": "partNumber"}
    skew: ClassVar = {"status": 403, "body": "<Error><Code>RequestTimeTooSkewed</Code></Error>"}


class Store(Party):
    """A package written into the case store in S3: what was there before stays until the new one is whole."""

    key, title, system = "store", "the case store (S3)", "store"
    hit: ClassVar = {"method": "PUT", "path": "package"}

    def __init__(self, uri: str, tap: Wiretap) -> None:
        self.uri, self.tap = uri, tap
        self._new = os.urandom(_SIZE)

    def begin(self) -> None:
        case = CaseStore(self.uri, bytes(32)).create("case-faults")
        self._write(case, b"before")

    def attempt(self) -> None:
        self._write(CaseStore(self.uri, bytes(32)).open("case-faults"), self._new)

    def _write(self, case: CaseFile, content: bytes) -> None:
        with case.writer("package") as file:
            file.write(content)

    def _read(self) -> bytes:
        with CaseStore(self.uri, bytes(32)).open("case-faults").reader("package") as file:
            return bytes(file.read())

    def assert_nothing(self) -> None:
        self.tap.faults.clear()
        assert self._read() in (b"before", self._new)

    def assert_once(self) -> None:
        assert self._read() == self._new

    @contextmanager
    def elsewhere(self, port: int) -> Iterator[None]:
        before, old = self.uri, self.uri.rpartition("127.0.0.1:")[2].partition("&")[0]
        self.uri = before.replace(f"127.0.0.1:{old}", f"127.0.0.1:{port}")
        yield
        self.uri = before


class Gateway(Party):
    """A code by text to a phone that somebody may hold."""

    key, title, system = "texts", "the text gateway (the person tries again)", "sms"

    def __init__(self, url: str, gateway: Texts) -> None:
        self.url, self.gateway = url, gateway

    def attempt(self) -> None:
        host = self.url.partition("://")[2]
        text_sender(Texting("Controller", url=f"http://{USER}:{PASSWORD}@{host}/a1/sms"))(_PHONE, TEXT)

    def assert_nothing(self) -> None:
        """Nobody is told that a text is on its way; where the answer was lost it may be, and its code holds."""

    def assert_once(self) -> None:
        """Once more where the answer was lost: a text has no key against repetition."""
        told = {(sent["to"], sent["message"]) for sent in self.gateway.messages.values()}
        assert told == {(_PHONE, TEXT)}

    @contextmanager
    def elsewhere(self, port: int) -> Iterator[None]:
        with replaced(self.__dict__, "url", f"http://127.0.0.1:{port}"):
            yield


class Airflow(Party):
    """The run of an accepted request started over Airflow's REST API."""

    key, title, system = "airflow", "Airflow's REST API", "airflow"
    hit: ClassVar = {"path": "dagRuns"}

    def __init__(self, url: str, airflow: FakeAirflow) -> None:
        self.url, self.airflow = url, airflow

    def attempt(self) -> None:
        AirflowClient(self.url, "dsr", "pw", timeout_s=2.0).start("access", "dsr-faults", AT)

    def assert_nothing(self) -> None:
        assert set(self.airflow.runs) <= {"dsr-faults"}

    def assert_once(self) -> None:
        assert list(self.airflow.runs) == ["dsr-faults"]

    @contextmanager
    def elsewhere(self, port: int) -> Iterator[None]:
        with replaced(self.__dict__, "url", f"http://127.0.0.1:{port}"):
            yield

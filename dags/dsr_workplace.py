"""What the tasks work with: settings, stores, sources and senders, each opened when it is first used.

One `Workplace` per task process. Connections of sources are Airflow connections named `dsr_<source>`; a source
without one is not connected, which the search report says.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING

from airflow.sdk import Connection as AirflowConnection
from airflow.sdk.exceptions import AirflowNotFoundException

import dsr_answering
from dsr.errors import PermanentError
from dsr.source import Connection, Declaration, Source
from dsr_guarded import guarded
from extractors import SOURCES

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from email.message import EmailMessage

    from sqlalchemy import Engine

    from dsr.airflow_client import AirflowClient
    from dsr.casefile import CaseFile, CaseStore
    from dsr.challenges import Challenges
    from dsr.channels.ticket import Answer
    from dsr.checks import Checks
    from dsr.deliveries import Deliveries
    from dsr.erasures import Erasures
    from dsr.holds import Holds
    from dsr.ledger import Ledger
    from dsr.links import Links
    from dsr.outbox import Outbox
    from dsr.register import Register
    from dsr.requesters import Requesters
    from dsr.retained import Retained
    from dsr.settings import Settings
    from dsr.subjects import SubjectIndex
    from dsr.suppression import Suppression
    from dsr.waiting import WaitingRequests
    from dsr_endpoints import Endpoints
    from dsr_recipients import Allowed

log = logging.getLogger("dsr")

DECLARATIONS: Sequence[Declaration] = tuple(source.declaration for source in SOURCES)


clock: Callable[[], datetime] = partial(datetime.now, UTC)
"""Where `now` looks. No setting reaches it; a stack for tests puts its own in (`embedded.clock`)."""


def now() -> datetime:
    """The clock of all tasks, UTC."""
    return clock()


class Workplace:
    """Brings sources, stores and settings together; the only place that does, beside the command line."""

    @cached_property
    def settings(self) -> "Settings":
        """From the environment."""
        from dsr.settings import Settings

        return Settings.from_environment()

    @cached_property
    def register(self) -> "Register":
        """The register of processing, as it stands now. PermanentError("register.invalid") when it can't be used."""
        from dsr.register import Register

        return Register.load(self.settings.register or None)

    @cached_property
    def cases(self) -> "CaseStore":
        """All case files."""
        from dsr.casefile import CaseStore

        return CaseStore(self.settings.case_store, *self.settings.case_keys)

    @cached_property
    def engine(self) -> "Engine":
        """The ledger's database; one per process, so that a task connects to it once."""
        from dsr.database import shared

        return shared(self.settings.ledger_url)

    @cached_property
    def ledger(self) -> "Ledger":
        """The evidence."""
        from dsr.ledger import Ledger
        from dsr.settings import subkey

        return Ledger(self.engine, subkey(self.settings.master_key, "ledger"))

    def alone(self, request_id: str) -> "AbstractContextManager[None]":
        """A block in which nobody decides about this request's review."""
        from dsr.alone import alone

        return alone(self.engine, request_id)

    @cached_property
    def links(self) -> "Links":
        """Download links."""
        from dsr.links import Links
        from dsr.settings import subkey

        return Links(self.engine, subkey(self.settings.master_key, "links"), self.settings.code_attempts)

    @cached_property
    def challenges(self) -> "Challenges":
        """Whether whoever asks has confirmed that it is them."""
        from dsr.challenges import Challenges
        from dsr.settings import subkey

        key = subkey(self.settings.master_key, "challenges")
        return Challenges(self.engine, key, self.settings.code_attempts)

    @cached_property
    def index(self) -> "SubjectIndex":
        """For sources without look-up."""
        from dsr.settings import subkey
        from dsr.subjects import SubjectIndex

        return SubjectIndex(self.engine, subkey(self.settings.master_key, "subjects"))

    @cached_property
    def checks(self) -> "Checks":
        """What came of looking at the sources."""
        from dsr.checks import Checks

        return Checks(self.engine)

    @cached_property
    def deliveries(self) -> "Deliveries":
        """Webhook deliveries seen before."""
        from dsr.deliveries import Deliveries

        return Deliveries(self.engine)

    @cached_property
    def requesters(self) -> "Requesters":
        """Who has asked for what."""
        from dsr.requesters import Requesters
        from dsr.settings import subkey

        return Requesters(self.engine, subkey(self.settings.master_key, "requesters"))

    @cached_property
    def holds(self) -> "Holds":
        """Legal holds."""
        from dsr.holds import Holds
        from dsr.settings import subkey

        return Holds(self.ledger, subkey(self.settings.master_key, "holds"))

    @cached_property
    def suppression(self) -> "Suppression":
        """Who must not come back with an import."""
        from dsr.settings import subkey
        from dsr.suppression import Suppression

        return Suppression(self.engine, subkey(self.settings.master_key, "suppression"))

    @cached_property
    def erasures(self) -> "Erasures":
        """What was erased, to erase it again after a restore."""
        from dsr.erasures import Erasures
        from dsr.settings import subkey

        return Erasures(self.engine, subkey(self.settings.master_key, "erasures"))

    @cached_property
    def retained(self) -> "Retained":
        """What an erasure left because something keeps it, to erase it when that ends."""
        from dsr.retained import Retained
        from dsr.settings import subkey

        return Retained(self.engine, subkey(self.settings.master_key, "retained"))

    @cached_property
    def airflow(self) -> "AirflowClient":
        """Starts runs as the service user."""
        from dsr.airflow_client import AirflowClient

        return AirflowClient(self.settings.airflow_url, self.settings.airflow_user, self.settings.airflow_password)

    def case(self, request_id: str) -> "CaseFile":
        """The case file of a request. PermanentError("case.closed") when it is gone."""
        return self.cases.open(request_id)

    def source(self, name: str) -> Source | None:
        """A client for that source; None when it is not connected. One whose connection can't be used is given all
        the same: its verbs raise the reason, so that it is reported as failed. Every error of a verb is coded."""
        kind = next(source for source in SOURCES if source.declaration.name == name)
        connection = self.connection(kind.declaration.connection_id)
        if connection is None:
            return None
        return guarded(kind, connection)

    def acting(self, name: str) -> tuple[Source, Declaration]:
        """A client that may write, through `dsr_<name>_write` where there is such a connection, and the declaration.
        PermanentError("connection.missing") when there is neither."""
        kind = next(source for source in SOURCES if source.declaration.name == name)
        connection_id = kind.declaration.connection_id
        connection = self.connection(f"{connection_id}_write") or self.needed(connection_id)
        return guarded(kind, connection), kind.declaration

    @cached_property
    def opendsr(self) -> "Endpoints":
        """The endpoints of recipients that are told over OpenDSR, by connection."""
        from dsr_endpoints import Endpoints

        return Endpoints(self.needed)

    def sources(self) -> Mapping[str, Source | None]:
        """All sources by name, in the order of the graph."""
        return {declaration.name: self.source(declaration.name) for declaration in DECLARATIONS}

    def connection(self, conn_id: str) -> Connection | None:
        """An Airflow connection in the form that the core knows; None when there is none."""
        try:
            found = AirflowConnection.get(conn_id)
        except AirflowNotFoundException:
            return None
        return Connection(
            conn_id,
            host=found.host or "",
            port=found.port,
            login=found.login or "",
            password=found.password or "",
            schema=found.schema or "",
            extra=found.extra_dejson,
        )

    def needed(self, conn_id: str) -> Connection:
        """As `connection`. PermanentError("connection.missing") when there is none."""
        connection = self.connection(conn_id)
        if connection is None:
            raise PermanentError("connection.missing", conn_id)
        return connection

    def recipient(self, key: str) -> "Allowed | None":
        """Another controller that packages may be sent to; None when no administrator has allowed it."""
        from dsr_recipients import allowed

        return allowed(key, self.settings.recipients)

    @cached_property
    def send_mail(self) -> "Callable[[EmailMessage], None]":
        """Sends through the connection `dsr_mail`."""
        from dsr.post import smtp_sender

        return smtp_sender(self.needed("dsr_mail"))

    def answer(self, answer: "Answer") -> None:
        """Puts an answer into its request's outbox; it is in the ticket now, or comes there later (`dsr_tickets`). Of
        what an officer has entered, into their hands: there is no ticket."""
        from dsr import letterbox
        from dsr.channels import staff

        case = self.case(answer.request_id)
        if answer.channel == staff.NAME:
            letterbox.keep(case, answer, self.ledger)
        elif code := self.outbox.post(case, answer, now()):
            log.info("the ticket gets it later: %s", code)

    def undelivered(self, case: "CaseFile") -> bool:
        """Whether the person has yet to get something, through the ticket or from the officer who entered it."""
        from dsr.outbox import waiting_in
        from dsr.standing import unsent

        return any(answer.public for answer in waiting_in(case)) or bool(unsent(self.ledger.events(case.case_id)))

    @cached_property
    def waiting(self) -> "WaitingRequests":
        """Whose ticket waits for something."""
        from dsr.waiting import WaitingRequests

        return WaitingRequests(self.engine)

    @cached_property
    def outbox(self) -> "Outbox":
        """What is to be written into tickets."""
        from dsr.alone import alone
        from dsr.outbox import Outbox

        write = partial(dsr_answering.write, self.needed)
        return Outbox(self.waiting, self.ledger, write, partial(alone, self.engine, what="outbox"))

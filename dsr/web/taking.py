"""From an authentic ticket to a case whose run is started: what the webhook and the officers' form have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final, Self

from dsr import database
from dsr.airflow_client import AirflowClient
from dsr.casefile import CaseFile, CaseStore
from dsr.channels.ticket import Delivery, Ticket
from dsr.deliveries import Deliveries
from dsr.errors import DsrError
from dsr.idtoken import IdTokens
from dsr.ledger import Ledger
from dsr.requesters import Requesters
from dsr.settings import Settings, subkey
from dsr.steps import accept, assess, sign_in, triage

NEED: Final = ("case_store", "ledger_url", "master_key", "airflow_url", "airflow_user", "airflow_password")
"""Settings without which nothing can be taken."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Taking:
    """What taking a request works with. `run` starts a run; `now` is the clock; `tokens` checks the customer portal's
    word, None = no portal's word counts."""

    settings: Settings
    cases: CaseStore
    ledger: Ledger
    deliveries: Deliveries
    requesters: Requesters
    run: accept.StartRun
    now: Callable[[], datetime] = _now
    tokens: IdTokens | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The real one: database, case store and Airflow as the settings say. Nothing is opened yet."""
        engine = database.connect(settings.ledger_url)
        return cls(
            settings,
            CaseStore(settings.case_store, *settings.case_keys),
            Ledger(engine, subkey(settings.master_key, "ledger")),
            Deliveries(engine),
            Requesters(engine, subkey(settings.master_key, "requesters")),
            AirflowClient(settings.airflow_url, settings.airflow_user, settings.airflow_password).start,
            tokens=IdTokens(settings.oidc, engine, subkey(settings.master_key, "id_tokens")) if settings.oidc else None,
        )

    def take(
        self,
        ticket: Ticket,
        delivery: Delivery,
        digest: str,
        at: datetime,
        note: Callable[[str], None] | None = None,
        request_id: str = "",
    ) -> accept.Accepted:
        """The case of this delivery, its run started; see `accept.accept`. `digest`: of the raw body; `note`: given the
        request's id once it is accepted and before its run starts; `request_id`: what a new one is called. A run that
        can't be started now is `accept.start_pending`'s, which `dsr_tickets` calls."""
        accepted = accept.accept(
            ticket,
            digest=digest,
            delivery_id=delivery.delivery_id,
            replay_key=delivery.replay_key,
            cases=self.cases,
            ledger=self.ledger,
            deliveries=self.deliveries,
            deadlines=assess.deadlines,
            keep=partial(triage.keep, settings=self.settings),
            triage=partial(self._triage, at=at),
            at=at,
            settings=self.settings,
            request_id=request_id,
        )
        if note is not None:
            note(accepted.request_id)
        try:
            accept.start(accepted, self.run, self.ledger, at=self.now())
        except DsrError:
            # Accepted is accepted: the ledger shows that its run has not started, and `dsr_tickets` starts it.
            return accepted
        return accepted

    def _triage(self, case: CaseFile, ticket: Ticket | None, *, at: datetime) -> str:
        """Triage, then the customer portal's word, which a request that is joined to another is given in vain."""
        way = triage.triage(case, self.requesters, self.ledger, at=at, settings=self.settings)
        if ticket is not None and ticket.id_token:
            sign_in.sign_in(case, ticket.id_token, self.tokens, self.ledger, at=at)
        return way

"""Who may see the officers' pages: whom Airflow has signed in. The review: whom it lets decide about the run; the other
pages: whom it lets see runs, and what sets something going: whom it lets start them."""

from functools import partial
from typing import Any, Final, Literal

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from dsr.airflow_client import dag_of
from dsr.alone import alone
from dsr.casefile import CaseStore
from dsr.database import connect
from dsr.ledger import Ledger
from dsr.officer import as_code
from dsr.settings import Settings, subkey
from dsr.vocabulary import RIGHTS, UNCLEAR
from dsr.web.console import Desk, Visitor, create_app

_TRIAGE: Final = "dsr_triage"
"""The DAG in whose runs a person settles what is asked for."""


def console() -> Any:
    """The pages, with this process's settings."""
    settings = Settings.from_environment(need=("case_store", "ledger_url", "master_key"))

    async def signed_in(request: Request, right: str) -> str:
        user = await get_user(request, None, await bearer_scheme(request))
        if not await run_in_threadpool(_may, user, right, settings.reviewers):
            raise HTTPException(403, "You may not review this request.")
        return as_code(str(user.get_id()))

    async def visiting(request: Request) -> Visitor:
        user = await get_user(request, None, await bearer_scheme(request))
        sees, starts = await run_in_threadpool(lambda: (_runs(user, "GET"), _runs(user, "POST")))
        return Visitor(as_code(str(user.get_id())), sees, starts)

    cases = CaseStore(settings.case_store, settings.master_key)
    engine = connect(settings.ledger_url)
    ledger = Ledger(engine, subkey(settings.master_key, "ledger"))
    return create_app(Desk(settings, cases, ledger, signed_in, visiting, partial(alone, engine)))


def _may(user: Any, right: str, reviewers: tuple[str, ...]) -> bool:
    """Whether they are among the reviewers, if these are named, and may answer what the run of this right asks; for ""
    of any right."""
    manager = get_auth_manager()
    if reviewers and not manager.is_authorized_hitl_task(assigned_users=set(reviewers), user=user):
        return False
    return any(
        manager.is_authorized_dag(
            method="PUT", access_entity=DagAccessEntity.HITL_DETAIL, details=DagDetails(id=dag_of(name)), user=user
        )
        for name in ([right] if right else RIGHTS)
    )


def _runs(user: Any, method: Literal["GET", "POST"]) -> frozenset[str]:
    """The rights whose runs they may see, or start."""
    manager = get_auth_manager()
    dags = {right: dag_of(right) for right in RIGHTS} | {UNCLEAR: _TRIAGE}
    return frozenset(
        right
        for right, dag in dags.items()
        if manager.is_authorized_dag(
            method=method, access_entity=DagAccessEntity.RUN, details=DagDetails(id=dag), user=user
        )
    )

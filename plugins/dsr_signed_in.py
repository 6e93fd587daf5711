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

from dsr.airflow_client import AirflowClient, dag_of
from dsr.alone import alone
from dsr.casefile import CaseStore
from dsr.checks import Checks
from dsr.database import connect
from dsr.deliveries import Deliveries
from dsr.ledger import Ledger
from dsr.officer import as_code
from dsr.settings import Settings, subkey
from dsr.subjects import SubjectIndex
from dsr.vocabulary import RIGHTS, UNCLEAR
from dsr.web import answers, entry, lists, register, sources, taking
from dsr.web.console import Desk, Visitor, create_app
from dsr.web.sources import Systems
from extractors import SOURCES

_Method = Literal["GET", "POST"]
_TRIAGE: Final = "dsr_triage"
"""The DAG in whose runs a person settles what is asked for."""
_SOURCES: Final = "dsr_sources"
"""The DAG that looks at the source systems."""
_LISTS: Final = "dsr_erasure_list"
"""The DAG that goes through an erasure list."""
_METHODS: Final[tuple[_Method, ...]] = ("GET", "POST")
"""To see runs, and to start them."""


def console() -> Any:
    """The pages, with this process's settings."""
    settings = Settings.from_environment(need=taking.NEED)

    async def signed_in(request: Request, right: str) -> str:
        user = await get_user(request, None, await bearer_scheme(request))
        if not await run_in_threadpool(_may, user, right, settings.reviewers):
            raise HTTPException(403, "You may not review this request.")
        return as_code(str(user.get_id()))

    async def visiting(request: Request) -> Visitor:
        user = await get_user(request, None, await bearer_scheme(request))
        sees, starts = await run_in_threadpool(lambda: (_runs(user, "GET"), _runs(user, "POST")))
        looks = await run_in_threadpool(_may_run, user, "POST", _SOURCES)
        lists = [await run_in_threadpool(_may_run, user, method, _LISTS) for method in _METHODS]
        return Visitor(as_code(str(user.get_id())), sees, starts, looks, *lists)

    cases = CaseStore(settings.case_store, *settings.case_keys)
    engine = connect(settings.ledger_url)
    ledger = Ledger(engine, subkey(settings.master_key, "ledger"))
    declarations = tuple(source.declaration for source in SOURCES)
    desk = Desk(settings, cases, ledger, signed_in, visiting, partial(alone, engine), declarations=declarations)
    airflow = AirflowClient(settings.airflow_url, settings.airflow_user, settings.airflow_password)
    index = SubjectIndex(engine, subkey(settings.master_key, "subjects"))
    systems = Systems(declarations, Checks(engine), index.freshness, airflow.check_source)
    entering = entry.routes(desk, taking.Taking.from_settings(settings))
    listing = lists.routes(desk, Deliveries(engine), airflow.start_list)
    looking = [*sources.routes(desk, systems), *register.routes(desk, declarations)]
    return create_app(desk, [*entering, *answers.routes(desk), *listing, *looking])


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


def _runs(user: Any, method: _Method) -> frozenset[str]:
    """The rights whose runs they may see, or start."""
    dags = {right: dag_of(right) for right in RIGHTS} | {UNCLEAR: _TRIAGE}
    return frozenset(right for right, dag in dags.items() if _may_run(user, method, dag))


def _may_run(user: Any, method: _Method, dag_id: str) -> bool:
    """Whether they may see the runs of a DAG, or start them."""
    return get_auth_manager().is_authorized_dag(
        method=method, access_entity=DagAccessEntity.RUN, details=DagDetails(id=dag_id), user=user
    )

"""Airflow's REST API v2, as far as starting runs goes; signed in as a service user (Airflow 3.3, stable API).

The run's id is the request's id, which makes starting idempotent: a second start is answered 409, a success.
"""

import logging
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import httpx

from dsr.errors import TransientError
from dsr.trust import trusting

_PLACE: Final = "airflow"
_CONFLICT: Final = 409
_UNAUTHORISED: Final = 401
_DAGS: Final = {"withdrawal": "objection"}
"""Rights whose runs are another right's DAG. What follows when consent is withdrawn (Art. 7(3) GDPR) is what follows an
objection: those purposes stop, at once."""


def dag_of(right: str) -> str:
    """The DAG whose runs answer a right."""
    return f"dsr_{_DAGS.get(right, right)}"


class AirflowClient:
    """A client of one api-server; may be shared by threads. `ca`: file of the authority to trust, "" = the system's.

    Every failure is TransientError("http.<status>" | "connection.failed" | "answer.invalid", when something else than
    Airflow answers): a request that was accepted is started later, however long it takes to set Airflow right.
    """

    def __init__(
        self,
        base_url: str,
        user: str,
        password: str,
        *,
        ca: str = "",
        timeout_s: float = 10.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._user, self._password = user, password
        self._token, self._lock = "", threading.Lock()
        self._http = httpx.Client(
            base_url=base_url, timeout=timeout_s, transport=transport, verify=trusting("http", ca)
        )

    def start(self, right: str, request_id: str, received_at: datetime) -> None:
        """Start the run of a request in the DAG `dsr_<right>`, a withdrawal's in `dsr_objection`; a run that exists is
        a success."""
        conf = {"request_id": request_id, "received_at": received_at.isoformat()}
        self._start(dag_of(right), request_id, conf)

    def start_list(self, list_id: str) -> None:
        """Start the run of an erasure list, in the DAG `dsr_erasure_list`; a run that exists is a success."""
        self._start("dsr_erasure_list", list_id, {"list_id": list_id})

    def check_source(self, source: str, at: datetime) -> None:
        """Start a look at one source, in the DAG `dsr_sources`; once a minute at most."""
        self._start("dsr_sources", f"check-{source}-{at.astimezone(UTC):%Y%m%dT%H%M}", {"source": source})

    def _start(self, dag_id: str, run_id: str, conf: Mapping[str, str]) -> None:
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        path = f"/api/v2/dags/{dag_id}/dagRuns"
        response = self._call(path, body, self._signed_in())
        if response.status_code == _UNAUTHORISED:
            response = self._call(path, body, self._signed_in(anew=True))
        if response.status_code != _CONFLICT:
            _need_success(response)
            if _told(response, "dag_run_id") != run_id:
                raise TransientError("answer.invalid", _PLACE)

    def _signed_in(self, *, anew: bool = False) -> str:
        with self._lock:
            if anew or not self._token:
                response = self._call("/auth/token", {"username": self._user, "password": self._password})
                _need_success(response)
                self._token = _told(response, "access_token")
            return self._token

    def _call(self, path: str, body: object, token: str = "") -> httpx.Response:
        try:
            return self._http.post(path, json=body, headers={"authorization": f"Bearer {token}"} if token else {})
        except httpx.HTTPError:
            raise TransientError("connection.failed", _PLACE) from None


def _told(response: httpx.Response, name: str) -> str:
    """A text of the answer's object."""
    try:
        value = response.json()[name]
    except (ValueError, KeyError, TypeError, RecursionError):
        value = None
    if not isinstance(value, str):
        raise TransientError("answer.invalid", _PLACE) from None
    return value


def _need_success(response: httpx.Response) -> None:
    if not response.is_success:
        raise TransientError(f"http.{response.status_code}", _PLACE)

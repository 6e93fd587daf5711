"""Whether a web process can do its work: `/readyz` beside `/healthz`, which only says that it runs.

200 {"ok": true}, or 503 {"ok": false} when the database or the case store is not to be had; which of them, and why, is
in the log alone. Anybody may ask, so the answer is kept for a while, and one look goes on at a time.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from sqlalchemy import Engine, select
from starlette.responses import JSONResponse

from dsr.casefile import CaseStore
from dsr.database import transaction
from dsr.errors import DsrError
from dsr.tables import ledger_head

log = logging.getLogger("dsr")

_KEPT_S: Final = 5.0
_PLACE: Final = "readiness"


@dataclass
class Readiness:
    """`seconds`: a clock that only goes forward."""

    engine: Engine
    cases: CaseStore
    seconds: Callable[[], float] = time.monotonic
    _lock: Lock = field(default_factory=Lock)
    _last: tuple[float, bool] | None = None

    def answer(self) -> JSONResponse:
        """Looks, unless that was done a moment ago or is being done; blocks while it looks."""
        if self._lock.acquire(blocking=False):
            try:
                if self._last is None or self.seconds() - self._last[0] > _KEPT_S:
                    self._last = self.seconds(), self._look()
            finally:
                self._lock.release()
        ok = self._last is not None and self._last[1]
        return JSONResponse({"ok": ok}, 200 if ok else 503, {"cache-control": "no-store"})

    def _look(self) -> bool:
        try:
            with transaction(self.engine, _PLACE) as connection:
                connection.execute(select(ledger_head.c.count)).one()
            self.cases.probe()
        except DsrError as error:
            log.warning("not ready: %s", error)
            return False
        return True

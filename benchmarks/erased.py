"""An erasure through the steps that operation takes, over one source: find, read, plan, approve, read again, erase,
find and read once more. Without Airflow, and without the officers' thinking."""

import tempfile
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from benchmarks.measured import Steps, peak_mib
from benchmarks.synthetic import EMAIL
from dsr import approval, database
from dsr.assessing import Law
from dsr.casefile import CaseFile, CaseStore
from dsr.erasures import Erasures
from dsr.holds import HoldsInForce
from dsr.ledger import Ledger
from dsr.register import Register
from dsr.settings import Settings, subkey
from dsr.source import Source
from dsr.steps import assess, collect, enforce, identify, plan, reread, suppress, verify
from dsr.subjects import SubjectIndex
from dsr.suppression import Suppression

KEY: Final = bytes(32)
_REQUEST: Final = "dsr-benchmark"
SETTINGS: Final = Settings(case_store="", ledger_url="", master_key=KEY, portal_url="https://portal.example")
LAW: Final = Law(assess.plan_rows, assess.bonds_of)
Run = Callable[[str, Callable[[], Any]], Any]
"""Runs a step under its name."""


class Stores:
    """What an erasure is written into, in a ledger of its own at `ledger_url`."""

    def __init__(self, ledger_url: str) -> None:
        self.engine = database.connect(ledger_url)
        database.upgrade(self.engine)
        self.ledger = Ledger(self.engine, subkey(KEY, "ledger"))
        self.erasures = Erasures(self.engine, subkey(KEY, "erasures"))
        self.index = SubjectIndex(self.engine, subkey(KEY, "subjects"))
        self.suppression = Suppression(self.engine, subkey(KEY, "suppression"))


def erasure(source: Source, ledger_url: str, at: datetime) -> dict[str, Any]:
    """One. `at`: the moment of it, UTC."""
    stores, idle, steps = Stores(ledger_url), peak_mib(), Steps()
    with tempfile.TemporaryDirectory() as folder:
        case = CaseStore(folder, KEY).create(_REQUEST)
        planned = erased(case, EMAIL, source, stores, at, steps.run)
    return {
        "rows": planned.count(),
        "cpu_s": round(sum(steps.cpu.values()), 3),
        "steps": steps.cpu,
        "peak_mib_after": steps.peak,
        "peak_mib": round(peak_mib(), 1),
        "idle_mib": round(idle, 1),
    }


def erased(case: CaseFile, email: str, source: Source, stores: Stores, at: datetime, run: Run) -> Any:
    """All steps for one request; what was planned."""
    declaration, ledger, index = source.declaration, stores.ledger, stores.index
    case.write_json("request", _request(case.case_id, email, at))
    sources, declarations = {declaration.name: source}, [declaration]
    run("identify", lambda: identify.identify(case, sources, declarations, index, at=at, final=True))
    run("collect", lambda: collect.collect(case, source, at=at))
    register, holds = Register.load(), HoldsInForce()
    planned = run("plan", lambda: plan.plan(case, declarations, register, holds, law=LAW, at=at, zone=SETTINGS.zone))
    _approve(case, ledger, at)
    suppress.suppress(case, stores.suppression, ledger, at=at)
    run("reread", lambda: reread.reread(case, source, declaration, at=at))
    allowed = approval.approved(case, ledger, case.case_id, at=at)
    common: dict[str, Any] = {
        "ledger": ledger, "erasures": stores.erasures, "at": at, "corrections_of": assess.corrections_of,
    }  # fmt: skip
    run("enforce", lambda: enforce.enforce(case, source, declaration, allowed, holds=holds, **common))
    verified = run("verify", lambda: verify.verify(case, sources, declarations, index, **common))
    assert verified.ok, "something is left that the plan doesn't explain"
    return planned


def _request(request_id: str, email: str, at: datetime) -> dict[str, Any]:
    return {
        "request_id": request_id, "right": "erasure", "channel": "standard_webhooks", "received_at": at.isoformat(),
        "due": {"target": "2026-12-19", "legal_latest": "2026-12-21"}, "language": "sv", "ticket": {"id": "1"},
        "subject": {"email": email},
    }  # fmt: skip


def _approve(case: CaseFile, ledger: Ledger, at: datetime) -> None:
    """Two officers agree to the plan, after one has made sure who asks."""
    ledger.append(case.case_id, "planned", approval.planned_detail(case), at=at)
    ledger.append(case.case_id, "identity_verified", {"by": "officer", "method": "officer", "ok": True}, at=at)
    prepared = {"decision": "prepare", "by": "officer", "choice": "approve"}
    ledger.append(case.case_id, "decision", prepared | approval.prepare_detail(case, verified=True), at=at)
    agreed = {"decision": "approve", "by": "second", "choice": "approve"}
    ledger.append(case.case_id, "decision", agreed | approval.approve_detail(case), at=at)

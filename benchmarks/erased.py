"""An erasure through the steps that operation takes, over one source: find, read, plan, approve, read again, erase,
find and read once more. Without Airflow, and without the officers' thinking."""

import tempfile
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

_KEY: Final = bytes(32)
_REQUEST: Final = "dsr-benchmark"
_SETTINGS: Final = Settings(case_store="", ledger_url="", master_key=_KEY, portal_url="https://portal.example")


def erasure(source: Source, ledger_url: str, at: datetime) -> dict[str, Any]:
    """One, in a ledger of its own at `ledger_url`. `at`: the moment of it, UTC."""
    engine = database.connect(ledger_url)
    database.upgrade(engine)
    ledger, declaration = Ledger(engine, subkey(_KEY, "ledger")), source.declaration
    erasures = Erasures(engine, subkey(_KEY, "erasures"))
    index = SubjectIndex(engine, subkey(_KEY, "subjects"))
    idle, steps = peak_mib(), Steps()
    with tempfile.TemporaryDirectory() as folder:
        case = CaseStore(folder, _KEY).create(_REQUEST)
        case.write_json("request", _request(at))
        sources, declarations = {declaration.name: source}, [declaration]
        steps.run("identify", lambda: identify.identify(case, sources, declarations, index, at=at, final=True))
        steps.run("collect", lambda: collect.collect(case, source, at=at))
        law = Law(assess.plan_rows, assess.bonds_of)
        planned = steps.run(
            "plan",
            lambda: plan.plan(case, declarations, Register.load(), HoldsInForce(), law=law, at=at, zone=_SETTINGS.zone),
        )
        _approve(case, ledger, at)
        suppress.suppress(case, Suppression(engine, subkey(_KEY, "suppression")), ledger, at=at)
        steps.run("reread", lambda: reread.reread(case, source, declaration, at=at))
        allowed = approval.approved(case, ledger, _REQUEST, at=at)
        common: dict[str, Any] = {
            "ledger": ledger, "erasures": erasures, "at": at, "corrections_of": assess.corrections_of,
        }  # fmt: skip
        steps.run(
            "enforce",
            lambda: enforce.enforce(case, source, declaration, allowed, holds=HoldsInForce(), **common),
        )
        verified = steps.run("verify", lambda: verify.verify(case, sources, declarations, index, **common))
    assert verified.ok, "something is left that the plan doesn't explain"
    return {
        "rows": planned.count(),
        "cpu_s": round(sum(steps.cpu.values()), 3),
        "steps": steps.cpu,
        "peak_mib_after": steps.peak,
        "peak_mib": round(peak_mib(), 1),
        "idle_mib": round(idle, 1),
    }


def _request(at: datetime) -> dict[str, Any]:
    return {
        "request_id": _REQUEST, "right": "erasure", "channel": "standard_webhooks", "received_at": at.isoformat(),
        "due": {"target": "2026-12-19", "legal_latest": "2026-12-21"}, "language": "sv", "ticket": {"id": "1"},
        "subject": {"email": EMAIL},
    }  # fmt: skip


def _approve(case: CaseFile, ledger: Ledger, at: datetime) -> None:
    """Two officers agree to the plan, after one has made sure who asks."""
    ledger.append(_REQUEST, "planned", approval.planned_detail(case), at=at)
    ledger.append(_REQUEST, "identity_verified", {"by": "officer", "method": "officer", "ok": True}, at=at)
    prepared = {"decision": "prepare", "by": "officer", "choice": "approve"}
    ledger.append(_REQUEST, "decision", prepared | approval.prepare_detail(case, verified=True), at=at)
    agreed = {"decision": "approve", "by": "second", "choice": "approve"}
    ledger.append(_REQUEST, "decision", agreed | approval.approve_detail(case), at=at)

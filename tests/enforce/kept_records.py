"""An erasure carried out by the real steps, so that what a law or a hold keeps is left, and the days after it."""

from collections.abc import Sequence
from contextlib import suppress as ignored
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from made_up_sources import FakeIndex, request
from sqlalchemy import Engine

from dsr import approval
from dsr.assessing import Law
from dsr.casefile import CaseFile, CaseStore
from dsr.erasures import Erasures
from dsr.errors import TransientError
from dsr.holds import Holds
from dsr.ledger import Ledger
from dsr.reapproval import erased_under
from dsr.register import Register
from dsr.retained import Retained
from dsr.selection import Approval
from dsr.settings import subkey
from dsr.source import Acting
from dsr.steps import assess, collect, end_retention, identify, retain
from dsr.steps import enforce as enforcing
from dsr.steps import plan as planning
from dsr.steps import verify as verifying
from dsr.steps.reread import reread
from dsr.steps.suppress import suppress
from dsr.suppression import Suppression

AT = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
STOCKHOLM = ZoneInfo("Europe/Stockholm")
REGISTER = Register.load()
LAW = Law(assess.plan_rows, assess.bonds_of)


class Installation:
    """The stores of one installation. `key`: its master key, of this one alone, since tests share the tables; the
    ledger's is another, since they share its chain."""

    def __init__(self, engine: Engine, key: bytes, folder: Path, ledger_key: bytes = b"l" * 32) -> None:
        self.ledger, self.erasures = Ledger(engine, ledger_key), Erasures(engine, subkey(key, "erasures"))
        self.retained = Retained(engine, subkey(key, "retained"))
        self.suppression = Suppression(engine, subkey(key, "suppression"))
        self.holds = Holds(self.ledger, subkey(key, "holds"))
        self.cases = CaseStore(str(folder), bytes(32))
        self.register, self.approved_as = REGISTER, ""
        self.index: Any = FakeIndex(read=AT)

    def erase(self, sources: Sequence[Acting], request_id: str, address: str, at: datetime = AT) -> CaseFile:
        """From the found and read records to the noting of what is kept; everything real but the Airflow."""
        case = self.cases.create(request_id)
        if not case.exists("request"):
            case.write_json("request", {**request(address, "erasure"), "request_id": request_id})
        self.planned(case, sources, at)
        self.carried_out(case, sources, at)
        return case

    def planned(self, case: CaseFile, sources: Sequence[Acting], at: datetime = AT) -> None:
        """Identified, collected, planned, prepared and approved."""
        by_name = {source.declaration.name: source for source in sources}
        identify.identify(case, by_name, [s.declaration for s in sources], self.index, at=at, final=True)
        for source in sources:
            collect.collect(case, source, at=at)
        self.approved(case, sources, at)

    def approved(self, case: CaseFile, sources: Sequence[Acting], at: datetime = AT) -> None:
        """Planned of what lies in the case file, prepared by one, approved by another."""
        declarations = [source.declaration for source in sources]
        holds = self.holds.in_force(at.astimezone(STOCKHOLM).date())
        planning.plan(case, declarations, self.register, holds, law=LAW, at=at, zone=STOCKHOLM)
        self.ledger.append(case.case_id, "planned", approval.planned_detail(case), at=at)
        self.ledger.append(case.case_id, "identity_verified", {"ok": True}, at=at)
        prepared = {"decision": "prepare", "choice": "approve", "by": "anna"}
        self.ledger.append(case.case_id, "decision", prepared | approval.prepare_detail(case, verified=True), at=at)
        approving = {"decision": "approve", "choice": "approve", "by": "bertil"}
        self.ledger.append(case.case_id, "decision", approving | approval.approve_detail(case), at=at)

    def carried_out(self, case: CaseFile, sources: Sequence[Acting], at: datetime = AT) -> None:
        """Enforced, verified, and noted."""
        declarations = [source.declaration for source in sources]
        suppress(case, self.suppression, self.ledger, at=at)
        allowed = approval.approved(case, self.ledger, case.case_id, at=at)
        given: dict[str, Any] = {"ledger": self.ledger, "erasures": self.erasures, "at": at}
        given["corrections_of"] = assess.corrections_of
        holds = self.holds.in_force(at.astimezone(STOCKHOLM).date())
        for source in sources:
            reread(case, source, source.declaration, at=at)
        for source in sources:
            for _ in range(5):
                with ignored(TransientError):
                    enforcing.enforce(case, source, source.declaration, allowed, holds=holds, **given)
                    break
        by_name = {source.declaration.name: source for source in sources}
        verifying.verify(case, by_name, declarations, self.index, **given)
        retain.retain(case, by_name, declarations, retained=self.retained, holds=self.holds, at=at)

    def night(self, source: Acting, moment: str, **more: Any) -> list[end_retention.Ended]:
        """What the upkeep does then; a day means its night, in the controller's zone."""
        at = datetime.fromisoformat(moment if "T" in moment else f"{moment}T03:17").replace(tzinfo=STOCKHOLM)
        stores = end_retention.Stores(self.retained, self.erasures, self.ledger, self._approved)
        holds = self.holds.in_force(at.date())
        today = end_retention.Today(at, STOCKHOLM, LAW, self.register, holds)
        return list(end_retention.end_retention(source, stores, today, **more))

    def _approved(self, request_id: str, digest: str) -> Approval:
        return erased_under(self.ledger, request_id, self.approved_as or digest)

    def counts(self, source: Acting, day: str, **more: Any) -> list[dict[str, int]]:
        """The same, in numbers."""
        return [dict(ended.counts) for ended in self.night(source, day, **more)]

    def events(self, request_id: str) -> list[dict[str, Any]]:
        """What the ledger was told of it."""
        return [dict(e.detail) for e in self.ledger.events(request_id) if e.kind == "retention_ended"]

"""The approval of a plan: who said so is in the ledger, what they said it of is the plan's digest.

Two people: one prepares (looks at the plan, has seen to it that the person is who they say), another approves. An
approval is for exactly the plan that lies in the case file; a record that has changed since is left alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from dsr import plan as plans
from dsr.casefile import CaseFile
from dsr.erasurelist import ErasureList, digest_of
from dsr.errors import PermanentError
from dsr.ledger import Event, Ledger
from dsr.plan import PlanSummary
from dsr.selection import Approval, seal
from dsr.unchanged import selections

__all__ = [
    "VALID", "ListApproval", "approve_detail", "approved", "at_once", "list_approved", "note_of_list",
    "planned_detail", "prepare_detail", "selections",
]  # fmt: skip

VALID: Final = timedelta(days=30)
"""For so long an approval may be acted on."""
_PLACE: Final = "approval"
_YES: Final = "approve"
_VERIFIED: Final = "verified"
_AT_ONCE: Final = {"objection": ("restrict",), "withdrawal": ("restrict",)}
"""Rights that are carried out without anybody's approval, and the only effects that this covers (Art. 7(3), 21(3);
Art. 18(1)(d) while an objection under Art. 21(1) is looked at)."""


def planned_detail(case: CaseFile) -> dict[str, Any]:
    """The detail of the ledger's event `planned`."""
    summary = plans.read(case)
    effects: dict[str, int] = {}
    for count in summary.counts:
        effects[count.effect] = effects.get(count.effect, 0) + count.count
    return {"digest": summary.digest, "right": summary.right, "effects": dict(sorted(effects.items()))}


def prepare_detail(case: CaseFile, *, verified: bool) -> dict[str, Any]:
    """What a decision `prepare` adds to who and what they chose. `verified`: they say that the person is who they say
    they are."""
    return {"digest": plans.read(case).digest, "identity": _VERIFIED if verified else "unverified"}


def approve_detail(case: CaseFile) -> dict[str, Any]:
    """What a decision `approve` adds to who and what they chose."""
    return {"digest": plans.read(case).digest}


def approved(case: CaseFile, ledger: Ledger, request_id: str, *, at: datetime, valid: timedelta = VALID) -> Approval:
    """The approval of the plan that now lies in the case file, as the ledger has it. PermanentError:

    approval.absent     nobody prepared or approved any plan, or the last word was no
    approval.digest     what was prepared or approved, or planned last, is another plan, or records of it were altered
    approval.four_eyes  both were the same person, or nobody knows who
    approval.identity   that the person is who they say was not verified before it was prepared, or is in doubt since
    approval.stale      approved longer ago than `valid`
    plan.incomplete     a source that the plan covers was not searched to the end
    """
    summary = _checked(case, request_id)
    events = ledger.events(request_id)
    prepare, approve = _both(events)
    _same_plan(events, summary.digest, (prepare, approve))
    by = _two_people(prepare, approve)
    if not _identified(events, prepare):
        raise PermanentError("approval.identity", _PLACE)
    if at - approve.at > valid:
        raise PermanentError("approval.stale", _PLACE)
    return Approval(request_id, summary.digest, by, approve.at, seal())


@dataclass(frozen=True)
class ListApproval:
    """Two people approved exactly the plan over all people on a list, as the ledger has it. digests: request id →
    digest of that person's plan; prepared_by, by: who, as the ledger names them; at: when it was approved, UTC."""

    list_id: str
    digests: Mapping[str, str] = field(repr=False)
    prepared_by: str
    by: str
    at: datetime


def list_approved(listed: ErasureList, ledger: Ledger, *, at: datetime, valid: timedelta = VALID) -> ListApproval:
    """PermanentError as `approved`; "list.unplanned" when not all of it was planned. Nobody on a list has asked: what
    is verified of each is that the records are theirs, which `identify` does."""
    events, digests = ledger.events(listed.list_id), listed.digests()
    prepare, approve = _both(events)
    _same_plan(events, digest_of(listed.list_id, listed.reason, digests), (prepare, approve))
    by = _two_people(prepare, approve)
    if at - approve.at > valid:
        raise PermanentError("approval.stale", _PLACE)
    return ListApproval(listed.list_id, digests, _who(prepare), by, approve.at)


def note_of_list(case: CaseFile, ledger: Ledger, approved: ListApproval, *, at: datetime) -> None:
    """Notes of one person what was decided of the list, as decisions about their own plan: from then on `approved` and
    a replay after years go by it as by any other. Twice is fine. PermanentError("approval.foreign") for a case of
    another list, ("approval.digest") when it is another plan than was approved, or records of it were altered."""
    summary = _checked(case, case.case_id)
    if case.read_json("request").get("list") != approved.list_id:
        raise PermanentError("approval.foreign", _PLACE)
    if approved.digests.get(case.case_id) != summary.digest:
        raise PermanentError("approval.digest", _PLACE)
    decided = {"digest": summary.digest, "choice": _YES, "list": approved.list_id}
    prepared = {"decision": "prepare", "by": approved.prepared_by, "identity": _VERIFIED, **decided}
    events: list[tuple[str, dict[str, Any]]] = [
        ("identity_verified", {"by": approved.prepared_by, "method": "erasure_list", "ok": True}),
        ("decision", prepared),
        ("decision", {"decision": "approve", "by": approved.by, **decided}),
    ]
    known = [(event.kind, dict(event.detail)) for event in ledger.events(case.case_id)]
    for kind, detail in events:
        if (kind, detail) not in known:
            ledger.append(case.case_id, kind, detail, at=at)


def at_once(case: CaseFile, ledger: Ledger, request_id: str, *, at: datetime, valid: timedelta = VALID) -> Approval:
    """What stands in for an approval where the law lets nobody decide: an objection, a withdrawn consent. It covers
    restricting and nothing else. PermanentError("approval.not_at_once") for other rights and effects, ("approval.
    absent") when the ledger has no event `planned`, and as `approved` for a plan that is another or too old."""
    summary = _checked(case, request_id)
    effects = _AT_ONCE.get(summary.right)
    if effects is None or any(count.effect not in effects for count in summary.counts):
        raise PermanentError("approval.not_at_once", _PLACE)
    events = ledger.events(request_id)
    planned = next((event for event in reversed(events) if event.kind == "planned"), None)
    if planned is None:
        raise PermanentError("approval.absent", _PLACE)
    _same_plan(events, summary.digest, (planned,))
    if at - planned.at > valid:
        raise PermanentError("approval.stale", _PLACE)
    return Approval(request_id, summary.digest, "law", planned.at, seal())


def _checked(case: CaseFile, request_id: str) -> PlanSummary:
    """The plan in the case file, its records as they were planned."""
    if case.case_id != request_id or case.read_json("request")["request_id"] != request_id:
        raise PermanentError("approval.foreign", _PLACE)
    try:
        summary = plans.check(case)
    except PermanentError as error:
        code = "approval.digest" if error.code in ("plan.altered", "plan.invalid") else error.code
        raise PermanentError(code, error.place) from None
    plans.searched_everywhere(case, summary.order)
    return summary


def _both(events: Sequence[Event]) -> tuple[Event, Event]:
    """The last words of who prepared and who approved, both yes, in that order."""
    prepare, approve = _last(events, "prepare"), _last(events, "approve")
    if prepare is None or approve is None or not (_agreed(prepare) and _agreed(approve)):
        raise PermanentError("approval.absent", _PLACE)
    if approve.seq < prepare.seq:
        raise PermanentError("approval.absent", _PLACE)
    return prepare, approve


def _two_people(prepare: Event, approve: Event) -> str:
    """Who approved; somebody else than who prepared."""
    people = [_who(prepare), _who(approve)]
    if people[0] == people[1] or "" in people:
        raise PermanentError("approval.four_eyes", _PLACE)
    return people[1]


def _same_plan(events: Sequence[Event], digest: str, said: Sequence[Event]) -> None:
    planned = [event for event in events if event.kind == "planned"][-1:]
    if any(event.detail.get("digest") != digest for event in (*said, *planned)):
        raise PermanentError("approval.digest", _PLACE)


def _last(events: Sequence[Event], kind: str) -> Event | None:
    """The last word in a decision of that kind."""
    of_kind = (e for e in reversed(events) if e.kind == "decision" and e.detail.get("decision") == kind)
    return next(of_kind, None)


def _agreed(event: Event) -> bool:
    return event.detail.get("choice") == _YES


def _who(event: Event) -> str:
    """Who it was, "" when that isn't known."""
    by = str(event.detail.get("by") or "").casefold()
    return "" if by == "nobody" else by


def _identified(events: Sequence[Event], prepare: Event) -> bool:
    """Whether the last word on who asks is that it is them, said before the plan was prepared by one who says so
    too. An event `identity_verified` with `ok: false` takes an earlier one back."""
    words = [event for event in events if event.kind == "identity_verified"]
    if not words or prepare.detail.get("identity") != _VERIFIED:
        return False
    return words[-1].detail.get("ok", True) is True and any(w.seq < prepare.seq and _good(w.detail) for w in words)


def _good(detail: Mapping[str, Any]) -> bool:
    return detail.get("ok", True) is True

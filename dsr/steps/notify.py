"""notify: tells every recipient what was rectified, erased or restricted (Art. 19 GDPR), by the way that the register
names, and keeps the proof; then follows what became of it.

    notices/<notice id>   see `dsr.notices.told`

A recipient is told once per kind, whatever breaks: the notice's id is made from what it says, and OpenDSR endpoints
know it again. A mail may go twice when the process dies between sending and noting; its Message-ID is the same.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from dsr.casefile import CaseFile
from dsr.errors import DsrError, PermanentError, TransientError
from dsr.ledger import Ledger
from dsr.mailboxes import is_role_mailbox
from dsr.mailing import SendMail, keep_mail
from dsr.model import Outcome
from dsr.notices import Notice, OpenDsr, told
from dsr.notices.told import Told
from dsr.register import Register
from dsr.report.notices import mail
from dsr.search import found_from_json
from dsr.settings import Settings
from dsr.source import Declaration

_PLACE: Final = "notify"
_KINDS: Final = {"erase": "erasure", "anonymise": "erasure", "rectify": "rectification", "restrict": "restriction"}
"""Effect → what Art. 19 calls for. "keep" and "expire" change nothing that a recipient would have to follow."""

_HAPPENED: Final = ("done", "absent", "scheduled")
_SHORTEST: Final = timedelta(minutes=15)
_LONGEST: Final = timedelta(hours=12)

Endpoint = Callable[[str], OpenDsr]
"""Airflow connection → a client of the endpoint. PermanentError("connection.missing") when there is none."""


@dataclass(frozen=True)
class Notified:
    """Keys of recipients, sorted. `told`: they surely have it; `pending`: of these, those that haven't acted yet;
    `failed`: (key, code), a person has to see to it; `nobody`: the register says that they need not be told."""

    told: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    nobody: tuple[str, ...] = ()


def notify(
    case: CaseFile,
    register: Register,
    *,
    declarations: Iterable[Declaration],
    outcomes: Iterable[Outcome],
    send_mail: SendMail,
    opendsr: Endpoint,
    ledger: Ledger,
    at: datetime,
    settings: Settings,
    final: bool = False,
) -> Notified:
    """Tell every recipient that got data under the activities whose records `outcomes` say were changed; who was told
    already is not told again. Nobody when nothing was changed.

    All are tried before an error is raised: TransientError when some could not be reached, unless it is the `final`
    try; then, as for what can't succeed, they are `failed`, with a `notice_failed` in the ledger each.
    """
    notices = list(_notices(case, register, declarations, outcomes))
    errors: list[TransientError] = []
    for notice in notices:
        known = told.read(case, notice.notice_id)
        if known is not None and known.status not in ("failed", "none"):
            continue
        if notice.recipient.notify is None or notice.recipient.notify.by == "none":
            _leave_out(case, notice)
            continue
        try:
            _tell(case, notice, send_mail, opendsr, ledger, at, settings)
        except TransientError as error:
            errors.append(error)
            if final:
                _fail(case, notice, error, ledger, at)
        except PermanentError as error:
            _fail(case, notice, error, ledger, at)
    if errors and not final:
        raise _soonest(errors)
    return _summary(case, [notice.notice_id for notice in notices])


def follow(case: CaseFile, register: Register, *, opendsr: Endpoint, ledger: Ledger, at: datetime) -> Notified:
    """Ask the endpoints what became of the notices that they have. TransientError("notice.pending") with the time to
    ask again while any of them hasn't acted; "cancelled" there counts as failed. Holds nothing while it waits."""
    waits: list[timedelta] = []
    errors: list[DsrError] = []
    for known in told.all_told(case):
        recipient = register.recipients.get(known.recipient)
        if not known.open or recipient is None or recipient.notify is None:
            continue
        try:
            found = opendsr(recipient.notify.connection).status(known.notice_id, at)
        except DsrError as error:
            errors.append(error)
            continue
        if found.status != known.status:
            _moved(case, known, found.status, ledger, at)
        if found.status in ("pending", "in_progress"):
            waits.append(found.expected - at)
    if errors:
        raise errors[0]
    if waits:
        raise TransientError("notice.pending", _PLACE, min(max(min(waits), _SHORTEST), _LONGEST))
    return _summary(case, [known.notice_id for known in told.all_told(case)])


def recipients_told(case: CaseFile) -> tuple[Told, ...]:
    """The recipients, and how and when each was told: what the person gets who asks (Art. 19, second sentence)."""
    return told.all_told(case)


def _notices(
    case: CaseFile, register: Register, declarations: Iterable[Declaration], outcomes: Iterable[Outcome]
) -> Iterator[Notice]:
    request = case.read_json("request")
    rows = {dataset.name: dataset.processing for found in declarations for dataset in found.datasets}
    reached: dict[tuple[str, str], set[str]] = {}
    for kind, dataset in sorted(_changed(outcomes, request)):
        for recipient in register.activity(rows[dataset]).recipients:
            reached.setdefault((recipient.id, kind), set()).add(rows[dataset])
    if not reached:
        return
    emails = _emails(case)
    received_at = datetime.fromisoformat(request["received_at"])
    for (key, kind), activities in sorted(reached.items()):
        corrections = request.get("corrections", {}) if kind == "rectification" else {}
        recipient, named = register.recipients[key], tuple(sorted(activities))
        titles = tuple(register.activity(row).title for row in named)
        yield Notice(case.case_id, recipient, kind, named, titles, received_at, emails, corrections)


def _changed(outcomes: Iterable[Outcome], request: Mapping[str, Any]) -> set[tuple[str, str]]:
    """(kind, dataset) of what Art. 19 covers. What is restricted because it may not be erased yet is no restriction
    under Art. 18, nor is a stop of marketing alone; that of an objection under Art. 21(1) is one, Art. 18(1)(d)."""
    right, ground = request["right"], request.get("ground", "")
    restricting = right == "restriction" or (right == "objection" and ground == "legitimate_interest")
    changed = {
        (_KINDS[outcome.effect], outcome.dataset)
        for outcome in outcomes
        if outcome.effect in _KINDS and outcome.outcome in _HAPPENED and outcome.count
    }
    return {(kind, dataset) for kind, dataset in changed if kind != "restriction" or restricting}


def _emails(case: CaseFile) -> tuple[str, ...]:
    """Addresses by which records are surely the person's, but for mailboxes that many read: a recipient that looked
    these up would change others' data."""
    found = (found_from_json(case.read_json(name)) for name in case.names("found/"))
    emails = {i.value for one in found for match in one.matches for i in match.by if i.kind == "email"}
    return tuple(sorted(email for email in emails if not is_role_mailbox(email)))


def _tell(
    case: CaseFile,
    notice: Notice,
    send_mail: SendMail,
    opendsr: Endpoint,
    ledger: Ledger,
    at: datetime,
    settings: Settings,
) -> None:
    recipient = notice.recipient
    if recipient.notify is None or not notice.emails:
        raise PermanentError("identity.absent", _PLACE)
    detail = {"recipient": recipient.id, "by": recipient.notify.by, "kind": notice.kind}
    detail["notice"] = _urn(notice.notice_id)
    if recipient.notify.by == "mail":
        message = mail(notice, settings, at)
        send_mail(message)
        keep_mail(case, ledger, "notice", message, at=at)
        told.write(case, told.new(notice.notice_id, recipient, notice.kind, "sent", at=at))
    else:
        receipt = opendsr(recipient.notify.connection).send(notice, at)
        done = told.new(notice.notice_id, recipient, notice.kind, "pending", at=at, receipt=receipt.as_json())
        told.write(case, done)
        detail |= {"status": "pending", "receipt_sha256": receipt.body_sha256}
    ledger.append(case.case_id, "notified", detail, at=at)


def _moved(case: CaseFile, known: Told, status: str, ledger: Ledger, at: datetime) -> None:
    """Keep where the notice stands now; the ledger hears of its end."""
    cancelled = status == "cancelled"
    told.write(case, replace(known, status=status, code="notice.cancelled" if cancelled else ""))
    detail = {"recipient": known.recipient, "kind": known.kind, "notice": _urn(known.notice_id)}
    if cancelled:
        ledger.append(case.case_id, "notice_failed", {**detail, "code": "notice.cancelled"}, at=at)
    elif status == "completed":
        ledger.append(case.case_id, "notified", {**detail, "status": status}, at=at)


def _leave_out(case: CaseFile, notice: Notice) -> None:
    """Nobody said how (then `code` says so), or that they need not be told."""
    notify = notice.recipient.notify
    reason, code = (notify.reason, "") if notify else ({}, "notice.unsettled")
    status = "none" if notify else "failed"
    told.write(case, told.new(notice.notice_id, notice.recipient, notice.kind, status, code=code, reason=dict(reason)))


def _fail(case: CaseFile, notice: Notice, error: DsrError, ledger: Ledger, at: datetime) -> None:
    known = told.read(case, notice.notice_id)
    if known is not None and known.code == error.code:
        return
    told.write(case, told.new(notice.notice_id, notice.recipient, notice.kind, "failed", code=error.code))
    detail = {"recipient": notice.recipient.id, "kind": notice.kind, "code": error.code}
    ledger.append(case.case_id, "notice_failed", {**detail, "notice": _urn(notice.notice_id)}, at=at)


def _summary(case: CaseFile, notice_ids: Sequence[str]) -> Notified:
    found = [known for known in told.all_told(case) if known.notice_id in notice_ids]
    return Notified(
        _keys(known for known in found if known.reached),
        _keys(known for known in found if known.open),
        tuple(sorted({(known.recipient, known.code) for known in found if known.code})),
        _keys(known for known in found if known.status == "none"),
    )


def _keys(found: Iterable[Told]) -> tuple[str, ...]:
    return tuple(sorted({known.recipient for known in found}))


def _soonest(errors: Sequence[TransientError]) -> TransientError:
    """The error that asks for the shortest wait; one that asks for none comes first."""
    return min(errors, key=lambda error: error.retry_after or timedelta())


def _urn(notice_id: str) -> str:
    """With letters in it: the ledger takes no bare numbers."""
    return f"urn:uuid:{notice_id}"

"""notify: tells every recipient what was rectified, erased or restricted (Art. 19 GDPR), by the way that the register
names, and keeps the proof; tries those again that could not be told; follows what became of it; and tells who was told
of a restriction that it has ended.

    notices/<notice id>   see `dsr.notices.told`
    untold/<notice id>    see `dsr.notices.untold`

A recipient is told once per kind, whatever breaks: the notice's id is made from what it says, and OpenDSR endpoints
know it again. A mail may go twice when the process dies between sending and noting; its Message-ID is the same.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from dsr.casefile import CaseFile
from dsr.errors import DsrError, PermanentError, TransientError
from dsr.mailboxes import is_role_mailbox
from dsr.model import Outcome
from dsr.notices import LIFTED, Notice, told, untold
from dsr.notices.covered import kind_of
from dsr.notices.telling import Away, Telling, way_of
from dsr.notices.told import Told
from dsr.register import Register
from dsr.register.nouns import Recipient
from dsr.search import found_from_json
from dsr.source import Declaration

log = logging.getLogger("dsr")

_PLACE: Final = "notify"
_SHORTEST: Final = timedelta(minutes=15)
_LONGEST: Final = timedelta(hours=12)
_AGAIN: Final = timedelta(hours=1)
"""How long to wait for an endpoint that doesn't say when it can be asked again."""
_NO_WORDS: Final[Mapping[str, str]] = {"sv": "", "en": ""}


@dataclass(frozen=True)
class Notified:
    """Keys of recipients, sorted. `told`: they surely have it; `pending`: of these, those that haven't acted yet;
    `failed`: (key, code), a person has to see to it; `nobody`: the register says that they need not be told."""

    told: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    nobody: tuple[str, ...] = ()


def notify(
    telling: Telling,
    register: Register,
    *,
    declarations: Iterable[Declaration],
    outcomes: Iterable[Outcome],
    final: bool = False,
) -> Notified:
    """Tell every recipient that got data under the activities whose records `outcomes` say were changed; who was told
    already is not told again. Nobody when nothing was changed.

    All are tried before an error is raised, but for those that are away (`dsr.notices.telling.Away`): TransientError
    when some could not be reached, unless it is the `final` try, in which none is passed over; then, as for what can't
    succeed, they are `failed`, with a `notice_failed` in the ledger each, and are left to `tell_again`.
    """
    telling = _all_tried(telling) if final else telling
    notices = list(_notices(telling.case, register, declarations, outcomes))
    errors: list[TransientError] = []
    for notice in notices:
        known = told.read(telling.case, notice.notice_id)
        if known is not None and known.status not in ("failed", "none"):
            continue
        error = _try(telling, notice)
        if isinstance(error, TransientError):
            errors.append(error)
        if error is not None and (final or isinstance(error, PermanentError)):
            telling.fail(notice, error)
    if errors and not final:
        raise _soonest(errors)
    return _summary(telling.case, [notice.notice_id for notice in notices])


def tell_again(telling: Telling, register: Register, *, ends: bool = False, final: bool = False) -> Notified:
    """Try those again that could not be told, all of them, and follow those that were told so at last. `ends`: those
    that say that a restriction has ended, which are told here for the first time; else all others.

    PermanentError("notice.failed") while any can't be told unless a person does something: the log says which and why.
    TransientError when some may be reached later, with a `notice_failed` on the `final` try, or haven't acted yet.
    """
    telling = _all_tried(telling) if final else telling
    errors, failed = list[TransientError](), [(key, "recipient.absent") for key in untold.lost(telling.case, register)]
    for notice in untold.untold(telling.case, register):
        if (notice.kind == LIFTED) != ends:
            continue
        error = _try(telling, notice, late=True)
        if isinstance(error, TransientError):
            errors.append(error)
        elif error is not None:
            failed.append((notice.recipient.id, error.code))
        if error is not None and (final or isinstance(error, PermanentError)):
            telling.fail(notice, error)
    if failed:
        raise _seen_to(failed)
    if errors:
        raise _soonest(errors)
    return follow(telling, register, late=True)


def follow(telling: Telling, register: Register, *, late: bool = False) -> Notified:
    """Ask the endpoints what became of the notices that they have, each by itself; of those that were told `late`, or
    of all others. Holds nothing while it waits.

    TransientError with the time to ask again while any of them hasn't acted: ("notice.failed") when a person has to
    see to another one, else ("notice.pending"). PermanentError("notice.failed") when that is all that is left: it was
    cancelled there, or the answer proves nothing; the log says which.
    """
    waits, failed = list[timedelta](), list[tuple[str, str]]()
    for known in told.all_told(telling.case):
        if known.late != late:
            continue
        try:
            now, wait = _asked(telling, register, known)
        except TransientError as error:
            waits.append(error.retry_after or _AGAIN)
            continue
        except PermanentError as error:
            failed.append((known.recipient, error.code))
            continue
        waits += [wait] if wait is not None else []
        failed += [(now.recipient, now.code)] if now.status == "cancelled" else []
    if waits:
        wait = min(max(min(waits), _SHORTEST), _LONGEST)
        raise TransientError("notice.failed" if failed else "notice.pending", _PLACE, wait)
    if failed:
        raise _seen_to(failed)
    return _summary(telling.case, [known.notice_id for known in told.all_told(telling.case)])


def _all_tried(telling: Telling) -> Telling:
    """Passes nobody over: what is put down for good must have been tried."""
    return replace(telling, away=Away(in_a_row=0))


def _asked(telling: Telling, register: Register, known: Told) -> tuple[Told, timedelta | None]:
    """How that notice stands at its recipient, and how long to wait before asking again; None = it needs no asking."""
    recipient = register.recipients.get(known.recipient)
    if not known.open or recipient is None or recipient.notify is None:
        return known, None
    found = telling.status(recipient.notify.connection, known.notice_id)
    now = telling.moved(known, found.status) if found.status != known.status else known
    return now, found.expected - telling.at if now.open else None


def lifted(case: CaseFile) -> int:
    """The restriction has ended: everybody who was told of it has to hear so, by `tell_again`; how many haven't yet. A
    notice of the restriction itself that could not be told is told no more."""
    received_at, emails = datetime.fromisoformat(case.read_json("request")["received_at"]), _emails(case)
    due = 0
    for known in told.all_told(case):
        if known.kind != "restriction" or known.status == "none":
            continue
        untold.forget(case, known.notice_id)
        if known.at is None:
            continue
        to, rows = Recipient(known.recipient, known.name, "", "", _NO_WORDS), known.activities
        notice = Notice(case.case_id, to, LIFTED, rows, (), received_at, emails, ends=known.notice_id)
        if told.read(case, notice.notice_id) is None:
            untold.keep(case, notice)
            told.write(case, told.new(notice, "failed", code="notice.due"))
            due += 1
    return due


def _try(telling: Telling, notice: Notice, *, late: bool = False) -> DsrError | None:
    """Tell it, or leave it out as the register says; what stood against it."""
    try:
        if way_of(notice) == "none":
            telling.leave_out(notice)
        else:
            telling.tell(notice, late=late)
    except DsrError as error:
        return error
    return None


def _seen_to(failed: Iterable[tuple[str, str]]) -> PermanentError:
    for recipient, code in sorted(set(failed)):
        log.warning("recipient %s: %s", recipient, code)
    return PermanentError("notice.failed", _PLACE)


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
        first = Notice(case.case_id, recipient, kind, named, titles, received_at, emails, corrections)
        yield _of_now(case, first)


def _of_now(case: CaseFile, notice: Notice) -> Notice:
    """The same; where what it tells has ended since, once more, for it has begun again: that it had ended is told no
    more then."""
    while told.read(case, (end := replace(notice, kind=LIFTED, ends=notice.notice_id)).notice_id) is not None:
        untold.forget(case, end.notice_id)
        notice = replace(notice, number=notice.number + 1)
    return notice


def _changed(outcomes: Iterable[Outcome], request: Mapping[str, Any]) -> set[tuple[str, str]]:
    """(kind, dataset) of what Art. 19 covers. What is restricted for an objection under Art. 21(1) is so by Art.
    18(1)(d)."""
    right, ground = request["right"], request.get("ground", "")
    restricting = right == "restriction" or (right == "objection" and ground == "legitimate_interest")
    changed = ((kind_of(asdict(outcome), restricting=restricting), outcome.dataset) for outcome in outcomes)
    return {(kind, dataset) for kind, dataset in changed if kind}


def _emails(case: CaseFile) -> tuple[str, ...]:
    """Addresses by which records are surely the person's, but for mailboxes that many read: a recipient that looked
    these up would change others' data."""
    found = (found_from_json(case.read_json(name)) for name in case.names("found/"))
    emails = {i.value for one in found for match in one.matches for i in match.by if i.kind == "email"}
    return tuple(sorted(email for email in emails if not is_role_mailbox(email)))


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

"""Sends one notice, and puts down what came of it: in the case file (`told`, `untold`) and in the ledger."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from dsr.casefile import CaseFile
from dsr.errors import DsrError, PermanentError, TransientError
from dsr.ledger import Ledger
from dsr.mailing import SendMail, keep_mail
from dsr.notices import told, untold
from dsr.notices.notice import LIFTED, Notice
from dsr.notices.opendsr import OpenDsr
from dsr.notices.receipt import Status
from dsr.notices.told import Told
from dsr.report.notices import mail
from dsr.settings import Settings

_PLACE: Final = "notify"
_UNREACHED: Final = ("timeout", "connection.failed")
_IN_A_ROW: Final = 2

Endpoint = Callable[[str], OpenDsr]
"""Airflow connection → a client of the endpoint. PermanentError("connection.missing") when there is none."""


class Away:
    """Who couldn't be reached, of cases that are told one after the other in one try: each would wait for them as long.
    They are passed over once two in a row failed, since one alone may fail because of what it says."""

    def __init__(self, in_a_row: int = _IN_A_ROW) -> None:
        """`in_a_row`: so many failures let them be passed over; 0 = none do."""
        self._in_a_row = in_a_row
        self._failed: dict[tuple[str, str], list[tuple[str, str, timedelta | None]]] = {}

    @contextlib.contextmanager
    def reaching(self, way: str, where: str) -> Iterator[None]:
        """Around what tells somebody that way. Raises what was raised before instead, while they are passed over."""
        failed = self._failed.setdefault((way, where), [])
        if 0 < self._in_a_row <= len(failed):
            raise TransientError(*failed[-1])
        try:
            yield
        except TransientError as error:
            if error.code not in _UNREACHED:
                failed.clear()
            failed += [(error.code, error.place, error.retry_after)] if error.code in _UNREACHED else []
            raise
        except PermanentError:
            failed.clear()
            raise
        failed.clear()


@dataclass(frozen=True)
class Telling:
    """What it takes to tell the recipients of one case. `away` is shared by the cases of one try."""

    case: CaseFile
    send_mail: SendMail
    opendsr: Endpoint
    ledger: Ledger
    at: datetime
    settings: Settings
    away: Away = field(default_factory=Away)

    def tell(self, notice: Notice, *, late: bool = False) -> None:
        """Send it by the way that the register names. `late`: after an earlier try was given up.

        PermanentError("notice.unsettled") when the register names none, ("identity.absent") when nothing tells the
        recipient whom it is about, ("notice.by_hand") when its way has no words for this kind; others, and
        TransientError, as the ways have them.
        """
        recipient, by = notice.recipient, way_of(notice)
        if not notice.emails:
            raise PermanentError("identity.absent", _PLACE)
        detail = {"recipient": recipient.id, "by": by, "kind": notice.kind, "notice": _urn(notice.notice_id)}
        if by == "mail":
            message = mail(notice, self.settings, self.at)
            with self.away.reaching(by, ""):
                self.send_mail(message)
            keep_mail(self.case, self.ledger, "notice", message, at=self.at)
            self._told(notice, told.new(notice, "sent", by=by, at=self.at, late=late))
        else:
            connection = recipient.notify.connection if recipient.notify else ""
            with self.away.reaching(by, connection):
                receipt = self.opendsr(connection).send(notice, self.at)
            done = told.new(notice, "pending", by=by, at=self.at, late=late, receipt=receipt.as_json())
            self._told(notice, done)
            detail |= {"status": "pending", "receipt_sha256": receipt.body_sha256}
        self.ledger.append(self.case.case_id, "notified", detail, at=self.at)

    def status(self, connection: str, notice_id: str) -> Status:
        """Where a notice stands at its recipient; errors as `OpenDsr.status`."""
        with self.away.reaching("opendsr", connection):
            return self.opendsr(connection).status(notice_id, self.at)

    def leave_out(self, notice: Notice) -> None:
        """The register says that the recipient need not be told, and why."""
        reason = notice.recipient.notify.reason if notice.recipient.notify else {}
        self._told(notice, told.new(notice, "none", reason=dict(reason)))

    def fail(self, notice: Notice, error: DsrError) -> None:
        """It was not told, and is kept to be told later; the same reason is noted once."""
        untold.keep(self.case, notice)
        known = told.read(self.case, notice.notice_id)
        if known is not None and known.code == error.code:
            return
        told.write(self.case, told.new(notice, "failed", code=error.code))
        detail = {"recipient": notice.recipient.id, "kind": notice.kind, "code": error.code}
        self.ledger.append(self.case.case_id, "notice_failed", {**detail, "notice": _urn(notice.notice_id)}, at=self.at)

    def moved(self, known: Told, status: str) -> Told:
        """Keep where the notice stands now at the recipient; the ledger hears of its end."""
        cancelled = status == "cancelled"
        moved = replace(known, status=status, code="notice.cancelled" if cancelled else "")
        told.write(self.case, moved)
        detail = {"recipient": known.recipient, "kind": known.kind, "notice": _urn(known.notice_id)}
        if cancelled:
            self.ledger.append(self.case.case_id, "notice_failed", {**detail, "code": "notice.cancelled"}, at=self.at)
        elif status == "completed":
            self.ledger.append(self.case.case_id, "notified", {**detail, "status": status}, at=self.at)
        return moved

    def _told(self, notice: Notice, done: Told) -> None:
        told.write(self.case, done)
        untold.forget(self.case, notice.notice_id)


def way_of(notice: Notice) -> str:
    """One of "opendsr", "mail" and "none". OpenDSR has no request that takes a restriction back: who is told over it
    is told of that by mail, where the register names an address too. PermanentError as `Telling.tell`."""
    way = notice.recipient.notify
    if way is None:
        raise PermanentError("notice.unsettled", _PLACE)
    if way.by == "opendsr" and notice.kind == LIFTED:
        if not way.to:
            raise PermanentError("notice.by_hand", _PLACE)
        return "mail"
    return way.by


def _urn(notice_id: str) -> str:
    """With letters in it: the ledger takes no bare numbers."""
    return f"urn:uuid:{notice_id}"

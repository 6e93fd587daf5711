"""transmit: sends the released copy of the package to the controller that the person named (Art. 20(2) GDPR), and says
so in the ticket; or says that it can't be done directly.

    transmission/package    the copy, with facts and signature (`dsr.package.COPY`)
    transmission/state      where an upload stands on the other side: {"recipient", "sha256", "state"}; secret
    transmission/receipt    {"recipient", "at", "receipt"}: the proof
    transmission/answered   the ticket has been told

Whoever tries again goes on where it stopped; what has a receipt is not sent again.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Final

from dsr.casefile import CaseFile
from dsr.channels.ticket import Answer
from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.package import COPY
from dsr.report.transmission import Sent, TransmissionLetter
from dsr.settings import Settings
from dsr.transmission import Receipt, Recipient, Upload
from dsr.vocabulary import RECIPIENT_KEY

_PLACE: Final = "transmit"
_FACTS: Final = f"{COPY}.json"
_SIGNATURE: Final = f"{COPY}.minisig"
_STATE: Final = "transmission/state"
_RECEIPT: Final = "transmission/receipt"
_ANSWERED: Final = "transmission/answered"
_DECLINED: Final = "transmission/declined"

GiveAnswer = Callable[[Answer], None]


@dataclass(frozen=True)
class Transmitted:
    """The package is at `recipient` (its key), by the receipt of that id. `fresh`: it was sent by this call."""

    recipient: str
    receipt_id: str
    fresh: bool


def transmit(
    case: CaseFile,
    recipient: Recipient,
    *,
    released: str,
    ledger: Ledger,
    answer: GiveAnswer,
    at: datetime,
    settings: Settings,
) -> Transmitted:
    """Send the copy of this case's package to `recipient` and tell the ticket, each once. `released`: SHA-256 of the
    copy that a person released for that recipient.

    PermanentError: ("release.not_approved") unless exactly that copy is there, ("recipient.other") when the
    request names another, ("receipt.mismatch") when the receipt is for other bytes, ("package.changed"); these and
    the recipient's own permanent errors go into the ledger as `transmission_failed`. TransientError: call again.
    """
    request, package = case.read_json("request"), _released(case, released)
    if request.get("transmit_to") != recipient.key or not re.fullmatch(RECIPIENT_KEY, recipient.key):
        raise PermanentError("recipient.other", _PLACE)
    kept = _kept(case, recipient.key, package["sha256"])
    fresh = kept is None
    if kept is None:
        kept = _send(case, recipient, package, ledger, at)
    receipt = Receipt.from_json(kept["receipt"], _PLACE)
    _note(case, recipient.key, receipt, ledger, at)
    case.remove(_STATE)
    if not case.exists(_ANSWERED):
        sent_at = datetime.fromisoformat(kept["at"]).astimezone(settings.zone)
        sent = Sent(recipient.title, sent_at, receipt, package.get("encryption", "none") != "none")
        text = TransmissionLetter.of(request, settings).sent(sent)
        answer(
            _answer(
                request, text, f"transmission-{package['sha256'][:12]}", close=_settled(ledger, case.case_id), at=at
            )
        )
        case.write_json(_ANSWERED, True)
    return Transmitted(recipient.key, receipt.receipt_id, fresh)


def decline(
    case: CaseFile,
    *,
    ledger: Ledger,
    answer: GiveAnswer,
    at: datetime,
    settings: Settings,
    told: bool = False,
    code: str = "recipient.unknown",
) -> bool:
    """Tell the ticket that the package can't be sent directly, since the controller that the request names isn't one
    that we can reach ("where technically feasible", Art. 20(2)), and that the person can pass it on. Whether this call
    did; False when an earlier one had. `told`: an answer before this one said it already, only the ledger is to learn
    it; and not the name, which is the person's own words. `code`: why, for the ledger. The copy is removed."""
    case.remove(COPY)
    if case.exists(_DECLINED):
        return False
    if not told:
        request = case.read_json("request")
        text = TransmissionLetter.of(request, settings).declined()
        answer(_answer(request, text, "transmission-declined", close=_settled(ledger, case.case_id), at=at))
    _failed(ledger, case.case_id, {"code": code}, at)
    case.write_json(_DECLINED, True)
    return True


def give_up(case: CaseFile, key: str, code: str, *, ledger: Ledger, at: datetime) -> None:
    """Put down that sending to that recipient ended for good with an error that was worth trying again."""
    _failed(ledger, case.case_id, {"recipient": key, "code": code}, at)


def _released(case: CaseFile, released: str) -> Mapping[str, Any]:
    """The copy's facts. PermanentError("release.not_approved") unless a person released that very copy."""
    facts: Mapping[str, Any] = case.read_json(_FACTS) if case.exists(_FACTS) else {}
    if not facts or facts["sha256"] != released:
        raise PermanentError("release.not_approved", _PLACE)
    return facts


def _kept(case: CaseFile, key: str, sha256: str) -> Mapping[str, Any] | None:
    """The receipt of an earlier call for this very package and recipient."""
    kept: Mapping[str, Any] | None = case.read_json(_RECEIPT) if case.exists(_RECEIPT) else None
    return kept if kept and (kept["recipient"], kept["receipt"]["sha256"]) == (key, sha256) else None


def _send(
    case: CaseFile, recipient: Recipient, package: Mapping[str, Any], ledger: Ledger, at: datetime
) -> Mapping[str, Any]:
    upload = _upload(case, recipient.key, package)
    try:
        receipt = recipient.send(upload)
        upload.check(receipt)
    except PermanentError as error:
        _failed(ledger, case.case_id, {"recipient": recipient.key, "code": error.code}, at)
        raise
    case.remove(_ANSWERED)  # of another package or recipient
    kept = {"recipient": recipient.key, "at": at.isoformat(), "receipt": receipt.as_json()}
    case.write_json(_RECEIPT, kept)
    return kept


def _upload(case: CaseFile, key: str, package: Mapping[str, Any]) -> Upload:
    whose = {"recipient": key, "sha256": package["sha256"]}
    stored: Mapping[str, Any] = case.read_json(_STATE) if case.exists(_STATE) else {}
    ours = {name: stored.get(name) for name in whose} == whose

    def read() -> AbstractContextManager[BinaryIO]:
        return case.reader(COPY)

    def remember(state: Mapping[str, Any]) -> None:
        case.write_json(_STATE, {**whose, "state": dict(state)})

    return Upload(
        request_id=case.case_id,
        sha256=package["sha256"],
        size=package["bytes"],
        extension=package.get("extension", "zip"),
        signature=case.read_json(_SIGNATURE) if case.exists(_SIGNATURE) else "",
        reader=read,
        state=stored["state"] if ours else {},
        remember=remember,
    )


def _note(case: CaseFile, key: str, receipt: Receipt, ledger: Ledger, at: datetime) -> None:
    detail = {"recipient": key, "sha256": receipt.sha256, "bytes": receipt.bytes, "receipt_sha256": receipt.digest}
    if not any(e.kind == "transmitted" and e.detail == detail for e in ledger.events(case.case_id)):
        ledger.append(case.case_id, "transmitted", detail, at=at)


def _failed(ledger: Ledger, case_id: str, detail: Mapping[str, str], at: datetime) -> None:
    ledger.append(case_id, "transmission_failed", detail, at=at)


def _settled(ledger: Ledger, case_id: str) -> bool:
    """Whether the answer before this one left nothing open, so that the ticket stays closed."""
    answered = [event.detail for event in ledger.events(case_id) if event.kind == "answered"]
    return bool(answered) and not answered[-1].get("incomplete")


def _answer(request: Mapping[str, Any], text: str, what: str, *, close: bool, at: datetime) -> Answer:
    return Answer(
        request_id=request["request_id"],
        answer_id=f"{request['request_id']}-{what}",
        channel=request["channel"],
        ticket_id=request["ticket"]["id"],
        text=text,
        close=close,
        at=at,
        kind="transmission",
    )

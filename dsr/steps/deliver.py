"""The answer to the person: a link by mail to an address on file, its code in the ticket; or "nothing held". What the
package was encrypted with, if it was, goes with the code.

Link and code are drawn once per package and kept in the case file until both are out, and each step leaves a mark
there: whoever tries again goes on where it stopped, and at worst sends the same mail twice. Afterwards link, code and
password are nowhere but with the person, or in the outbox until the ticket has them. A package that was composed anew
gets a link, a mail and an answer of its own, and the former link ends: its password is another, and what it opened is
gone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from dsr import handed, review
from dsr.casefile import CaseFile
from dsr.channels.ticket import Answer
from dsr.contact import on_file
from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.links import Links, new_code, new_link
from dsr.mailing import SendMail, keep_mail
from dsr.report.answers import Access, Letter, Summary, Transfer
from dsr.review import Concluded
from dsr.sealing import PASSWORD
from dsr.search import SearchResult
from dsr.settings import Settings

_PLACE: Final = "deliver"
_STATE: Final = "delivery/state"
_MAILED: Final = "delivery/mailed"
_ANSWERED: Final = "delivery/answered"
"""{"outcome", "sha256"}: what the ticket was told, and of which package; another outcome is told too."""
RELEASED: Final = "delivery/released"
"""{"sha256"} of the one package that the page may hand out; composed anew, it must be released anew."""
_SEAL_TOLD: Final = "delivery-seal"
"""{"sha256"} of the package whose password the person has got."""
_MISSING: Final = ("failed", "not_connected")

GiveAnswer = Callable[[Answer], None]


@dataclass(frozen=True)
class Delivered:
    """How the request was answered.

    outcome     "link", "nothing_held" or "only_doubtful" (something was found, nothing surely the person's)
    expires_at  until when the link works, aware; None without a link
    incomplete  sources that the answer names as not searched or not read; the ticket then stays open
    """

    outcome: str
    expires_at: datetime | None
    incomplete: tuple[str, ...]


def deliver(
    case: CaseFile,
    *,
    links: Links,
    ledger: Ledger,
    send_mail: SendMail,
    answer: GiveAnswer,
    at: datetime,
    settings: Settings,
    released: str | None,
    titles: Mapping[str, str] | None = None,
    transmit_title: str | None = None,
    erased_before: bool = False,
) -> Delivered:
    """Answer the request of this case. `released`: SHA-256 of the package that a person released; None = none was, so
    that no link can come of it. `titles`: what to call the sources in words; their names where it has none.
    `transmit_title`: what the recipient that the request names is called, if the package may be sent there; the ticket
    then stays open until that was done, and the ledger's `answered` says `transmits`. None = it can't be.
    `erased_before`: as `report.answers.Summary` has it.

    PermanentError, for a person to go on with: ("address.absent") when data is held but no e-mail address on file,
    ("search.absent") when nobody searched, ("package.absent") when there is nothing to give, ("release.not_approved")
    when it is not the package that was released, ("password.absent") when nobody could open it. Errors of `send_mail`
    and `answer` are passed on.
    """
    request, results = case.read_json("request"), _results(case)
    missing = tuple(r.source for r in results if r.status in _MISSING)
    summary = replace(_summary(results, titles or {}), erased_before=erased_before, unreviewed=_unreviewed(case))
    if summary.held and not case.exists("package.json"):
        raise PermanentError("package.absent", _PLACE)
    letter = Letter.of(request, settings)
    access = _access(case, links, letter, released, at) if summary.held else None
    noted = {"incomplete": list(missing)}
    if access is not None:
        case.write_json(RELEASED, {"sha256": released})
        handed.lay_out(case, case.read_json("package.json"), settings.portal)
        if not case.exists(_MAILED):
            message = letter.mail(on_file(case, request["subject"]["email"]), access, summary, at)
            send_mail(message)
            keep_mail(case, ledger, "answer", message, at=at, secrets=(access.secret,))
            case.write_json(_MAILED, True)
            detail: dict[str, Any] = {"by": "mail", "expires_at": access.expires_at.isoformat(), **noted}
            ledger.append(case.case_id, "delivered", detail, at=at)
    told = {"outcome": summary.outcome, "sha256": released or ""}
    if not case.exists(_ANSWERED) or case.read_json(_ANSWERED) != told:
        transfer = _transfer(request, transmit_title) if access is not None else None
        transmits = transfer is not None and transfer.possible
        follows = summary.outcome == "only_doubtful" or missing or transmits or summary.unreviewed
        what = f"{told['sha256'][:12]}-{int(access.expires_at.timestamp())}" if access else summary.outcome
        secrets = tuple(filter(None, (access.code, access.password))) if access else ()
        text = letter.ticket(access, summary, transfer)
        answer(_answer(request, what, text, close=not follows, at=at, secrets=secrets))
        case.write_json(_ANSWERED, told)
        counts = {"doubtful": summary.doubtful, "not_reviewed": summary.unreviewed}
        detail = {"outcome": summary.outcome, **counts, **noted, "transmits": transmits}
        ledger.append(case.case_id, "answered", detail, at=at)
    if access is not None:
        _forget(case, access)
    return Delivered(summary.outcome, access.expires_at if access else None, missing)


def _unreviewed(case: CaseFile) -> int:
    """How many texts and files nobody had looked at when the review was ended."""
    if not case.exists(review.CONCLUDED):
        return 0
    return len(review.entries(case)) - len(Concluded.load(case).verdicts)


def _forget(case: CaseFile, access: Access) -> None:
    """All is out: link, code and password leave the case file; what stays says until when and that they were given."""
    kept = case.read_json(_STATE)
    case.write_json(_STATE, {name: kept[name] for name in ("sha256", "expires_at")})
    if case.exists(PASSWORD):
        case.write_json(_SEAL_TOLD, case.read_json(RELEASED))
        case.remove(PASSWORD)


def _results(case: CaseFile) -> list[SearchResult]:
    """What came of each source: a search that found something counts as failed when that was never read, or not to
    its end."""
    results = [SearchResult.from_json(case.read_json(name)) for name in case.names("search/")]
    if not results:
        raise PermanentError("search.absent", _PLACE)
    read = {c["source"]: c["status"] for c in map(case.read_json, case.names("collected/"))}
    return [
        replace(r, status="failed") if r.status == "found" and read.get(r.source, "failed") in _MISSING else r
        for r in results
    ]


def _summary(results: Sequence[SearchResult], titles: Mapping[str, str]) -> Summary:
    named = {r.source: titles.get(r.source, r.source) for r in results}
    return Summary(
        held=any(r.matches for r in results),
        doubtful=sum(r.doubtful for r in results),
        searched=tuple(named[r.source] for r in results if r.status not in _MISSING),
        incomplete=tuple(named[r.source] for r in results if r.status in _MISSING),
    )


def _access(case: CaseFile, links: Links, letter: Letter, released: str | None, at: datetime) -> Access:
    """Link, code and password of this package, drawn once. They are in the case file before they are valid, so that no
    link works that isn't known here. Once all is out they are gone from it, and empty here."""
    settings, package = letter.settings, case.read_json("package.json")
    if released is None or package["sha256"] != released:
        raise PermanentError("release.not_approved", _PLACE)
    sealed = package.get("encryption", "none"), _password(case, package)
    state = _state(case, links, released, at, timedelta(days=settings.package_days))
    expires_at = datetime.fromisoformat(state["expires_at"]).astimezone(settings.zone)
    if "link" not in state:
        return Access("", "", expires_at, *sealed)
    links.create(case.case_id, state["link"], state["code"], expires_at, at)
    # The secret and the expiry stand in the fragment, which a browser keeps to itself.
    url = f"{settings.portal_url}/?lang={letter.language}#{state['link']}.{int(expires_at.timestamp())}"
    return Access(url, state["code"], expires_at, *sealed)


def _state(case: CaseFile, links: Links, sha256: str, at: datetime, lives: timedelta) -> Mapping[str, str]:
    """{"sha256", "expires_at"}, and until both are out {"link", "code"}."""
    state: Mapping[str, str] = case.read_json(_STATE) if case.exists(_STATE) else {}
    if state.get("sha256") == sha256 and datetime.fromisoformat(state["expires_at"]) > at:
        return state
    # A link that has ended is no answer, nor is one to a package that was replaced: all goes out anew.
    case.remove("delivery/")
    links.forget(case.case_id)
    ends = (at + lives).replace(microsecond=0).isoformat()
    state = {"sha256": sha256, "link": new_link(), "code": new_code(), "expires_at": ends}
    case.write_json(_STATE, state)
    return state


def _password(case: CaseFile, package: Mapping[str, Any]) -> str:
    """That of an encrypted ZIP; "" for what has none, or when an earlier answer gave it."""
    if package.get("encryption") != "zip":
        return ""
    if case.exists(PASSWORD):
        return str(case.read_json(PASSWORD))
    if case.exists(_SEAL_TOLD) and case.read_json(_SEAL_TOLD)["sha256"] == package["sha256"]:
        return ""
    raise PermanentError("password.absent", _PLACE)


def _transfer(request: Mapping[str, Any], title: str | None) -> Transfer | None:
    """What is told of the recipient that the request names; None when it names none."""
    recipient = request.get("transmit_to")
    return Transfer(title or recipient, title is not None) if recipient else None


def _answer(
    request: Mapping[str, Any], what: str, text: str, *, close: bool, at: datetime, secrets: tuple[str, ...]
) -> Answer:
    """`what` tells the answers of one request apart, so that a receiver drops the same one and no other."""
    return Answer(
        request_id=request["request_id"],
        answer_id=f"{request['request_id']}-answer-{what}",
        channel=request["channel"],
        ticket_id=request["ticket"]["id"],
        text=text,
        close=close,
        at=at,
        secrets=secrets,
    )

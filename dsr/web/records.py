"""Records that may be the person's or somebody else's, on the review's page: what is needed to decide, no more.

POST /review/{request_id}/records/{number}   form: token, evidence (what was shown), verdict (theirs, not_theirs)
"""

from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dsr import judging, schema
from dsr.casefile import CaseFile
from dsr.errors import PermanentError
from dsr.findings import JUDGED_THEIRS, THEIRS, Finding
from dsr.judging import Judgement
from dsr.web.console import Desk, form_of, opened

_KINDS: Final = {"email": "e-mail", "phone": "phone", "customer_number": "customer number"}
_STATES: Final = {
    "anchor": "the address that the request came from",
    "alone": "only they have it",
    "proven": "only a form stated it, and they have shown that they hold the phone",
    "shared": "others have it too, or that can't be told",
    "stated": "only a form says that it is theirs, and anybody can fill in a form: ask them by it first",
    "common": "a role's mailbox or a fixed line",
    "crowd": "several others use it",
}
_AGAINST: Final = {
    "misspelt_name": "the name is spelt otherwise",
    "uncompared_name": "there is no name to compare with",
    "no_name": "it bears no name",
    "kindred_name": "only the given name is the same",
    "other_name": "the name is another",
    "own_address": "it carries an address that isn't theirs",
    "unchecked": "anybody can make such a record by filling in a form",
    "unread": "only the index knows of it",
}


@dataclass(frozen=True)
class Record:
    """A doubtful record as the page shows it: its number on this page, the digest of what is shown, where it lies, the
    name on it, what leads to it, what is against it."""

    number: int
    evidence: str
    where: str
    person: str
    led: tuple[tuple[str, str, str], ...]
    against: tuple[str, ...]
    score: int
    judgement: Judgement | None


@dataclass(frozen=True)
class Known:
    """What is surely the person's, to compare with: names, and the address that the request came from."""

    names: tuple[str, ...]
    email: str


def records(case: CaseFile) -> list[Record]:
    """The doubtful records of the last search, the likeliest first."""
    found = [_record(n, finding, judging.judged(case, finding)) for n, finding in enumerate(judging.doubtful(case), 1)]
    return sorted(found, key=lambda record: -record.score)


def known(case: CaseFile) -> Known:
    """Of the last search."""
    names: dict[str, None] = {}
    for name in case.names("evidence/"):
        for value in case.read_json(name)["findings"]:
            if value["verdict"] in (THEIRS, JUDGED_THEIRS) and value["person"]:
                names[value["person"]] = None
    return Known(tuple(names), case.read_json("request")["subject"]["email"])


def routes(desk: Desk) -> list[Route]:
    """Of these records."""

    async def judge(request: Request) -> Response:
        case, user = await opened(desk, request)
        form = await form_of(request)
        desk.check(request, user, case.case_id, form.get("token", [""])[0])
        verdict = form.get("verdict", [""])[0]
        if verdict not in ("theirs", "not_theirs"):
            raise HTTPException(400)
        evidence, number = form.get("evidence", [""])[0], request.path_params["number"]
        await run_in_threadpool(_judge, desk, case, user, evidence, verdict == "theirs")
        return RedirectResponse(f"../../{case.case_id}#record-{number}", 303)

    return [Route("/review/{request_id}/records/{number:int}", judge, methods=["POST"])]


def _judge(desk: Desk, case: CaseFile, user: str, evidence: str, theirs: bool) -> None:
    with desk.alone(case.case_id):
        finding = next((f for f in judging.doubtful(case) if judging.evidence_of(f) == evidence), None)
        if finding is None:
            raise PermanentError("record.changed", "review")
        judging.judge(case, finding, theirs=theirs, by=user, at=desk.now())
        detail = {"source": finding.source, "dataset": finding.dataset, "theirs": theirs, "by": user}
        desk.ledger.append(case.case_id, "record_judged", detail | {"score": finding.score}, at=desk.now())


def _record(number: int, finding: Finding, judgement: Judgement | None) -> Record:
    led = tuple((_KINDS.get(i.kind, "id in another system"), i.value, _STATES[state]) for i, state in finding.led)
    return Record(
        number,
        judging.evidence_of(finding),
        str(schema.load(finding.dataset)["title"]),
        finding.person,
        led,
        tuple(_AGAINST[code] for code in finding.against),
        finding.score,
        judgement,
    )

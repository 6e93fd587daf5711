"""Numbers that only a form states, in the case file: which of them lead to something, which the person was asked about,
and for which they have shown that they hold the phone.

    number/search   what the last search says of them: {"provable", "used"}
    number/asked    what was asked, see `Asked`

What was asked outlives the working data, as what a person has judged does, since another plan goes by it; the answer
ends it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from dsr import judging
from dsr.casefile import CaseFile
from dsr.findings import ANYBODYS, DOUBTFUL, JUDGED_NOT, PROVEN, Finding
from dsr.identity import Decision
from dsr.links import link_hash
from dsr.model import Identifier
from dsr.possession import Possessions
from dsr.search import stamp

FOLDER: Final = "number/"
SEARCH: Final = f"{FOLDER}search"
_ASKED: Final = f"{FOLDER}asked"


@dataclass(frozen=True)
class Asked:
    """One number that was asked about, by a link of its own. `address`: whom the link goes to; `expires_at`: aware;
    `mailed`: whether it has gone out."""

    number: str = field(repr=False)
    link: str = field(repr=False)
    address: str = field(repr=False)
    expires_at: datetime
    mailed: bool = False


@dataclass(frozen=True)
class Standing:
    """How it stands, in counts: numbers that were asked about, that are proven, and of these the ones that no search
    has gone by yet."""

    asked: int = 0
    proven: int = 0
    waiting: int = 0


def leading(decision: Decision, findings: Sequence[Finding]) -> tuple[str, ...]:
    """The provable numbers to which a record answers that is doubtful, what leads to most first: nobody is asked about
    the others, nor about a number behind which a person has said that a record isn't theirs."""
    doubtful = [f for f in findings if f.verdict in (DOUBTFUL, ANYBODYS)]
    denied = {i for f in findings if f.verdict == JUDGED_NOT for i, _ in f.led}
    won = Counter(i for f in doubtful for i, _ in f.led if i in decision.provable - denied)
    return tuple(i.value for i, _ in sorted(won.items(), key=lambda pair: (-pair[1], pair[0])))


def keep(case: CaseFile, decision: Decision, used: Iterable[Identifier], findings: Sequence[Finding]) -> None:
    """What a search says of them; `used`: the proven ones that it knew of."""
    case.write_json(SEARCH, {"provable": leading(decision, findings), "used": sorted(i.value for i in used)})


def provable(case: CaseFile) -> tuple[str, ...]:
    """Of the last search."""
    return tuple(case.read_json(SEARCH)["provable"]) if case.exists(SEARCH) else ()


def denied(case: CaseFile, findings: Iterable[Finding]) -> frozenset[Identifier]:
    """Of the numbers that lead by nothing but proof, those behind which a person has said that a record isn't theirs:
    whoever holds the phone now may not have had it then."""
    led = ((finding, [i for i, state in finding.led if state == PROVEN]) for finding in findings)
    return frozenset(i for finding, its in led if its and judging.denied(case, finding) for i in its)


def asked(case: CaseFile) -> tuple[Asked, ...]:
    """Everything that was asked."""
    kept = case.read_json(_ASKED) if case.exists(_ASKED) else ()
    return tuple(Asked(**{**one, "expires_at": datetime.fromisoformat(one["expires_at"])}) for one in kept)


def write_asked(case: CaseFile, questions: Iterable[Asked]) -> None:
    """In place of what was there."""
    kept: list[dict[str, Any]] = [{**asdict(one), "expires_at": stamp(one.expires_at)} for one in questions]
    case.write_json(_ASKED, kept)


def proven(case: CaseFile, possessions: Possessions) -> frozenset[Identifier]:
    """The numbers whose phone the person has shown to hold."""
    questions = asked(case)
    if not questions:
        return frozenset()
    links = possessions.proven(case.case_id)
    return frozenset(Identifier("phone", one.number) for one in questions if link_hash(one.link) in links)


def standing(case: CaseFile, possessions: Possessions) -> Standing:
    """How it stands now."""
    mailed = {one.number for one in asked(case) if one.mailed}
    if not mailed:
        return Standing()
    held = {i.value for i in proven(case, possessions)}
    used = set(case.read_json(SEARCH)["used"]) if case.exists(SEARCH) else set()
    return Standing(len(mailed), len(held), len(held - used))

"""What a person decided about a record that may be the person's or somebody else's: theirs, or not.

    judged/<source>/<hash of dataset and id>   one decision, with the digest of the evidence that it was made on

A search goes by it as long as the evidence is the same; a record that says something else now is doubtful anew. What is
decided to be theirs leads nowhere further: no other record is found by it.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from dsr import review
from dsr.casefile import CaseFile
from dsr.errors import PermanentError
from dsr.findings import JUDGED_NOT, JUDGED_THEIRS, Finding, reasons
from dsr.search import stamp

_FOLDER: Final = "judged/"

Key = tuple[str, str, str]
"""Source, dataset, record id."""


@dataclass(frozen=True)
class Judgement:
    """theirs: whether the record is the person's; by: the code of who decided; at: when, aware; evidence: digest."""

    theirs: bool
    by: str
    at: datetime
    evidence: str = field(repr=False)


def judge(case: CaseFile, finding: Finding, *, theirs: bool, by: str, at: datetime) -> None:
    """Keeps a decision, in place of an earlier one. PermanentError("record.certain") for a record about which nobody
    can decide, ("review.concluded") when the review has ended."""
    if not finding.decidable:
        raise PermanentError("record.certain", "judging")
    if review.ended(case):
        raise PermanentError("review.concluded", "judging")
    kept = {"theirs": theirs, "by": by, "at": stamp(at), "evidence": evidence_of(finding)}
    case.write_json(_name(finding), kept)


def judged(case: CaseFile, finding: Finding) -> Judgement | None:
    """What was decided about a record, on the evidence that there is now; None when nothing was."""
    name = _name(finding)
    if not case.exists(name):
        return None
    kept = case.read_json(name)
    if kept["evidence"] != evidence_of(finding):
        return None
    return Judgement(kept["theirs"], kept["by"], datetime.fromisoformat(kept["at"]), kept["evidence"])


def with_judgement(case: CaseFile, finding: Finding) -> Finding:
    """The finding as a search goes by it: with the verdict of a person where it was doubtful and they have decided."""
    found = judged(case, finding) if finding.decidable else None
    if found is None:
        return finding
    return replace(finding, verdict=JUDGED_THEIRS if found.theirs else JUDGED_NOT)


def doubtful(case: CaseFile) -> Iterator[Finding]:
    """The records of the last search of which a person can tell whose they are, source by source."""
    for name in case.names("evidence/"):
        kept: dict[str, Any] = case.read_json(name)
        for value in kept["findings"]:
            finding = Finding.from_json(kept["source"], value)
            if finding.decidable:
                yield finding


def judges(case: CaseFile) -> frozenset[str]:
    """The codes of those by whose word records are theirs in the last search."""
    said: set[str] = set()
    for name in case.names("evidence/"):
        kept = case.read_json(name)
        for value in kept["findings"]:
            if value["verdict"] == JUDGED_THEIRS:
                found = judged(case, Finding.from_json(kept["source"], value))
                said.add(found.by if found else "")
    return frozenset(said)


def denied(case: CaseFile, finding: Finding) -> bool:
    """Whether a person has said of this record that it isn't theirs, whatever they went by."""
    name = _name(finding)
    return case.exists(name) and not case.read_json(name)["theirs"]


@dataclass(frozen=True)
class Doubts:
    """How the doubtful records of the last search stand: counts. `open`: nobody has decided; `waiting`: theirs, as
    somebody has decided since, so that nothing goes by it before another search; `dismissed`: not theirs, likewise."""

    open: int
    waiting: int
    dismissed: int = 0


def doubts(case: CaseFile) -> Doubts:
    """Of the last search; none where there was none."""
    found = [judged(case, finding) for finding in doubtful(case)]
    said = [None if judgement is None else judgement.theirs for judgement in found]
    return Doubts(said.count(None), said.count(True), said.count(False))


def dismiss(case: CaseFile) -> None:
    """Takes what was decided not to be theirs out of the doubtful of the last search; nothing needs to be read for it.
    The document is to be made anew."""
    for name in case.names("evidence/"):
        kept = case.read_json(name)
        before = [Finding.from_json(kept["source"], value) for value in kept["findings"]]
        after = [f if (judgement := judged(case, f)) is None or judgement.theirs else _dismissed(f) for f in before]
        if gone := sum(f.verdict != was.verdict for f, was in zip(after, before, strict=True)):
            search = case.read_json(f"search/{kept['source']}")
            case.write_json(f"search/{kept['source']}", {**search, "doubtful": search["doubtful"] - gone})
            findings = {"reasons": reasons(after), "findings": [f.as_json() for f in after]}
            case.write_json(name, {"source": kept["source"], **findings})


def _dismissed(finding: Finding) -> Finding:
    return replace(finding, verdict=JUDGED_NOT) if finding.decidable else finding


def _name(finding: Finding) -> str:
    content = f"{finding.dataset}\0{finding.record_id}"
    digest = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{_FOLDER}{finding.source}/{digest[:32]}"


def evidence_of(finding: Finding) -> str:
    """Digest of what is shown of a record: which one it is, the name on it, what led to it, what is against it."""
    led = [[identifier.kind, identifier.value, state] for identifier, state in finding.led]
    shown = [finding.source, finding.dataset, finding.record_id, finding.person, led, list(finding.against)]
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()
